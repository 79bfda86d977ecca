"""An imported log replayed through the document that decided it comes out as it was stored, row by row."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.decide import compile_document
from routing.imports.deciding import Decider
from routing.imports.records import Answer, Recorded
from routing.replay.building import build
from routing.replay.replay import replay
from tests.documents import claims
from tests.unit.routing.engine.generated import maps

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CONFIDENCE = st.one_of(st.none(), st.sampled_from([0.0, 0.59, 0.6, 0.7, 0.85, 0.92, 1.0]))
ANSWER = st.tuples(
    CONFIDENCE, st.sampled_from([0.0, 0.01, 0.05]), st.sampled_from([10.0, 1980.0, 7990.0, 9000.0])
)
ROW = st.tuples(
    ANSWER,
    ANSWER,
    st.sampled_from([{}, {"topic": "legal threat"}, {"tier": "vip"}, {"amount": 10001}]),
    st.sampled_from([{}, {"retrieval_score": 0.2}, {"sensitivity": 0.8}, {"spent_today_usd": 300.0}]),
)


def stored(document: dict[str, Any], rows: list[Any]) -> list[dict[str, Any]]:
    """Return the decisions of recorded requests as the database gives them back."""
    decider = Decider(compile_document(document, version=3), use_case="claims", now=NOW)
    found = []
    for place, (small, large, attributes, signals) in enumerate(rows):
        given = {"small": (small, True), "large": (large, False)}
        answers = {
            name: Answer(name, answer[0], answer[1], answer[2], correct=correct)
            for name, (answer, correct) in given.items()
        }
        recorded = Recorded(
            place + 2, f"r-{place}", answers, attributes=dict(attributes), signals=dict(signals)
        )
        row = decider.row(recorded).decision
        found.append(row | {name: json.loads(row[name]) for name in ("tried", "attributes", "signals")})
    return found


@pytest.mark.parametrize("source", ["verbalised", "context"])
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=30),
    cap=st.sampled_from([None, 0.0, 0.05]),
    line=st.none() | maps(),
)
def test_replay_and_import_agree(source: str, rows: list[Any], cap: float | None, line: Any) -> None:
    document = claims(cost_per_task_usd=cap, holdout_share=0.2, audit_share=0.5)
    document["models"][0]["calibration"] = line
    document["confidence"]["source"] = source
    decisions = stored(document, rows)
    replayed = replay(build(decisions), compile_document(document, version=3))
    for place, row in enumerate(decisions):
        decision = replayed.row(place)
        assert decision is not None
        names = ("action", "model", "band", "rule", "queue", "reason", "audited", "holdout")
        assert [getattr(decision, name) or "" for name in names] == [row[name] or "" for name in names]
        assert replayed.cost_usd[place] == pytest.approx(row["cost_usd"])
        assert replayed.latency_ms[place] == pytest.approx(row["latency_ms"])
