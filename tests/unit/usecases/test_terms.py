"""What changes past the lane need: every fault named, freezes and quiet hours by the clock of their zone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from tests.documents import CLAIMS, claims
from usecases import terms
from usecases.checks import check
from usecases.subjects import Subject, tightens_only

NIGHTS: dict[str, Any] = {
    "quiet_hours": {
        "zone": "Europe/Berlin",
        "hours": [
            {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "18:00", "until": "08:00"},
            {"days": ["sat", "sun"], "from": "00:00", "until": "24:00"},
        ],
    }
}


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-11-18T17:30+00:00", "Quiet hours until Thu 08:00 (Europe/Berlin)"),  # Wednesday, 18:30 there
        ("2026-11-19T06:59+00:00", "Quiet hours until Thu 08:00 (Europe/Berlin)"),
        ("2026-11-19T07:00+00:00", ""),
        ("2026-11-18T16:59+00:00", ""),
        ("2026-11-21T12:00+00:00", "Quiet hours until Sun 00:00 (Europe/Berlin)"),
        ("2026-07-15T16:30+00:00", "Quiet hours until Thu 08:00 (Europe/Berlin)"),  # summer time
    ],
)
def test_quiet_hours_go_by_the_clock_of_their_zone(moment: str, quiet: str) -> None:
    assert terms.quiet(NIGHTS, datetime.fromisoformat(moment)) == quiet


def test_a_freeze_ends_when_it_says() -> None:
    frozen = {
        "freezes": [{"from": "2026-12-20T00:00Z", "until": "2027-01-02T00:00+01:00", "reason": "Year's end"}]
    }
    assert not terms.faults(frozen)
    inside = terms.frozen(frozen, datetime(2026, 12, 24, tzinfo=UTC))
    assert inside == "Frozen until 1 Jan 2027 23:00 UTC: Year's end"
    assert not terms.frozen(frozen, datetime(2027, 1, 1, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"approvals": 6}, "approvals"),
        ({"approvals": True}, "approvals"),
        ({"expire_days": 0}, "expire_days"),
        ({"evidence_needed": "yes"}, "evidence_needed"),
        ({"approvers": ["risk"]}, "approvers"),
        ({"approvers": {"groups": "risk"}}, "approvers.groups"),
        ({"freezes": [{"from": "2026-12-20", "until": "2026-12-19"}]}, "freezes[0]"),
        ({"freezes": {}}, "freezes"),
        ({"quiet_hours": {"zone": "Mars/Base"}}, "quiet_hours.zone"),
        ({"quiet_hours": {"hours": [{"days": ["mon"], "from": "8", "until": "9"}]}}, "quiet_hours.hours[0]"),
    ],
)
def test_every_fault_of_terms_is_named(given: dict[str, Any], path: str) -> None:
    assert [fault["path"] for fault in terms.faults(given)] == [f"guardrails.{path}"]


def test_only_what_is_unusual_is_kept() -> None:
    assert terms.unusual(terms.complete({})) == {}
    assert terms.complete(terms.unusual({"approvals": 2}))["approvals"] == 2


def test_tightening_is_told_from_everything_else() -> None:
    assert tightens_only(CLAIMS, claims(0.9, cost_per_task_usd=0.04))
    assert not tightens_only(CLAIMS, claims(0.9, cost_per_task_usd=0.06))
    assert not tightens_only(CLAIMS, claims())
    assert not tightens_only(CLAIMS, claims(0.9) | {"pins": {"prompt": "claims-summary@13"}})


def test_every_gate_is_told_whatever_the_first_ones_say() -> None:
    bounds: dict[str, Any] = {
        "knobs": {"bands.answer.from": {"lane": [0.75, 0.95], "limit": [0.6, 1.0]}},
        "models": ["openai/gpt-4o"],
        "freezes": [{"from": "2026-01-01T00:00Z", "until": "2027-01-01T00:00Z"}],
        "evidence_needed": True,
        "certificate_needed": True,
        "approvals": 2,
    }
    broken = claims(0.7) | {"colour": "blue"}
    subject = Subject(
        guardrails=bounds,
        live=CLAIMS,
        draft=broken,
        now=datetime(2026, 11, 22, tzinfo=UTC),
        base=claims(0.8),
        base_number=1,
        live_number=2,
        approved_by=["risk"],
    )
    found = {one.key: one.status for one in check(subject).checks}
    assert found == {
        "schema": "failed",
        "limits": "passed",
        "models": "failed",
        "lane:bands.answer.from": "needs approval",
        "freeze": "waiting",
        "quiet_hours": "passed",
        "base": "failed",
        "conflict": "passed",
        "evidence": "waiting",
        "certificate": "waiting",
        "one_pager": "passed",
        "approvals": "needs approval",
    }
    assert all(one.clear for one in check(subject).open)


def test_a_moment_before_all_calendars_is_none() -> None:
    freeze = {"from": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"}
    assert [fault["path"] for fault in terms.faults({"freezes": [freeze]})] == ["guardrails.freezes[0]"]


def test_a_freeze_is_told_on_the_readers_clock() -> None:
    freeze = {"from": "2026-12-20T00:00:00Z", "until": "2027-01-01T23:00:00Z"}
    with timezone.override("Europe/Berlin"):
        told = terms.frozen({"freezes": [freeze]}, datetime(2026, 12, 24, tzinfo=UTC))
    assert told == "Frozen until 2 Jan 2027 00:00 CET"
