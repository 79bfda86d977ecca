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


def test_a_long_list_has_pages_without_gap_or_double(decided: "Client", decide: "Decide") -> None:
    from usecases.decisions import Wish, page

    moment = decide("claims", "same moment 0").at
    for n in range(1, 60):
        decide("claims", f"same moment {n}", at=moment)

    first = page("claims", Wish())
    second = page("claims", Wish(), first.older)

    seen = [row.pk for row in [*first.rows, *second.rows]]
    assert (len(seen), len(set(seen)), second.older) == (63, 63, "")
    assert "after=" in decided.get(DECISIONS).content.decode()
