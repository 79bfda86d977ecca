"""One table: who may pass which door in which state. What is refused writes nothing; who may pass gets through."""

from collections import deque
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
    outcome,
    roles_of,
    since,
    undone,
    written,
)
from tests.integration.doors.table import NEEDS, STATES, Door, World

Bring = Callable[[World, str], World]
PARTS = 10  # tests that share the doors out: a failure is found sooner, and two workers can run them


def knocking(door: Door, state: str) -> list[str]:
    """Return who tries a door in a state.

    Whoever is refused, in every state. Of those who may pass, all where there first is something to pass for, and one
    after the other in the other states: what is let in draws pages and acts, which is slow.
    """
    roles, at_home = list(roles_of(door)), {"change": "open_change", "override": "override"}
    if state == at_home.get(door.thing, STATES[0]):
        return roles
    may = [role for role in roles if door.needs == "public" or role in NEEDS[door.needs]]
    turn = may[STATES.index(state) % len(may)] if may else ""
    return [role for role in roles if role not in may or role == turn]


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
        if answer.streaming:
            deque(answer, maxlen=0)  # read to its end, it closes what it was read from
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
