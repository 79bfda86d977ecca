"""A stranger learns nothing: what they may not see answers, byte by byte, like what does not exist."""

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.http import HttpResponseBase
from django.test import Client

from console import tokens
from tests.documents import claims
from tests.integration.doors.calling import (
    DOORS,
    Caller,
    address,
    call,
    is_api,
    of_one,
    thing_in,
    undone,
)
from tests.integration.doors.table import NOBODY, SLUG, STATES, Door, World
from usecases import configs, permissions
from usecases.actions import use_cases
from usecases.models import UseCase

Bring = Callable[[World, str], World]
NOWHERE = "absent"  # as long as the slug that is there, so that lengths can be compared too
OURS = "refunds"
CSRF = re.compile(rb"\b[A-Za-z0-9]{64}\b")
# Things that each use case names by itself, or that belong to none.
APART = ("", "version", "golden_name", "lane", "unit", "account")
# Each belongs to the answer, not to what is answered.
OWN = ("X-Request-Id", "Set-Cookie")
WORDS = (SLUG.encode(), b"Claims summarisation")


def seen(answer: HttpResponseBase, *swaps: tuple[str, str]) -> tuple[Any, ...]:
    """Return all that a caller sees of an answer, with the words that they sent put in the place of others."""
    body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
    headers = {name: value for name, value in answer.headers.items() if name not in OWN}
    for theirs, ours in swaps:
        body = body.replace(theirs.encode(), ours.encode())
        headers = {name: value.replace(theirs, ours) for name, value in headers.items()}
    return answer.status_code, headers, CSRF.sub(b"", body)


def differing(door: Door, one: tuple[Any, ...], other: tuple[Any, ...]) -> list[str]:
    """Say how two answers can be told apart."""
    parts = ("status", "headers", "body")
    return [
        f"{door}: {part} {str(a)[:300]} and {str(b)[:300]}"
        for part, a, b in zip(parts, one, other, strict=True)
        if a != b
    ]


@pytest.mark.parametrize("state", ["live", "open_change", "override"])
def test_what_a_stranger_may_not_see_answers_like_what_is_not_there(
    world: World, callers: dict[str, Caller], bring_to: Bring, state: str
) -> None:
    there, wrong = bring_to(world, state), []
    for door in filter(of_one, DOORS):
        roles = (NOBODY, "stranger", *(("foreign",) if is_api(door) else ()))
        for role in roles:
            ways: list[dict[str, str]] = [{}]
            if role == "stranger" and not is_api(door) and not door.writes:
                ways.append({"HX-Request": "true"})
            for way in ways:
                hidden = seen(call(door, callers[role], there, **way))
                nowhere = seen(call(door, callers[role], there, NOWHERE, **way), (NOWHERE, SLUG))
                wrong += differing(door, hidden, nowhere)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def neighbour(people: dict[str, User]) -> Caller:
    """Somebody who may do everything to “refunds”, and is a stranger to all else."""
    made = use_cases.create(
        slug=OURS, name="Refunds", owner="refund-ops", document=claims(), by=people["admin"]
    )
    user = User.objects.create_user("neighbour")
    permissions.grant(user, "admin", made.use_case)
    client = Client()
    client.force_login(user)
    text = tokens.issue(name="of a neighbour", by=user, user=user)[1]
    return Caller("neighbour", client, text, client.cookies.output(header=""))


def test_what_belongs_to_another_use_case_answers_like_what_is_not_there(
    neighbour: Caller, world: World, bring_to: Bring
) -> None:
    wrong = []
    for state in ("open_change", "override"):
        with undone():
            there = bring_to(world, state)
            for door in DOORS:
                if door.thing in APART or getattr(there, door.thing) is None:
                    continue
                theirs = seen(call(door, neighbour, there, OURS))
                absent = str(thing_in(door, World(token=None)))  # type: ignore[arg-type]
                given = str(getattr(there, door.thing))
                none = seen(
                    call(door, neighbour, World(token=None), OURS),  # type: ignore[arg-type]
                    (absent, given),
                )
                headers = (theirs[1], none[1])
                for one in headers:
                    one.pop("Content-Length", None)  # the echoed number may be longer
                wrong += differing(door, theirs, none)
    assert not wrong, "\n".join(wrong)


def everywhere(neighbour: Caller) -> dict[str, tuple[Any, ...]]:
    """Visit all that is not one use case's, also with what would ask for the other one; take back what that did."""
    found = {}
    for door in DOORS:
        if of_one(door) or door.thing or door.needs in ("public", "assistant"):
            continue
        with undone():
            found[str(door) + door.query] = seen(call(door, neighbour, World()))
    for query in (
        f"/?q={SLUG}",
        "/?sort=status",
        f"/audit?use_case={SLUG}",
        f"/audit?q={SLUG}",
        "/audit.csv",
    ):
        found[query] = seen(neighbour.client.get(query))
    headers = {"Authorization": f"Bearer {neighbour.token}"}
    for query in (f"/api/v1/audit/events?use_case={SLUG}", "/api/v1/audit/events?kind=guardrail.set"):
        found[query] = seen(neighbour.client.get(query, headers=headers))
    return found


# What cannot be the same twice: the moment, a number that rises (of an access review and its lines), a token's text,
# the secret of a second factor.
FLEETING = re.compile(
    rb'"(?:at|expires_at|before_works_until|started_at)": ?"[^"]*"|datetime="[^"]*"|data-ago>[^<]*<|oc_[\w-]+'
    rb'|"id": ?\d+(?=, "(?:scope|use_case)":)'
    rb"|\d\d:\d\d(:\d\d)?|/tokens/\d+/|base64,[\w+/=]+|[A-Z2-7]{32}"
)


def test_whole_pages_say_the_same_whether_there_is_another_use_case_or_not(
    neighbour: Caller, request: pytest.FixtureRequest
) -> None:
    before = everywhere(neighbour)
    world: World = request.getfixturevalue("world")
    bring_to: Bring = request.getfixturevalue("bring_to")
    for state in STATES:
        with undone():
            bring_to(world, state)
            after = everywhere(neighbour)
            for name, was in before.items():
                now = after[name]
                told = [word for word in WORDS if now[2].count(word) != was[2].count(word)]
                assert not told, f"{state}: {name} tells of {told}"
                assert now[0] == was[0], f"{state}: {name} answers {now[0]}, else {was[0]}"
                assert FLEETING.sub(b"", now[2]) == FLEETING.sub(b"", was[2]), f"{state}: {name}"


def test_a_program_of_others_is_not_told_whose_decision_it_named(
    world: World, callers: dict[str, Caller], neighbour: Caller
) -> None:
    told = []
    for token in (callers["foreign"].token, neighbour.token):
        answer = Client().post(
            "/api/v1/outcomes",
            json.dumps({"decision_id": str(world.decision), "correct": True, "source": "desk"}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 422
        told.append(answer.content.decode())
    assert not [words for words in told if SLUG in words]


def run(name: str, *arguments: str) -> str:
    """Run a command; return what it says, done or refused."""
    out = StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=out)
    except CommandError as refused:
        return str(refused)
    return out.getvalue()


def test_a_command_in_a_strangers_name_tells_no_more(
    world: World, cast: dict[str, User], tmp_path: Path
) -> None:
    told = {}
    for slug in (SLUG, NOWHERE):
        config = configs.export(UseCase.objects.get(slug=SLUG)) | {"slug": slug}
        file, log = tmp_path / f"{slug}.yaml", tmp_path / f"{slug}.csv"
        file.write_text(configs.dump(config))
        log.write_text("request_id,text,small__correct\nr-1,hello,1\n")
        told[slug] = [
            run("apply_config", str(file), "--by", "stranger", *more) for more in ((), ("--dry-run",))
        ]
        told[slug].append(run("import_decisions", slug, str(log), "--by", "stranger"))
    assert [words.replace(NOWHERE, SLUG) for words in told[NOWHERE]] == told[SLUG]


def test_only_who_may_create_use_cases_hears_that_a_name_is_taken(
    world: World, cast: dict[str, User], callers: dict[str, Caller], neighbour: Caller
) -> None:
    door = next(door for door in DOORS if str(door) == "POST /use-cases")
    for caller in (neighbour, callers["stranger"]):
        answers = [
            seen(
                caller.client.post(
                    address(door, world),
                    json.dumps(dict(door.body_in(world)) | {"slug": slug}),
                    content_type="application/json",
                    headers={"Authorization": f"Bearer {caller.token}"},
                )
            )
            for slug in (SLUG, NOWHERE)
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 403
