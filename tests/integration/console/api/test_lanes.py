"""Shared lanes and golden sets by API: dry runs say what would newly fail; strangers learn nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console import tokens
from tests.documents import claims
from usecases.models import Lane, UseCase

Call = Callable[..., Any]
EDGE = "bands.answer.from"


@pytest.fixture
def call(client: Client, people: dict[str, User], use_case: UseCase) -> Call:
    keys: dict[str, str] = {}

    def called(method: str, path: str, body: Any = None, *, by: str = "risk") -> Any:
        if by not in keys:
            keys[by] = tokens.issue(name=by, by=people[by], user=people[by])[1]
        said: dict[str, Any] = {} if body is None else {"data": json.dumps(body)}
        headers = {"Authorization": f"Bearer {keys[by]}"}
        return client.generic(
            method, f"/api/v1{path}", content_type="application/json", headers=headers, **said
        )

    return called


def test_a_lane_is_made_named_tried_and_set(call: Call) -> None:
    lane = {"name": "EU", "knobs": {EDGE: {"limit": [0.7, 1.0]}}, "reason": "Spring"}
    assert call("PUT", "/lanes/eu?dry_run=true", lane).json()["changed"] is True
    assert not Lane.objects.exists()
    assert call("PUT", "/lanes/eu", lane).status_code == 200
    held = call("GET", "/use-cases/claims/guardrails").json()
    assert call("PUT", "/use-cases/claims/guardrails", held | {"lanes": ["eu"]}).json()["lanes"] == ["eu"]

    tighter = lane | {"knobs": {EDGE: {"limit": [0.9, 1.0]}}, "approvals": 1}
    tried = call("PUT", "/lanes/eu?dry_run=true", tighter).json()
    assert (tried["dry_run"], tried["sentence"]) == (True, "1 use case uses it; 1 newly outside.")
    assert [gate["key"] for gate in tried["rechecked"][0]["failing"]] == ["limits"]
    assert call("GET", "/lanes/eu").json()["knobs"] == lane["knobs"]
    assert call("PUT", "/lanes/eu", tighter).json()["changed"] is True

    holding = call("GET", "/use-cases/claims/guardrails/effective").json()
    assert holding["effective"]["knobs"][EDGE]["limit"] == [0.9, 1.0]
    assert [part["slug"] for part in holding["parts"]] == ["", "eu"]
    dry = call("POST", "/use-cases/claims/changes?dry_run=true", {"document": claims(0.84)}, by="ops").json()
    assert "limits" in [one["key"] for one in dry["checks"] if one["status"] == "failed"]
    refused = call("DELETE", "/lanes/eu")
    assert (refused.status_code, "Claims summarisation" in refused.json()["detail"]) == (422, True)
    call("PUT", "/use-cases/claims/guardrails", held | {"lanes": []})
    assert call("DELETE", "/lanes/eu").status_code == 204


def test_lanes_are_seen_where_they_hold_and_set_by_who_may(call: Call) -> None:
    call("PUT", "/lanes/eu", {"name": "EU"})
    for by in ("ops", "stranger"):
        assert call("GET", "/lanes", by=by).json() == []
        assert call("GET", "/lanes/eu", by=by).status_code == 404
        assert call("PUT", "/lanes/eu", {"name": "Mine"}, by=by).status_code == 403
        assert call("DELETE", "/lanes/eu", by=by).status_code in (403, 404)
    assert call("PUT", "/lanes/eu", {"knobs": {"colour": {}}}).status_code == 422


def test_a_golden_set_is_uploaded_scored_and_a_gate_of_a_dry_run(call: Call) -> None:
    case = {
        "id": "1",
        "attributes": {},
        "signals": {"models": {"small": {"confidence": 0.8}, "large": {"confidence": 0.8}}},
        "expected": {"action": "review"},
    }
    assert call("PUT", "/use-cases/claims/golden-sets/core", {"cases": [case]}, by="ops").status_code == 403
    assert call("PUT", "/use-cases/claims/golden-sets/core", {"cases": [case]}).json()["cases"] == 1
    wrong = call("PUT", "/use-cases/claims/golden-sets/core", {"cases": [case, {"id": "1"}]})
    assert {one["path"] for one in wrong.json()["errors"]} == {"cases[1].id", "cases[1].expected"}
    assert call("GET", "/use-cases/claims/golden-sets/core", by="ops").json()["live"]["share"] == 1.0
    worse = call("POST", "/use-cases/claims/golden-sets/core/score", {"document": claims(0.78)}).json()
    assert (worse["share"], worse["failing"][0]["got"]) == (0.0, "answer")

    held = call("GET", "/use-cases/claims/guardrails").json()
    asked = held | {"golden_set": {"name": "core", "at_least": 0.95}}
    assert call("PUT", "/use-cases/claims/guardrails", asked).status_code == 200
    dry = call("POST", "/use-cases/claims/changes?dry_run=true", {"document": claims(0.78)}, by="ops").json()
    gate = next(one for one in dry["checks"] if one["key"] == "golden_set")
    assert gate["evidence"].startswith("0.0% of 1 cases as expected; 95% needed")
    assert call("DELETE", "/use-cases/claims/golden-sets/core").status_code == 422
    unset = call("PUT", "/use-cases/claims/guardrails", held | {"golden_set": None})
    assert unset.json()["golden_set"] is None
    assert call("DELETE", "/use-cases/claims/golden-sets/core").status_code == 204
    for path in ("golden-sets", "golden-sets/core", "guardrails/effective"):
        assert call("GET", f"/use-cases/claims/{path}", by="stranger").status_code == 404
