"""What labels allow to promise is certified, and falls when something else is live or later labels speak against it."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from tests.periods import BOTH, SPRING, imported
from tests.record import failing_record
from usecases import promise_standing
from usecases.actions import certificates, kill_switches, promises, use_cases, versions
from usecases.models import Certificate, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused, latest

EARLIER = {"until": SPRING}


@pytest.fixture
def chat(admin: User, ops: User, tmp_path: Path) -> UseCase:
    """A use case with its real log of two periods; it promises at most 3% wrong among answered."""
    use_case = use_cases.create(slug="chat", name="Chat", owner="ops", document=BOTH, by=admin).use_case
    imported(use_case, tmp_path, ops)
    promises.state(use_case=use_case, promise={"wrong_at_most": 0.03}, by=ops)
    return use_case


def live(use_case: UseCase, document: dict[str, Any], by: User) -> None:
    versions.apply(
        use_case=use_case, document=document, by=by, reason="", expected_version=latest(use_case).number
    )


def test_the_earlier_periods_certificate_is_no_longer_supported_by_the_later_one_and_says_why(
    chat: UseCase, ops: User, risk: User
) -> None:
    row = certificates.issue(use_case=chat, by=ops, window=EARLIER, reason="First half")

    assert row.sentence == (
        "At most 3.0% wrong among answered, with 95.0% confidence, from 2,737 labels, "
        "model small (openai/small) > large (openai/large), prompt not recorded, index not recorded. "
        "Answered from 0.9, decisions of 1 Jan 2026."
    )
    assert (row.labels, row.wrong, row.version) == (2737, 56, 1)
    assert row.bound <= 0.03
    event = Event.objects.latest("id")
    assert (event.kind, event.sentence, event.reason) == ("certificate.issued", row.sentence, "First half")

    found = promise_standing.standing_of(row, risk)
    assert (found.state, found.headline) == ("unsupported", "No longer supported by the labels since")
    assert found.reasons[0].startswith(
        "2.05% → 4.07% wrong among answered (95% interval 3.49% to 4.72%, from 4,175 labels since 1 Jan 2026)"
    )
    assert found.reasons[1:] == (
        "Out of scope (category): 3% → 18% of requests; all 100 of its labelled answers are wrong.",
    )
    with pytest.raises(Refused, match="With as many wrong"):
        certificates.issue(use_case=chat, by=ops, window={"since": SPRING})


def test_the_same_labels_again_write_nothing(chat: UseCase, ops: User) -> None:
    row = certificates.issue(use_case=chat, by=ops, window=EARLIER)
    events = Event.objects.count()
    assert certificates.issue(use_case=chat, by=ops, window=EARLIER).pk == row.pk
    assert (Event.objects.count(), Certificate.objects.count()) == (events, 1)


def test_a_certificate_is_void_when_model_prompt_ladder_or_edge_change(
    chat: UseCase, ops: User, admin: User
) -> None:
    row = certificates.issue(use_case=chat, by=ops, window=EARLIER)
    kill_switches.engage(use_case=chat, by=ops)
    kill_switches.restore(use_case=chat, by=ops)
    assert promise_standing.void(row) == ()

    looser = BOTH | {"bands": [BOTH["bands"][0] | {"from": 0.8}, BOTH["bands"][1]]}
    live(chat, looser, admin)
    assert promise_standing.void(row) == ("Answers go out from 0.8; certified is 0.9.",)

    other = [BOTH["models"][0], BOTH["models"][1] | {"litellm": "openai/larger"}]
    live(chat, BOTH | {"models": other, "pins": {"prompt": "chat@2"}}, admin)
    found = promise_standing.standing_of(row, ops)
    assert (found.state, found.now) == ("void", None)
    assert found.reasons[0] == "The prompt is chat@2, was not recorded."
    assert any("openai/larger" in reason for reason in found.reasons[1:])
    with pytest.raises(Refused, match="Only decisions since r5 count"):
        certificates.issue(use_case=chat, by=ops)


def test_too_few_labels_are_told_in_place_of_a_certificate(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Refused) as refused:
        certificates.issue(use_case=use_case, by=ops)
    assert refused.value.errors == [{"path": "labels", "message": str(refused.value)}]
    assert str(refused.value).startswith("Cannot be promised: 149 clean labels")
    assert "you have 0" in str(refused.value)
    assert not Certificate.objects.exists()


def test_only_who_may_tune_may_certify(use_case: UseCase, risk: User, stranger: User) -> None:
    with pytest.raises(Forbidden):
        certificates.issue(use_case=use_case, by=risk)
    with pytest.raises(Http404):
        certificates.issue(use_case=use_case, by=stranger)


def test_a_failing_audit_row_rolls_the_certificate_back(chat: UseCase, ops: User) -> None:
    with failing_record():
        certificates.issue(use_case=chat, by=ops, window=EARLIER)
    assert not Certificate.objects.exists()
