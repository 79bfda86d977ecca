"""A calibration map: one line for assistants, decisions and replay, which never turns the order of answers round."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.calibration import calibrated, reached_from
from routing.engine.decide import compile_document
from tests.unit.routing.engine.generated import confidences, documents, json_values, maps
from tests.unit.routing.engine.loading import document, merged

LINE = SimpleNamespace(reported=[0.2, 0.6, 0.8], calibrated=[0.1, 0.3, 0.7])
RANK = {"escalate": 0, "review": 1, "answer": 2}


def line(part: dict[str, list[float]]) -> Any:
    return SimpleNamespace(**part)


@pytest.mark.parametrize(
    ("confidence", "counts"),
    [(0.0, 0.1), (0.2, 0.1), (0.4, 0.2), (0.6, 0.3), (0.7, 0.5), (0.8, 0.7), (0.9, 0.7), (1, 0.7)],
)
def test_a_confidence_counts_what_the_line_says(confidence: float, counts: float) -> None:
    assert calibrated(LINE, confidence) == pytest.approx(counts, abs=1e-12)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("inf"), 10**400])
def test_what_is_no_confidence_stays_what_it_was(confidence: float) -> None:
    assert calibrated(LINE, confidence) == confidence
    assert str(calibrated(LINE, float("nan"))) == "nan"


@given(maps(), st.lists(st.floats(0, 1) | confidences, min_size=2, max_size=12))
def test_a_map_never_makes_a_worse_answer_look_better_than_a_better_one(
    part: dict[str, list[float]], given_confidences: list[float]
) -> None:
    near = [
        x for point in part["reported"] for x in (point, point * (1 - 1e-16), min(1.0, point * (1 + 3e-16)))
    ]
    counts = [calibrated(line(part), x) for x in sorted([*given_confidences, *near])]
    assert all(low <= high for low, high in pairwise(counts))
    assert all(part["calibrated"][0] <= count <= part["calibrated"][-1] for count in counts)
    assert [calibrated(line(part), x) for x in part["reported"]] == part["calibrated"]


@given(maps(), confidences)
def test_where_an_edge_is_reached_is_where_answers_start(part: dict[str, list[float]], edge: float) -> None:
    start = reached_from(line(part), edge)
    if start is None:
        assert calibrated(line(part), 1.0) < edge
        return
    assert calibrated(line(part), min(1.0, start + 1e-9)) >= edge - 1e-6
    if start > 0:
        assert calibrated(line(part), max(0.0, start - 1e-9)) <= edge
    assert reached_from(None, edge) == edge


@settings(max_examples=60)
@given(documents(), confidences, confidences)
def test_a_surer_answer_is_never_treated_worse_whatever_the_map(
    draft: dict[str, Any], one: float, other: float
) -> None:
    for band in draft["bands"]:  # in the order of their actions, which no document has to keep
        band["action"] = "answer" if band["from"] >= 0.6 else "review"
    draft["rules"], draft["thresholds"] = [], {}
    compiled = compile_document(draft | {"messages": {"answer": "Here."}})
    low, high = sorted((one, other))
    worse, better = (compiled.decide({}, {"model": "small", "confidence": c}).action for c in (low, high))
    assert RANK[worse] <= RANK[better]


@settings(max_examples=60)
@given(documents(), json_values | confidences)
def test_what_is_recorded_as_judged_is_what_the_bands_were_asked(
    draft: dict[str, Any], reported: Any
) -> None:
    draft["rules"], draft["thresholds"] = [], {}
    compiled = compile_document(draft)
    usable = isinstance(reported, int | float) and not isinstance(reported, bool) and 0 <= reported <= 1
    judged = compiled.judged("small", reported if usable else None)
    mapless = compile_document(draft | {"models": [m | {"calibration": None} for m in draft["models"]]})
    decided = compiled.decide({}, {"model": "small", "confidence": reported})
    plain = mapless.decide({}, {"model": "small", "confidence": judged})
    assert (decided.action, decided.band, decided.queue) == (plain.action, plain.band, plain.queue)


def test_a_map_belongs_to_its_model_and_to_documents_that_believe_it() -> None:
    claims = document("claims")
    part = {"reported": [0.0, 1.0], "calibrated": [0.0, 0.5]}
    mapped = merged(claims, {"models": [claims["models"][0] | {"calibration": part}, claims["models"][1]]})
    compiled = compile_document(mapped)
    assert compiled.judged("small", 0.9) == 0.45
    assert (compiled.judged("large", 0.9), compiled.judged(None, 0.9)) == (0.9, 0.9)
    assert compiled.judged("small", None) is None
    assert compile_document(mapped, state="baseline").judged("small", 0.9) == 0.9
