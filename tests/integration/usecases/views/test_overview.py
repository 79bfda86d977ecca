"""A use case's first page and its assistants: what is live where."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from tests.integration.usecases.views.conftest import Decide, Report
    from usecases.models import UseCase


@pytest.fixture
def signed_in(client: "Client", ops: "User", use_case: "UseCase") -> "Client":
    client.force_login(ops)
    return client


def test_nothing_is_green_before_anybody_confirmed(signed_in: "Client") -> None:
    shown = signed_in.get("/use-cases/claims/").content.decode()

    assert '<span class="pill idle">r1 · no assistant connected</span>' in shown
    assert "No assistant is connected" in shown


def test_each_assistant_shows_what_it_holds_and_enforces(signed_in: "Client", report: "Report") -> None:
    report("claims", "assistant-1")
    report(
        "claims",
        "assistant-2",
        version=0,
        enforced="",
        status="refused",
        refused_version=1,
        error="bad signature",
    )
    report("claims", "assistant-3", enforced="0" * 64, source="lease")

    shown = signed_in.get("/use-cases/claims/assistants").content.decode()

    assert "Confirmed" in shown
    assert "Refused r1" in shown
    assert "bad signature" in shown
    assert "the baseline, by itself: its lease ran out" in shown
    assert "Waiting for assistant-2, assistant-3." in shown
    assert "Refused by 1 of 3 · r1" in shown


def test_silence_is_shown_as_silence(signed_in: "Client", report: "Report") -> None:
    report("claims", "assistant-1")
    report("claims", "assistant-2", seconds_ago=60)
    report("claims", "assistant-3", seconds_ago=3600)

    shown = signed_in.get("/use-cases/claims/").content.decode()

    assert '<span class="pill wait">r1 · 1 of 2 silent</span>' in shown
    assert '<span class="pill idle">Gone</span>' in shown


def test_everybody_confirmed_is_live(signed_in: "Client", report: "Report") -> None:
    report("claims", "assistant-1")
    report("claims", "assistant-2")

    assert "Live · r1 on 2 of 2" in signed_in.get("/use-cases/claims/").content.decode()


def test_the_day_in_numbers_and_words(signed_in: "Client", decide: "Decide") -> None:
    from routing.models import Outcome

    for n in range(3):
        decide("claims", f"question {n}")
    decide("claims", "to a person", action="escalate", band="escalate")
    decide("elsewhere", "of another use case")
    imported = decide("claims", "of a log without times, dated by its import", instance="import")
    Outcome.objects.create(decision_id=imported.pk, use_case="claims", correct=False, source="import")

    shown = signed_in.get("/use-cases/claims/").content.decode()

    assert "75.0%" in shown
    assert "of 4 decisions" in shown
    assert "4 decisions since" in shown
    assert '"type": "bar"' in shown


def test_only_random_audits_tell_how_much_is_wrong_each_weighted_with_what_it_stands_for(
    signed_in: "Client", decide: "Decide"
) -> None:
    from routing.models import Outcome

    def judged(text: str, correct: bool, source: str = "reviewer", **said: Any) -> None:
        row = decide("claims", text, **said)
        Outcome.objects.create(decision_id=row.pk, use_case="claims", correct=correct, source=source)

    for n in range(3):
        judged(f"one of ten {n}", True, audited=True, audit_share=0.1)
    judged("one of two", False, audited=True, audit_share=0.5)
    by_request = decide("claims", "told by request", audited=True, audit_share=0.5)
    Outcome.objects.create(use_case="claims", request_id=by_request.request_id, correct=True, source="audit")
    judged("a customer's word on an audit", False, source="customer", audited=True, audit_share=0.5)
    for n in range(5):
        judged(f"somebody complained {n}", False, audit_share=0.1)
        judged(f"doubtful {n}", False, action="review", band="review")

    for address in ("/use-cases/claims/", "/"):
        shown = signed_in.get(address).content.decode()
        assert "5.9%" in shown  # 2 of 3 · 10 + 2 + 2
        assert "from 5 random audits" in shown
        assert "verdicts" not in shown


def test_an_unknown_error_is_a_dash(signed_in: "Client", decide: "Decide") -> None:
    decide("claims")

    shown = signed_in.get("/use-cases/claims/").content.decode()

    assert "no random audits judged yet" in shown
    assert ">0.0%" not in shown


def test_a_page_that_updates_itself_gets_its_regions_alone(signed_in: "Client") -> None:
    shown = signed_in.get("/use-cases/claims/", headers={"X-Live": "1"}).content.decode()

    assert 'id="state"' in shown
    assert "<html" not in shown
    assert 'class="rail"' not in shown
