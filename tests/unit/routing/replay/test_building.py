"""Columns out of records: more models than can be numbered, texts taken by place, blocks as bytes and back."""

from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from routing.replay.blocks import keys_of, uuid_texts
from routing.replay.building import build, extend
from routing.replay.columns import MAX_MODELS, Texts
from routing.replay.encoding import MAX_CODED_NUMBERS, encoded, merged, plain


def answered(*models: str) -> dict[str, Any]:
    tried = [{"model": name, "confidence": 0.9, "cost_usd": 0.1, "latency_ms": 10} for name in models]
    return {"request_id": "r", "tried": tried, "model": models[-1]}


def test_of_too_many_models_those_that_were_asked_most_are_kept() -> None:
    rows = [answered(f"once-{number}") for number in range(2 * MAX_MODELS)] + [answered("often", "twice")] * 2
    columns = build(rows)
    assert len(columns.names) == MAX_MODELS
    assert columns.models["often"].asked.sum() == 2
    assert [columns.names[number - 1] for number in columns.recorded[-2:]] == ["twice", "twice"]
    assert not columns.recorded[MAX_MODELS:-2].any()  # as if nobody had answered: not knowable

    longer = extend(build(rows[:150]), rows[150:])
    assert len(longer.names) == MAX_MODELS
    assert longer.models["often"].asked.sum() == 2
    assert longer.names[longer.recorded[-1] - 1] == "twice"


@given(st.lists(st.text(max_size=5), min_size=1), st.data())
def test_texts_are_taken_by_place(texts: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1)))
    assert list(Texts.of(texts).take(np.array(rows, np.intp))) == [texts[row] for row in rows]


@given(st.lists(st.uuids() | st.sampled_from([UUID(int=0), UUID(int=2**128 - 1)])))
def test_uuids_take_sixteen_bytes_and_are_written_as_before(ids: list[UUID]) -> None:
    texts = Texts.of([str(one) for one in ids])
    keys = keys_of(texts)
    assert keys is not None
    assert keys.tobytes() == b"".join(one.bytes for one in ids)
    assert list(uuid_texts(keys)) == list(texts)


def test_what_only_looks_like_a_uuid_stays_text() -> None:
    good = "0af76519-16cd-43dd-8448-eb211c80319c"
    for other in (good.upper(), good.replace("-", "_"), good[:-1] + "g", "short", good + "0"):
        assert keys_of(Texts.of([good, other])) is None


def test_many_distinct_numbers_become_a_numeric_column_whatever_pieces_they_come_in() -> None:
    many = [place / 7 for place in range(MAX_CODED_NUMBERS)]
    halves = [encoded([*many[:40_000], None]), encoded(many[40_000:])]
    numeric = merged(halves)
    assert not hasattr(numeric, "codes")
    assert np.isnan(numeric.values[40_000])
    assert hasattr(merged([*halves, encoded(["a word"])]), "codes")
    assert not plain([None, float("nan")])
    assert not plain([1, True])
    assert not plain([2**53 + 1])
    assert plain([None, 2.0**60, 7])
