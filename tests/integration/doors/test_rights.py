"""One table: who may pass which door in which state. What is refused writes nothing; who may pass gets through."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.doors.calling import (
    DOORS,
    FORBIDDEN,
    HIDDEN,
    OPEN,
    Caller,
    call,
    expected,
    is_api,
    of_one,
    outcome,
    roles_of,
    since,
    undone,
    written,
)
from tests.integration.doors.table import NEEDS, PEOPLE, STATES, Door, World

Bring = Callable[[World, str], World]
PARTS = 6  # tests that share the doors out: a failure is found sooner, and two workers can run them


def knocking(door: Door, state: str) -> list[str]:
    """Return who tries a door in a state.

    Everybody; but of the four who may read the same page, each in one state besides the first: drawing it is slow.
    """
    roles = list(roles_of(door))
    if door.writes or is_api(door) or not of_one(door) or state == STATES[0]:
        return roles
    readers = [role for role in PEOPLE if role in NEEDS[door.needs]]
    turn = readers[STATES.index(state) % len(readers)]
    return [role for role in roles if role not in readers or role == turn]


def test_the_table_has_more_than_a_thousand_cells() -> None:
    found = sum(len(knocking(door, state)) for door in DOORS for state in STATES)
    assert found > 1_000, found


@pytest.mark.parametrize("part", range(PARTS))
def test_every_door_lets_in_whom_the_table_says_and_nobody_else(
    part: int, world: World, callers: dict[str, Caller], bring_to: Bring
) -> None:
    doors = DOORS[part::PARTS]
    wrong: list[str] = []
    passed: set[Door] = set()
    for state in STATES:
        with undone():
            there = bring_to(world, state)
            for door in doors:
                for role in knocking(door, state):
                    wrong += [
                        f"{state}: {door} as {role}: {words}"
                        for words in cell(door, callers[role], there, passed)
                    ]
    assert not wrong, "\n".join(wrong)
    never = [str(door) for door in doors if door not in passed and not door.refuses]
    assert not never, f"refused to everybody in every state, so its line's call is wrong: {never}"


def cell(door: Door, caller: Caller, world: World, passed: set[Door]) -> list[str]:
    """Try one cell; return what is wrong with it."""
    before = written()
    with undone():
        answer: Any = call(door, caller, world)
        found, wanted = outcome(door, answer), expected(door, caller.role, world)
        touched = since(before)
    if wanted in (FORBIDDEN, HIDDEN) and door.tells == answer.status_code:
        found = wanted
    if answer.status_code < 400 or door.always:
        passed.add(door)
    if found != wanted:
        return [f"{found} ({answer.status_code}) instead of {wanted}"]
    if touched and (wanted != OPEN or not door.writes):
        return [f"wrote to {', '.join(touched)}"]
    return []
