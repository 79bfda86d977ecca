"""Rights by API and by command: the same actions as the page, the same refusals."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from console import tokens
from usecases import permissions
from usecases.models import Delegation, UseCase

People = dict[str, User]
SOON = (timezone.now() + timedelta(days=3)).replace(microsecond=0).isoformat()
LOAN = {"to": "stranger", "rights": ["tune"], "until": SOON, "reason": "Away"}


@pytest.fixture
def api(client: Client, people: People, use_case: UseCase) -> Callable[..., Any]:
    keys = {who: tokens.issue(name=who, by=people[who], user=people[who])[1] for who in people}

    def call(who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = client.generic(
            method,
            f"/api/v1/use-cases/claims/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {keys[who]}"},
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    return call


def test_rights_are_read_lent_and_given_back_by_api(api: Callable[..., Any], use_case: UseCase) -> None:
    for method, path, body in (
        ("GET", "access", None),
        ("POST", "delegations", LOAN),
        ("DELETE", "delegations/1", None),
    ):
        assert "There is no use case “claims”." in api("stranger", method, path, body, 404)["detail"]
    made = api("ops", "POST", "delegations", LOAN, 201)
    assert api("ops", "POST", "delegations", LOAN, 201)["id"] == made["id"]

    found = api("stranger", "GET", "access")
    mine = next(one for one in found["people"] if one["person"] == "stranger")
    assert [(one["right"], [by["kind"] for by in one["by"]]) for one in mine["rights"]] == [
        ("view", ["delegation"]),
        ("tune", ["delegation"]),
    ]
    assert {one["group"] for one in found["groups"]} == {"operations", "risk", "admin"}
    assert [one["id"] for one in found["delegations"]] == [made["id"]]

    assert "do not hold" in api("ops", "POST", "delegations", LOAN | {"rights": ["approve"]}, 403)["detail"]
    errors = api("ops", "POST", "delegations", LOAN | {"reason": " ", "until": "2020-01-01T00:00:00Z"}, 422)[
        "errors"
    ]
    assert [error["path"] for error in errors] == ["until", "reason"]
    api("ops", "POST", "delegations", LOAN | {"to": "nobody"}, 422)
    api("ops", "POST", "delegations", LOAN | {"rights": ["view"]}, 422)
    api("risk", "DELETE", f"delegations/{made['id']}", status=403)
    assert api("stranger", "DELETE", f"delegations/{made['id']}")["ended_by"] == "stranger"
    api("ops", "DELETE", f"delegations/{made['id'] + 1}", status=404)
    assert Delegation.objects.count() == 1


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    call_command(*words)
    return capsys.readouterr().out


def test_commands_give_take_back_and_print(
    people: People, use_case: UseCase, capsys: pytest.CaptureFixture[str]
) -> None:
    given = run(capsys, "grant", "claims", "--to", "stranger", "--right", "tune", "--reason", "Joins")
    assert given == "stranger may now see, tune on claims.\n"
    told = run(capsys, "access", "claims")
    assert "stranger: see, tune\n  see: personally\n" in told
    assert "  approve: group risk\n" in told
    rows = list(csv.DictReader(run(capsys, "access", "claims", "--csv", "--by", "stranger").splitlines()))
    assert ("ops", "kill", "group", "operations") in [
        (row["person"], row["right"], row["by"], row["from"]) for row in rows
    ]
    assert run(capsys, "revoke", "claims", "--to", "stranger", "--right", "tune") == (
        "stranger may now only see on claims.\n"
    )
    run(capsys, "revoke", "claims", "--to", "stranger")
    assert not permissions.can(people["stranger"], "view", use_case)
    run(
        capsys,
        "grant",
        "claims",
        "--group",
        Group.objects.create(name="desk").name,
        "--role",
        "risk",
        "--reason",
        "x",
    )

    assert "review 1 of Claims summarisation: 4 rights" in run(
        capsys, "start_access_review", "--use-case", "claims"
    )
    for words, reason in (
        (("start_access_review", "--unit", "none"), "no business unit"),
        (("start_access_review", "--by", "ops"), "may not go through"),
        (("access", "claims", "--by", "stranger"), "no use case “claims”"),
        (("access", "nowhere"), "no use case “nowhere”"),
        (("access", "claims", "--by", "nobody"), "no account “nobody”"),
        (("grant", "claims", "--to", "ops", "--role", "risk"), "Say why"),
        (("grant", "claims", "--group", "none", "--role", "risk"), "no group “none”"),
        (
            ("grant", "claims", "--to", "ops", "--role", "risk", "--by", "risk"),
            "may not change who may do what",
        ),
        (("revoke", "claims", "--to", "ops", "--by", "stranger"), "no use case “claims”"),
    ):
        with pytest.raises(CommandError, match=reason):
            call_command(*words)
