"""Changes by API: inside the lane applied as ever, past it proposed; every refusal a problem document."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from console import tokens
from tests.documents import claims
from usecases.models import UseCase, Version

Call = Callable[..., Any]
HOME = "/api/v1/use-cases/claims"


@pytest.fixture
def call(client: Client, people: dict[str, User]) -> Call:
    """Call the API as one of the sample accounts."""
    keys: dict[str, str] = {}

    def called(method: str, path: str, body: Any = None, *, by: str = "ops", **headers: str) -> Any:
        if by not in keys:
            keys[by] = tokens.issue(name=by, by=people[by], user=people[by])[1]
        said: dict[str, Any] = {} if body is None else {"data": json.dumps(body)}
        headers["Authorization"] = f"Bearer {keys[by]}"
        return client.generic(
            method, f"{HOME}{path}", content_type="application/json", headers=headers, **said
        )

    return called


def test_past_the_lane_is_proposed_with_its_gates_then_approved_and_applied(
    use_case: UseCase, call: Call
) -> None:
    answer = call("POST", "/changes", {"document": claims(0.7), "reason": "Backlog"}, **{"If-Match": '"1"'})
    assert answer.status_code == 202
    proposed = answer.json()
    assert (proposed["id"], proposed["status"], proposed["applies"]) == (1, "open", False)
    standing = {gate["key"]: gate["status"] for gate in proposed["gates"]}
    assert standing["lane:bands.answer.from"] == standing["approvals"] == "needs approval"
    assert {standing[key] for key in ("schema", "limits", "models", "freeze", "base", "conflict")} == {
        "passed"
    }
    assert Version.objects.count() == 1

    early = call("POST", "/changes/1/apply")
    assert (early.status_code, early.json()["errors"][-1]["path"]) == (422, "approvals")
    assert call("POST", "/changes/1/approve", by="risk", **{"If-Match": '"9"'}).status_code == 409
    wrong = call("POST", "/changes/1/approve", {"content": "0" * 64}, by="risk")
    assert (wrong.status_code, "not what you looked at" in wrong.json()["detail"]) == (422, True)
    given = call("POST", "/changes/1/approve", {"content": proposed["content"]}, by="risk").json()
    assert (given["status"], given["applies"], given["approvals"][0]["counts"]) == ("approved", True, True)
    done = call("POST", "/changes/1/apply", **{"If-Match": '"1"'})
    assert (done.status_code, done.json()["version"]) == (200, 2)
    assert call("GET", "/changes/1").json()["differences"][0]["path"] == "bands.answer.from"
    assert [row["status"] for row in call("GET", "/changes?status=applied").json()] == ["applied"]
    assert call("GET", "/changes?status=odd").status_code == 422
    assert call("GET", "/changes/9").status_code == 404


def test_a_dry_run_names_all_that_stands_in_the_way(use_case: UseCase, call: Call) -> None:
    found = call("POST", "/changes?dry_run=true", {"document": claims(0.7, audit_share=0.0)}).json()
    assert (found["applies"], found["approvals_needed"]) == (False, 1)
    held = {check["key"] for check in found["checks"] if check["status"] != "passed"}
    assert held == {"limits", "lane:bands.answer.from", "approvals"}
    assert all(check["clear"] for check in found["checks"] if check["status"] != "passed")
    tighter = call("POST", "/changes?dry_run=true", {"document": claims(0.99)}).json()
    assert tighter["applies"]
    assert any("tightens, which needs nobody" in check["evidence"] for check in tighter["checks"])


def test_a_change_is_worked_over_by_api(use_case: UseCase, call: Call) -> None:
    call("POST", "/changes", {"document": claims(0.7)})
    asked = call("POST", "/changes/1/request-changes", {"reason": "Less"}, by="risk").json()
    assert asked["status"] == "changes_requested"
    amended = call("PUT", "/changes/1", {"document": claims(0.72), "reason": "As asked"}).json()
    assert (amended["status"], amended["sentence"]) == ("open", "Answer from 0.72 instead of 0.85")
    call("POST", "/changes", {"document": claims(latency_s=6.0)})
    carried = call("POST", "/changes/1/rebase").json()
    assert (carried["base_version"], carried["conflicts"]) == (2, [])
    assert call("POST", "/changes/1/renew-evidence").status_code == 200
    assert call("POST", "/changes/1/schedule", {"at": "2001-01-01T00:00:00Z"}).status_code == 422
    said = call("POST", "/changes/1/remarks", {"text": "Why?", "path": "bands.answer.from"}, by="risk").json()
    assert (said["person"], said["path"]) == ("risk", "bands.answer.from")
    assert call("POST", "/changes/1/withdraw").json()["status"] == "withdrawn"


def test_restoring_answers_202_where_it_takes_approvals(use_case: UseCase, call: Call) -> None:
    terms = call("GET", "/guardrails").json()
    assert (terms["approvals"], terms["approvals_to_restore"]) == (1, 0)
    assert call("PUT", "/guardrails", terms | {"approvals_to_restore": 1}, by="risk").status_code == 200
    assert call("PUT", "/guardrails", terms | {"approvals": 9}, by="risk").status_code == 422
    call("POST", "/kill")
    asked = call("POST", "/restore", {"reason": "Fixed"})
    assert (asked.status_code, asked.json()["leaves_to"]) == (202, "live")
    call("POST", "/changes/1/approve", by="risk")
    assert call("POST", "/changes/1/apply").json()["state"] == "live"


def test_overrides_by_api(use_case: UseCase, call: Call) -> None:
    body = {"document": claims(0.7), "hours": 2, "reason": "Queue is on fire"}
    assert call("POST", "/overrides", body).status_code == 403
    assert call("POST", "/overrides", body | {"reason": ""}, by="admin").status_code == 422
    made = call("POST", "/overrides", body, by="admin")
    assert (made.status_code, made.json()["version"]) == (201, 2)
    number = made.json()["id"]
    assert call("POST", f"/overrides/{number}/end").json()["ended_version"] == 3
    assert call("POST", f"/overrides/{number}/review", by="admin").status_code == 403
    assert (
        call("POST", f"/overrides/{number}/review", {"reason": "Right"}, by="risk").json()["review"]
        == "Right"
    )
    assert len(call("GET", "/overrides").json()) == 1


def test_a_stranger_learns_nothing(use_case: UseCase, call: Call) -> None:
    call("POST", "/changes", {"document": claims(0.7)})
    for method, path in (
        ("GET", "/changes"),
        ("GET", "/changes/1"),
        ("POST", "/changes/1/veto"),
        ("GET", "/overrides"),
    ):
        assert call(method, path, by="stranger").status_code == 404
