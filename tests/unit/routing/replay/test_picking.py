"""The decisions behind a cell, and digests of what a result was computed from."""

from dataclasses import replace

import numpy as np
import pytest

from routing.engine.decide import compile_document
from routing.replay import picking, provenance
from routing.replay.columns import Columns, Texts
from routing.replay.impact import Side, draft_side, live_side, matrix, moved_ids
from routing.replay.verdicts import label
from tests.benchmarks.what_if import document, log


def named(count: int) -> Columns:
    """Return a log in which each decision has an id of its own."""
    return replace(log(count), ids=Texts.of([f"decision {number}" for number in range(count)]))


@pytest.fixture(scope="module")
def sides() -> tuple[Side, Side]:
    """Both replays of a log with rules, under a strict document and a loose one."""
    columns = named(3_000)
    before = live_side(columns, document(0.9, 0.9), "live", None)
    return before, draft_side(columns, compile_document(document(0.7, 0.7)), before)


def test_the_cells_are_all_decisions_each_once_and_as_both_documents_decide(sides: tuple[Side, Side]) -> None:
    before, after = sides
    seen: list[int] = []
    for one in matrix(before, after):
        cell = picking.cell(before, after, one["live"], one["draft"])
        assert (len(cell), cell.summary()) == (one["count"], one)
        assert cell.ids(3, 5) == moved_ids(before, after, one["live"], one["draft"], 5, skip=3)
        assert list(cell.places) == sorted(cell.places, reverse=True)
        seen += cell.places.tolist()
        for place, pick in zip(cell.places[:20].tolist(), cell.picks(0, 20), strict=True):
            assert pick.live is not None
            assert pick.draft is not None
            assert (label(pick.live.decision), label(pick.draft.decision)) == (one["live"], one["draft"])
            assert pick.draft.decision == after.replayed.row(place)
            model = pick.draft.decision.model
            correct = before.replayed.columns.models[model].correct[place] if model else -1
            assert pick.correct == (None if correct < 0 else bool(correct))
    assert sorted(seen) == list(range(3_000))
    assert len(picking.cell(before, after, "nowhere", "answer")) == 0


def test_verdicts_and_rules_narrow_a_cell(sides: tuple[Side, Side]) -> None:
    before, after = sides
    cell = picking.cell(before, after, "review", "answer")
    verdicts = {word: len(cell.only(verdict=word)) for word in picking.VERDICTS}
    assert (sum(verdicts.values()), cell.verdicts()) == (len(cell), verdicts)
    rules = cell.rules()
    assert len(rules) > 1
    for rule, count in rules.items():
        narrow = cell.only(rule=rule)
        assert len(narrow) == count
        decided = {
            way.decision.rule for pick in narrow.picks(0, 30) for way in (pick.live, pick.draft) if way
        }
        assert decided == {None} if rule == picking.NO_RULE else rule in decided
    assert cell.among([0, 2]).ids(0, 9) == [cell.ids(0, 1)[0], cell.ids(2, 1)[0]]


def test_verdicts_have_a_digest_of_their_own() -> None:
    columns = log(200)
    first = provenance.verdicts(columns)
    correct = columns.models["small"].correct
    assert first == provenance.verdicts(log(200))
    assert first.decisions == 200
    correct[7] = 1 - correct[7]
    assert provenance.verdicts(columns).digest != first.digest


def test_what_came_late_is_left_out() -> None:
    columns = named(50)
    late = {columns.ids[place]: int(columns.at[place]) for place in (0, 9, 49)}
    kept = provenance.without(columns, late)
    assert list(kept.ids) == [identity for identity in columns.ids if identity not in late]
    assert bool((kept.at == np.delete(columns.at, [0, 9, 49])).all())
    assert provenance.without(columns, {"elsewhere": 5}) is columns
