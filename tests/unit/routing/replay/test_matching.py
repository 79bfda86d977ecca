"""Conditions hold in columns where they hold for the engine, however an attribute is kept."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.conditions import compile_match
from routing.engine.validation import parse
from routing.replay import encoding
from routing.replay.building import build, extend
from routing.replay.columns import Coded, Numeric
from routing.replay.matching import mask
from routing.replay.segments import segments
from routing.replay.wide import read_wide
from tests.documents import claims
from tests.unit.routing.engine.generated import NUMBERS, conditions

values = st.sampled_from([*NUMBERS, 0.1, 1e300, -0.0, 1.0000000000000002, None]) | st.floats(allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(conditions, st.lists(values, min_size=1, max_size=12))
def test_a_column_of_many_numbers_is_asked_as_its_values_are(when: Any, given_values: list[Any]) -> None:
    rows = [{"request_id": "r", "attributes": {"amount": value}} for value in given_values]
    coded = build(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "MAX_CODED_NUMBERS", 0)
        numeric = build(rows)
    assert isinstance(numeric.attributes["amount"], Numeric)
    assert isinstance(coded.attributes["amount"], Coded)
    document = claims()
    document["rules"][0]["when"] = when
    condition = parse(document).rules[0].when
    match = compile_match([condition])
    expected = [match({"amount": value}) == 0 for value in given_values]
    assert mask(numeric, condition).tolist() == expected
    assert mask(coded, condition).tolist() == expected


def test_text_among_many_numbers_turns_the_column_back_into_codes() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "MAX_CODED_NUMBERS", 0)
        columns = build([{"attributes": {"amount": value}} for value in (1, 2.5, None)])
        columns = extend(columns, [{"attributes": {"amount": "many"}}, {"attributes": {"amount": 1}}])
    column = columns.attributes["amount"]
    assert isinstance(column, Coded)
    assert [column.values[code] for code in column.codes] == [1, 2.5, None, "many", 1]


def test_numbers_and_names_in_a_csv_are_told_apart_by_the_whole_column() -> None:
    lines = ["request_id,amount,zip,in_scope,small__confidence\n", "a,10,01234,1,0.9\n", "b,2.5,99999,0,\n"]
    attributes = read_wide(lines).attributes
    kept = {name: column.values for name, column in attributes.items() if isinstance(column, Coded)}
    assert kept == {"amount": (None, 10, 2.5), "zip": (None, "01234", "99999"), "in_scope": (None, 1, 0)}


def test_segments_add_up_and_show_who_fares_worse() -> None:
    draw = np.random.default_rng(3)
    rows = []
    for number in range(2_000):
        tier = "vip" if number % 10 == 0 else "basic"
        wrong = draw.random() < (0.3 if tier == "vip" else 0.02)
        attempt = {
            "model": "small",
            "confidence": 0.9,
            "cost_usd": 0.001,
            "latency_ms": 9.0,
            "correct": not wrong,
        }
        attributes = {"tier": tier, "amount": number}
        rows.append({"request_id": f"r{number}", "attributes": attributes, "tried": [attempt]})
    columns = build(rows)
    document = claims() | {"rules": [], "ladder": [{"model": "small", "accept_from": 0.0}]}
    by_tier = segments(columns, document, "tier", live=document)
    assert [(one["value"], one["decisions"]) for one in by_tier] == [("basic", 1_800), ("vip", 200)]
    basic, vip = (one["draft"]["wrong_among_answered"] for one in by_tier)
    assert basic["high"] < vip["low"]
    by_amount = segments(columns, document, "amount", live=document)
    assert [one["decisions"] for one in by_amount] == [500] * 4
    assert {one["value"] for one in by_amount} >= {"below 499.75", "1499.25 and more"}


def test_a_replay_brings_no_statistics_package_into_memory() -> None:
    """`scipy.stats` alone would take more than a web process has."""
    asked = (
        "import sys, routing.replay.recommend, routing.replay.segments; print('scipy.stats' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
