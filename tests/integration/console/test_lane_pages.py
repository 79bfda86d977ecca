"""Shared lanes as pages: what each brings, who uses it, and what setting it would do before it is set."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import Lane, UseCase

EDGE = "bands.answer.from"


@pytest.fixture
def lane(use_case: "UseCase", risk: "User") -> "Lane":
    """A lane that “claims” names."""
    from usecases.actions import guardrails, lanes

    knobs = {EDGE: {"lane": [0.8, 1.0], "limit": [0.7, 1.0], "reason": "Customers read it."}}
    made = lanes.create(slug="eu-small", name="EU small models", knobs=knobs, by=risk).lane
    guardrails.set_limits(
        use_case=use_case, knobs=use_case.guardrail.knobs, approved_models=[], by=risk, lanes=["eu-small"]
    )
    return made


def typed(**cells: str) -> dict[str, str]:
    usual = {"lane-low": "0.8", "lane-high": "1", "limit-low": "0.7", "limit-high": "1"}
    named = {f"{EDGE}:{key}": cells.get(key.replace("-", "_"), value) for key, value in usual.items()}
    return {"name": "EU small models", "terms": "1", f"{EDGE}:reason": "Customers read it.", **named}


def test_owners_see_what_a_lane_brings_and_set_nothing(client: "Client", ops: "User", lane: "Lane") -> None:
    client.force_login(ops)
    for path in ("/lanes", "/lanes/eu-small"):
        page = client.get(path).content.decode()
        assert "Answer from: 0.80 to 1.00 without approval; 0.70 to 1.00 at all. Customers read it." in page
        assert "Claims summarisation" in page
        assert "Set the lane" not in page
    assert client.post("/lanes/eu-small", typed()).status_code == 403
    assert client.get("/lanes/new").status_code == 403


def test_a_stranger_sees_no_lane(client: "Client", stranger: "User", lane: "Lane") -> None:
    client.force_login(stranger)
    assert "EU small models" not in client.get("/lanes").content.decode()
    assert client.get("/lanes/eu-small").status_code == 404


def test_risk_sees_who_would_be_outside_before_it_is_set(
    client: "Client", risk: "User", lane: "Lane"
) -> None:
    client.force_login(risk)
    tighter = typed(limit_low="0.9", lane_low="0.9") | {"reason": "Wrong answers"}
    page = client.post("/lanes/eu-small", tighter | {"do": "preview"}).content.decode()
    assert "1 use case uses it; 1 newly outside" in page
    assert "Answer from 0.85 is outside the limit: 0.90 to 1.00." in page
    lane.refresh_from_db()
    assert lane.knobs[EDGE]["limit"] == [0.7, 1.0]

    done = client.post("/lanes/eu-small", tighter, follow=True).content.decode()
    assert "1 use case uses it; 1 newly outside." in done
    lane.refresh_from_db()
    assert lane.knobs[EDGE]["limit"] == [0.9, 1.0]


def test_a_lane_is_made_with_what_is_typed_and_nothing_else(client: "Client", risk: "User") -> None:
    client.force_login(risk)
    form = {
        "name": "EU only",
        "slug": "eu-only",
        "terms": "1",
        "approvals": "2",
        "regions": "eu",
        "model_regions": "openai/gpt-4o: eu",
        "more": "rules.vip.answer_from",
        "thresholds.audit_share:step-most": "0.01",
    }
    assert client.post("/lanes/new", form).status_code == 302

    from usecases.models import Lane

    row = Lane.objects.get()
    assert row.terms == {"approvals": 2, "regions": ["eu"], "model_regions": {"openai/gpt-4o": "eu"}}
    assert row.knobs == {
        "thresholds.audit_share": {
            "lane": None,
            "limit": None,
            "step": {"at_most": 0.01, "hours": 24.0},
            "reason": "",
        }
    }
    shown = client.get("/lanes/eu-only").content.decode()
    assert 'value="2"' in shown
    assert client.post("/lanes/eu-only/delete").status_code == 302
    assert not Lane.objects.exists()


def test_what_makes_no_sense_stays_on_the_page_beside_why(
    client: "Client", risk: "User", lane: "Lane"
) -> None:
    client.force_login(risk)
    answer = client.post("/lanes/eu-small", typed(lane_low="0.1"))
    assert (answer.status_code, "has to lie inside the limit" in answer.content.decode()) == (422, True)


def test_guardrails_choose_lanes_and_say_what_each_brings(
    client: "Client", risk: "User", lane: "Lane", use_case: "UseCase"
) -> None:
    client.force_login(risk)
    address = "/use-cases/claims/guardrails"
    page = client.get(address).content.decode()
    assert "Lane “EU small models”, set by risk: 0.80 to 1.00 without approval" in page
    assert client.post(address, {"terms": "1", "lanes": "1", "approvals": "1"} | usual()).status_code == 302
    use_case.guardrail.refresh_from_db()
    assert use_case.guardrail.lanes == []
    chosen = {"terms": "1", "lanes": "1", "lane:eu-small": "on", "golden_name": "core", "golden_score": "0.9"}
    assert client.post(address, chosen | usual()).status_code == 302
    use_case.guardrail.refresh_from_db()
    assert use_case.guardrail.lanes == ["eu-small"]
    assert use_case.guardrail.terms["golden_set"] == {"name": "core", "at_least": 0.9}


def usual() -> dict[str, str]:
    return {"approvals": "1", "approvals_to_restore": "0", "expire_days": "14", "evidence_hours": "72"}
