"""Through which door the present work came in: page, api, command or task. Held per thread of work, never global."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Door:
    """An entry point and the id of the request that came through it."""

    entry_point: str
    request_id: str


_door: ContextVar[Door | None] = ContextVar("door", default=None)


def current() -> Door:
    """Return the door of the present work; work that named none came from the command line."""
    return _door.get() or Door("command", "")


@contextmanager
def through(entry_point: str, request_id: str = "") -> Iterator[Door]:
    """Run a block as work that came through a door."""
    door = Door(entry_point, request_id or uuid4().hex)
    token = _door.set(door)
    try:
        yield door
    finally:
        _door.reset(token)
