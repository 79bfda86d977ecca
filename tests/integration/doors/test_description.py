"""The API keeps its description: whatever is sent, no server error, no status and no shape that is not in it."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import parse_qs

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console.api import api
from tests.integration.doors.calling import MISSING, Caller
from tests.integration.doors.table import API, SLUG, STATES, World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# How much each is tried with: a stranger and a machine are refused at most doors, whatever they send.
EXAMPLES = {"admin": 6, "stranger": 3, "assistant": 3}
PARTS = 3
# Neither lines nor forms: the one nobody generates; of a form that breaks off Django leaves the file open, which
# would be warned about in whatever test comes next.
KINDS = {"application/json", "application/octet-stream"}
BESIDE = "/api/v1/stream"  # served beside Django; its answers are looked at in test_web.py


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the test's connection, as Django's own test client does: its transaction would end with it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


HANDLER = WSGIHandler()


def whole(environ: Any, start: Any) -> list[bytes]:
    """Answer as a server does, which reads an answer to its end and closes it."""
    answer: Any = HANDLER(environ, start)
    with closing(answer):
        return [b"".join(answer)]


def operations() -> Iterator[Any]:
    found: Any = schemathesis.openapi.from_dict(api.get_openapi_schema())
    found.app = whole
    for result in found.get_all_operations():
        operation = result.ok()
        if operation.path != BESIDE:
            yield operation


def known(operation: Any, world: World) -> dict[str, Any]:
    """Return parts of an address that lead somewhere: at random none would."""
    if "/lanes/" in operation.path:
        return {"slug": world.lane}
    if operation.path.startswith(("/api/v1/units", "/api/v1/people", "/api/v1/tokens")):
        return {"unit": world.unit, "username": world.account, "number": str(world.token)}
    name = {
        "changes": "change",
        "overrides": "override",
        "imports": "upload",
        "what-if": "kept",
        "access-reviews": "review",
    }
    thing = next((thing for part, thing in name.items() if f"/{part}/" in operation.path), "version")
    found = getattr(world, thing)
    pk = str(MISSING.get(thing, "") if found is None else found)
    return {"slug": SLUG, "number": pk, "pk": pk, "name": world.golden_name, "uid": str(world.event)}


def faults(case: "Case[Any]", caller: Caller) -> Iterator[str]:
    """Send one request and take back what it did; yield how its answer differs from what is described."""
    with transaction.atomic():
        answer = case.call(headers={"Authorization": f"Bearer {caller.token}"})
        transaction.set_rollback(True)
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        for part in failure.exceptions if isinstance(failure, FailureGroup) else [failure]:
            said = f"{case.operation.label} {answer.status_code}: {part.title}: {str(part)[:900]}"
            yield f"{said}\n{case.as_curl_command()[:900]}"


def tried(operation: Any, caller: Caller, world: World, mode: GenerationMode) -> list[str]:
    """Send generated requests to one operation; return what is wrong with the answers."""
    parts = {p.name for p in operation.path_parameters}
    fixed = {name: value for name, value in known(operation, world).items() if name in parts}
    kinds = {body.media_type for body in operation.body}
    if kinds and not kinds & KINDS:
        return []
    plain = operation.as_strategy(generation_mode=mode)
    there = operation.as_strategy(generation_mode=mode, path_parameters=fixed) if fixed else plain
    wrong: set[str] = set()

    @given(case=st.one_of(there, there, plain))
    @settings(
        max_examples=EXAMPLES[caller.role],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: "Case[Any]") -> None:
        assume(case.media_type is None or case.media_type in KINDS)
        wrong.update(faults(case, caller))

    with suppress(Unsatisfiable):  # nothing that it takes can be wrong
        send()
    return sorted(wrong)[:2]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("role", ["admin", "stranger", "assistant"])
def test_whatever_is_sent_is_answered_as_described(
    role: str, part: int, world: World, callers: dict[str, Caller]
) -> None:
    wrong = []
    for operation in list(operations())[part::PARTS]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            wrong += tried(operation, callers[role], world, mode)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("state", STATES)
def test_what_the_table_of_doors_sends_is_answered_as_described(
    state: str, world: World, callers: dict[str, Caller], bring_to: Callable[[World, str], World]
) -> None:
    """Random documents are never valid ones; these are, so that answers other than refusals are looked at too."""
    there, wrong, known_as = bring_to(world, state), [], {one.label: one for one in operations()}
    for door in API:
        label = re.sub(r"\{\w+:", "{", f"{door.method} /api/v1{door.name}")
        if door.form or label not in known_as:
            continue
        case = known_as[label].Case(
            path_parameters=known(known_as[label], there),
            query={name: value for name, [value] in parse_qs(door.query).items()},
            body=dict(door.body_in(there)) if door.writes else NOT_SET,
            media_type="application/json" if door.writes else None,
        )
        for role in ("admin", "operations", "assistant"):
            wrong += list(faults(case, callers[role]))
    assert not wrong, "\n\n".join(wrong)
