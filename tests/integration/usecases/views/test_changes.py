"""The timeline, differences, one version, and the way back."""

from typing import TYPE_CHECKING

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

CHANGES = "/use-cases/claims/changes"


@pytest.fixture
def changed(client: "Client", ops: "User", use_case: "UseCase") -> "Client":
    """r2 answers from 0.90, r3 from 0.80."""
    from usecases.actions import versions

    client.force_login(ops)
    versions.apply(use_case=use_case, document=claims(0.9), by=ops, reason="Peak season")
    versions.apply(use_case=use_case, document=claims(0.8), by=ops)
    return client


def test_the_timeline_tells_what_who_and_why(changed: "Client") -> None:
    shown = changed.get(CHANGES).content.decode()

    assert "Answer from 0.90 instead of 0.85</a> by ops" in shown
    assert "“Peak season”" in shown
    assert shown.index("r3") < shown.index("Claims summarisation created</a> by admin")


def test_any_two_versions_are_told_apart_in_words_and_exactly(changed: "Client") -> None:
    shown = changed.get(f"{CHANGES}?old=1&new=3").content.decode()

    assert "From r1 to r3" in shown
    assert "Answer from 0.80 instead of 0.85" in shown
    assert "bands.answer.from" in shown


def test_versions_that_are_none_compare_nothing(changed: "Client") -> None:
    answer = changed.get(f"{CHANGES}?old=99999999999999999999&new=x&before=-1")

    assert answer.status_code == 200
    assert "From r" not in answer.content.decode()


def test_a_version_has_a_page_of_its_own(changed: "Client") -> None:
    shown = changed.get(f"{CHANGES}/2").content.decode()

    assert "Peak season" in shown
    assert "If topic is legal threat" in shown
    assert "Revert to r2" in shown
    assert changed.get(f"{CHANGES}/9").status_code == 404


def test_reverting_publishes_the_old_document_again(changed: "Client", use_case: "UseCase") -> None:
    answer = changed.post(
        f"{CHANGES}/1/revert", {"reason": "Too many reviews", "expected_version": "3"}, follow=True
    )

    newest = use_case.versions.first()
    assert newest is not None
    assert (newest.number, newest.kind, newest.reason) == (4, "revert", "Too many reviews")
    assert "r4 says the same as r1" in answer.content.decode()


def test_a_stale_revert_is_told_and_keeps_what_was_typed(changed: "Client", use_case: "UseCase") -> None:
    refused = changed.post(f"{CHANGES}/1/revert", {"reason": "Because", "expected_version": "2"})

    assert refused.status_code == 409
    assert "Somebody else published meanwhile" in refused.content.decode()
    assert 'value="Because"' in refused.content.decode()
    assert use_case.versions.count() == 3


def test_a_revert_past_the_limits_names_the_gate(
    changed: "Client", use_case: "UseCase", risk: "User"
) -> None:
    from usecases.actions import guardrails

    guardrails.set_limits(
        use_case=use_case,
        knobs={"bands.answer.from": {"lane": None, "limit": [0.7, 0.82], "reason": "Measured in spring."}},
        approved_models=[],
        by=risk,
    )
    refused = changed.post(f"{CHANGES}/2/revert", {"expected_version": "3"})

    assert refused.status_code == 422
    assert "Measured in spring." in refused.content.decode()


def test_a_long_timeline_has_pages(changed: "Client", ops: "User", use_case: "UseCase") -> None:
    from usecases.actions import versions

    for step in range(19):
        versions.apply(use_case=use_case, document=claims(latency_s=float(step + 1)), by=ops)

    first = changed.get(CHANGES).content.decode()
    assert "?before=3" in first
    assert "Claims summarisation created</a>" in changed.get(f"{CHANGES}?before=3").content.decode()


def test_decided_changes_are_counted_in_all_and_the_rest_is_on_audit(
    changed: "Client", ops: "User", use_case: "UseCase"
) -> None:
    from usecases.actions import changes

    for step in range(21):
        row = changes.submit(use_case=use_case, document=claims(0.7 + step / 1000), by=ops)
        changes.withdraw(change=row, by=ops)

    shown = changed.get(CHANGES).content.decode()
    assert "Decided changes: the newest 20 of 21" in shown
    assert "/audit?use_case=claims&amp;q=change" in shown
    assert "Change 1 withdrawn" in changed.get("/audit?use_case=claims&q=change").content.decode()
