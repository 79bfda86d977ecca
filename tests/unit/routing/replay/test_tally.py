"""What is counted over blocks is what the rows say one by one, for small documents and for the largest."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.replay import replay as replaying
from routing.replay.building import build
from routing.replay.impact import impact
from routing.replay.replay import Replayed, replay
from tests.unit.routing.engine.generated import documents
from tests.unit.routing.replay.desks import answering_from, desk
from tests.unit.routing.replay.test_replay import drafts, records

Json = dict[str, Any]


@settings(max_examples=80, deadline=None)
@given(documents(), drafts(), st.lists(records(), min_size=1, max_size=8))
def test_an_impact_counts_what_the_rows_say(live: Json, draft: Json, rows: list[Json]) -> None:
    columns = build(rows)
    told = impact(columns, draft, live=live)
    before, after = _decided(replay(columns, live)), _decided(replay(columns, draft))
    cells = Counter(zip(map(_label, before), map(_label, after), strict=True))
    assert {(cell["live"], cell["draft"]): cell["count"] for cell in told["matrix"]} == dict(cells)
    for side, decided in (("live", before), ("draft", after)):
        actions = Counter(one.action for one in decided if one)
        assert told[side]["answered"] == actions["answer"]
        assert told[side]["reviewed"] == actions["review"]
        assert told[side]["escalated"] == actions["escalate"]
        assert told[side]["not_knowable"] == decided.count(None)
        assert told[side]["audited"] == sum(one.audited for one in decided if one)
        models = Counter(one.model for one in decided if one and one.model)
        assert {name: count for name, count in told[side]["by_model"].items() if count} == dict(models)
        fired = Counter(one.rule for one in decided if one and one.rule)
        assert {rule["id"]: rule[side] for rule in told["rules"] if rule[side]} == dict(fired)
        queued = Counter(one.queue for one in decided if one and one.action != "answer")
        loads = {queue["queue"]: sum(queue[side]) for queue in told["queues"]}
        assert {queue: load for queue, load in loads.items() if load} == dict(queued)


def _decided(replayed: Replayed) -> list[Any]:
    return [replayed.row(place) for place in range(len(replayed.columns))]


def _label(decision: Any) -> str:
    return decision.band or decision.action if decision else "not_knowable"


def _largest() -> Json:
    """Return a document with hundreds of rules, each with an edge of its own, over many bands."""
    document = answering_from(0.95)
    others = [{"name": f"b{n}", "from": n / 20, "action": "review", "queue": "desk"} for n in range(18)]
    rules = [
        {
            "id": f"r{n}",
            "name": f"Rule {n}",
            "when": {"attribute": "number", "op": "eq", "value": n},
            "then": {"answer_from": 0.4 + n / 1_000},
        }
        for n in range(400)
    ]
    return document | {"bands": [document["bands"][0], *others], "rules": rules}


def test_hundreds_of_rules_with_edges_of_their_own_are_counted_alike() -> None:
    draw = np.random.default_rng(2)
    rows: list[Json] = [
        {
            "request_id": f"r{n}",
            "attributes": {"number": n % 450},
            "tried": [{"model": "small", "confidence": float(draw.random()), "correct": bool(n % 7)}],
        }
        for n in range(1_500)
    ]
    columns = build(rows)
    document = _largest()
    told = impact(columns, document, live=answering_from(0.9))
    replayed = replay(columns, document)
    answered = replayed.answered()
    expected = [
        row["tried"][0]["confidence"] >= (0.4 + n % 450 / 1_000 if n % 450 < 400 else 0.95)
        for n, row in enumerate(rows)
    ]
    assert answered.tolist() == expected
    assert told["draft"]["answered"] == sum(expected)
    wrong = sum(1 for n, is_answered in enumerate(expected) if is_answered and n % 7 == 0)
    assert told["draft"]["wrong_among_answered"]["value"] == pytest.approx(wrong / sum(expected))


def test_two_threads_count_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, _ = desk(np.random.default_rng(1), 200_000)
    told = []
    for threads in (1, 2):
        monkeypatch.setattr(replaying, "_THREADS", threads)
        told.append(impact(columns, answering_from(0.7), live=answering_from(0.85)) | {"took_ms": 0})
    assert told[0] == told[1]


def test_the_95th_percentile_is_the_exact_one() -> None:
    columns, _ = desk(np.random.default_rng(1), 30_001)
    latency = columns.models["small"].latency_ms
    latency[:] = np.random.default_rng(5).lognormal(5, 1, len(latency)).astype(np.float32)
    told = impact(columns, answering_from(0.7), live=answering_from(0.85))["draft"]["latency_ms_p95"]
    assert told["value"] == pytest.approx(float(np.percentile(latency.astype(np.float64), 95)), rel=1e-12)
    assert told["low"] < told["value"] < told["high"]
