"""Decisions, filtered, one by one, and as CSV."""

import csv
import io
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from tests.integration.usecases.views.conftest import Decide
    from usecases.models import UseCase

DECISIONS = "/use-cases/claims/decisions"


@pytest.fixture
def decided(client: "Client", ops: "User", use_case: "UseCase", decide: "Decide") -> "Client":
    from routing.models import Outcome

    client.force_login(ops)
    decide("claims", "burst hose", version=1)
    wrong = decide("claims", "lost luggage", version=2)
    decide("claims", "=1+1 injected", action="escalate", band="escalate", confidence=None)
    decide("elsewhere", "of another use case")
    Outcome.objects.create(decision_id=wrong.pk, use_case="claims", correct=False, source="audit")
    return client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"burst", "lost", "injected"}),
        ("action=escalate", {"injected"}),
        ("version=2", {"lost"}),
        ("band=answer", {"burst", "lost"}),
        ("wrong=1", {"lost"}),
        ("q=HOSE", {"burst"}),
        ("q=request burst hose", {"burst"}),
        ("action=nonsense&version=x", {"burst", "lost", "injected"}),
    ],
)
def test_filters_narrow(decided: "Client", query: str, expected: set[str]) -> None:
    rows = decided.get(f"{DECISIONS}?{query}").content.decode().split("<tbody>")[1]

    assert {word for word in ("burst", "lost", "injected", "another") if word in rows} == expected


def test_a_filter_that_finds_nothing_says_so(decided: "Client") -> None:
    assert "Nothing fits this filter" in decided.get(f"{DECISIONS}?q=nothing").content.decode()


def test_one_decision_tells_why_and_what_was_said_of_it(decided: "Client", decide: "Decide") -> None:
    made = decide("claims", "why", rule="legal", reason="TARGETING_MATCH", detail="The rule “legal” decided.")

    shown = decided.get(f"{DECISIONS}/{made.pk}").content.decode()

    assert "The rule “legal” decided." in shown
    assert "Legal threats go to people" in shown
    assert "Nobody has said yet" in shown


def test_a_decision_of_another_use_case_is_not_here(decided: "Client", decide: "Decide") -> None:
    foreign = decide("elsewhere", "foreign")

    assert decided.get(f"{DECISIONS}/{foreign.pk}").status_code == 404


def test_csv_holds_what_the_filter_finds_and_no_formula(decided: "Client") -> None:
    answer = decided.get("/use-cases/claims/decisions.csv?action=escalate")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))

    assert [row["text"] for row in rows] == ["'=1+1 injected"]
    assert rows[0]["verdict"] == ""


def test_a_long_list_has_pages_without_gap_or_double(
    decided: "Client", decide: "Decide", monkeypatch: pytest.MonkeyPatch
) -> None:
    from usecases import decisions
    from usecases.decisions import Wish, page

    moment = decide("claims", "same moment 0").at
    for n in range(1, 60):
        decide("claims", f"same moment {n}", at=moment)

    first = page("claims", Wish())
    second = page("claims", Wish(), first.older)

    seen = [row.pk for row in [*first.rows, *second.rows]]
    assert (len(seen), len(set(seen)), second.older) == (63, 63, "")
    assert "after=" in decided.get(DECISIONS).content.decode()
    monkeypatch.setattr(decisions, "EXPORTED", 20)
    _, sent = decisions.export("claims", Wish())
    assert [row[0] for row in sent] == [str(pk) for pk in seen]


def test_decisions_of_a_version_are_counted(decided: "Client") -> None:
    shown = decided.get(f"{DECISIONS}?version=2").content.decode()

    assert "made under r2" in shown
    assert '<span class="fine num">1</span>' in shown


def test_decisions_of_an_old_version_are_read_from_an_index(decided: "Client", decide: "Decide") -> None:
    from django.db import connection

    from usecases.decisions import Wish, found

    for number in range(30):
        decide("claims", f"newer {number}", version=9)
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):  # which so few rows would be read by
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("ANALYZE routing_decision")  # without statistics every index looks as good as the next
    plan = found("claims", Wish(version=1))[:51].explain()

    assert "use_case_version_at" in plan, plan
    assert "Sort" not in plan.split("SubPlan")[0] or "Merge Append" in plan, plan


def test_one_decision_shows_who_had_allowed_it(
    decided: "Client", ops: "User", risk: "User", use_case: "UseCase", decide: "Decide"
) -> None:
    from tests.documents import claims
    from usecases.actions import approvals, changes, kill_switches

    change = changes.submit(use_case=use_case, document=claims(0.7), by=ops, reason="Peak season")
    approvals.approve(change=change, by=risk, reason="Read fifty of them")
    change.refresh_from_db()
    if change.version is None:
        changes.apply(change=change, by=ops)
        change.refresh_from_db()
    kill_switches.engage(use_case=use_case, by=ops)
    kill_switches.restore(use_case=use_case, by=ops)
    made = decide("claims", "after the restore", version=(change.version or 0) + 2)

    shown = decided.get(f"{DECISIONS}/{made.pk}").content.decode()

    assert f"/use-cases/claims/approvals/{change.number}" in shown
    assert "Read fifty of them" in shown
    assert "Peak season" in shown
    assert "The event on record" in shown


def test_another_version_decides_from_what_was_recorded(
    decided: "Client", ops: "User", use_case: "UseCase", decide: "Decide"
) -> None:
    from tests.documents import claims
    from usecases.actions import versions

    versions.apply(use_case=use_case, document=claims(0.94), by=ops)
    model = claims()["ladder"][0]["model"]
    made = decide(
        "claims",
        "near the edge",
        model=model,
        confidence=0.9,
        signal="verbalised",
        tried=[{"model": model, "confidence": 0.9, "cost_usd": 0.01, "latency_ms": 20}],
    )

    before = decided.get(f"{DECISIONS}/{made.pk}?under=1").content.decode().split('id="other"')[1]
    after = decided.get(f"{DECISIONS}/{made.pk}?under=2").content.decode().split('id="other"')[1]

    assert "r1: " in before
    assert "r(" not in before
    assert before.count("Answered") == 2
    assert (after.count("Answered"), after.count("To review")) == (1, 1)
    nothing = decide("claims", "nobody knows", tried=[], model="", confidence=None)
    unknown = decided.get(f"{DECISIONS}/{nothing.pk}?under=1").content.decode().split('id="other"')[1]
    assert "not knowable from history" in unknown


def test_a_decision_of_no_version_says_so(decided: "Client", decide: "Decide") -> None:
    made = decide("claims", "early", version=0)

    assert "built-in baseline" in decided.get(f"{DECISIONS}/{made.pk}").content.decode()
    assert decided.get(f"{DECISIONS}/{made.pk}?under=99").status_code == 200
