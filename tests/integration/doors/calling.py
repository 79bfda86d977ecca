"""How a door of the table is tried: by whom, in which state, and what came of it."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.exceptions import NoReverseMatch

from tests.integration.doors.table import (
    API,
    MACHINES,
    NEEDS,
    NOBODY,
    PAGES,
    PEOPLE,
    SLUG,
    Door,
    World,
)

OPEN, SIGN_IN, FORBIDDEN, HIDDEN = "open", "sign in", "forbidden", "hidden"
MISSING = {
    "change": 999,
    "override": 999_999,
    "person": 999_999,
    "token": 999_999,
    "version": 999,
    "loan": 999_999,
    "review": 999,
    "filter": 999_999,
    "golden": 999_999,
}
NOT_THERE = UUID("0191b7a0-0000-7000-8000-000000000000")
# Doors of assistants that are about no use case. The stream itself is served beside Django, and looks at scopes there.
UNSCOPED = ("/signing-keys", "/stream", "/tokens/rotate")
# What belongs to a use case without its address naming it: a stranger to the one sees nothing of the other.
SEEN_THROUGH = ("review", "lane", "event")
# What a visit leaves behind by itself, whatever it asked for.
TRACES = ("django_session", "axes_accessattempt", "axes_accesslog", "usersessions_usersession")


@dataclass(frozen=True)
class Caller:
    """Somebody at a door: a browser that is signed in or not, or a program with a token or without."""

    role: str
    client: Client
    token: str = ""
    cookies: str = ""


def is_api(door: Door) -> bool:
    return door.name.startswith("/")


def of_one(door: Door) -> bool:
    """Tell whether a door's address names a use case."""
    if door.thing == "lane":
        return False
    if is_api(door):
        return "{slug}" in door.name
    return any("slug" in names for _, names in _forms(door.name))


def _forms(name: str) -> list[tuple[str, list[str]]]:
    """Return the forms of a page's address, each with the names of its parts."""
    found = get_resolver().reverse_dict.getlist(name)
    return [(form, list(names)) for possibilities, *_ in found for form, names in possibilities]


def thing_in(door: Door, world: World) -> Any:
    """Return what a door's address names besides its use case; something that is not there where there is none."""
    found = getattr(world, door.thing)
    return MISSING.get(door.thing, NOT_THERE) if found is None else found


def address(door: Door, world: World, slug: str = SLUG) -> str:
    """Return where a door is."""
    if door.thing == "lane":
        slug = world.lane
    tail = f"?{door.query.replace(SLUG, slug)}" if door.query else ""
    if is_api(door):
        path = door.name.replace("{slug}", slug)
        if door.thing:
            path = re.sub(r"\{\w+\}", str(thing_in(door, world)), path)
        return f"/api/v1{path}{tail}"
    parts = {"slug": slug, "verb": door.verb}
    thing = thing_in(door, world) if door.thing else None
    for _, names in _forms(door.name):
        given = {name: parts.get(name, thing) for name in names if parts.get(name, thing) not in (None, "")}
        try:
            return reverse(door.name, kwargs=given) + tail
        except NoReverseMatch:
            continue
    raise AssertionError(f"{door} has no address with {parts}, {door.thing or 'nothing'}: mend its line")


def call(door: Door, caller: Caller, world: World, slug: str = SLUG, **headers: str) -> HttpResponseBase:
    """Knock: send what the table says, as this caller."""
    where, body = address(door, world, slug), door.body_in(world)
    caller.client.cookies = SimpleCookie(caller.cookies)  # whoever signed out is back for the next door
    if is_api(door) and caller.token:
        headers["Authorization"] = f"Bearer {caller.token}"
    if not is_api(door) or door.form:
        send = getattr(caller.client, door.method.lower())
        return send(where, body if door.writes else None, headers=headers)  # type: ignore[no-any-return]
    text = json.dumps(body).replace(f'"{SLUG}"', f'"{slug}"') if door.writes else ""
    return caller.client.generic(
        door.method, where, text, content_type="application/json" if text else "", headers=headers
    )


def outcome(door: Door, answer: HttpResponseBase) -> str:
    """Say in the table's words what an answer means."""
    status = answer.status_code
    if status == door.always:
        return OPEN
    if status == 401 or (status == 302 and answer.headers["Location"].startswith("/sign-in?")):
        return SIGN_IN
    known = {403: FORBIDDEN, 404: HIDDEN}
    return known.get(status, OPEN if status < 500 and status != 405 and door.always is None else str(status))


def expected(door: Door, role: str, world: World) -> str:
    """Return what the table says of one cell."""
    if door.needs == "public":
        return OPEN
    if role == NOBODY:
        return SIGN_IN
    if role in MACHINES:
        return OPEN if door.machines and (role == "assistant" or door.name in UNSCOPED) else FORBIDDEN
    if role == "stranger" and (of_one(door) or (door.thing in SEEN_THROUGH and not door.asks_first)):
        return HIDDEN
    missing = bool(door.thing) and getattr(world, door.thing) is None
    if role in NEEDS[door.needs]:
        return HIDDEN if missing else OPEN
    return HIDDEN if door.hides or missing else FORBIDDEN


def roles_of(door: Door) -> tuple[str, ...]:
    return (NOBODY, *PEOPLE, *MACHINES) if is_api(door) else (NOBODY, *PEOPLE)


def written() -> Mapping[str, int]:
    """Return how many rows this transaction has tried to write, by table; what was taken back counts too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND relname <> ALL(%s)",
            [list(TRACES)],
        )
        return dict(cursor.fetchall())


def since(before: Mapping[str, int]) -> list[str]:
    """Name the tables that something was written to since."""
    return sorted(name for name, count in written().items() if count != before.get(name, 0))


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever happens inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


DOORS = (*PAGES, *API)
