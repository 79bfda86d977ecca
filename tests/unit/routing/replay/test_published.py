"""Published replays of real logs come out of this one: cascades of language models, chatbots, intent classifiers."""

import csv
import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, recall_score

from routing.replay.columns import Columns, Floats
from routing.replay.impact import impact
from routing.replay.replay import replay
from routing.replay.wide import read_wide
from tests.unit.routing.replay import real
from tests.unit.routing.replay.ladder_table import ladder_table

LLAMAS = ["llama3.2-1b", "llama3.2-3b", "llama3.1-8b", "llama3.1-70b", "llama3.1-405b"]
PRICES = dict(zip(LLAMAS, [0.10, 0.10, 0.20, 0.90, 3.00], strict=True))
NO_INTENT = "NO_NODES_DETECTED"


def test_every_published_cascade_comes_out() -> None:
    """Accuracy to the digit, cost to a millionth of a dollar in a million queries."""
    prices = _mean_prices()
    logs = {name: real.where(_cascades(), dataset=name, split="test") for name in ("mmlu", "medmcqa")}
    wrong, farthest, points = 0, 0.0, real.published("llm_cascades/published_replay_points.csv.gz")
    for point in points:
        columns, names = logs[point["dataset"]], point["cascade"].split(">")
        shares = [float(share) for share in point["answered_share"].split("|")]
        replayed = replay(columns, real.cascade(*_rungs(columns, names, shares)))
        stands = np.bincount(replayed.standing, minlength=len(names) + 1)[1:]
        assert stands.tolist() == [round(share * len(columns)) for share in shares]
        right = np.count_nonzero(replayed.cell % 4 == 1) / len(columns)
        asked = np.cumsum(stands[::-1])[::-1]
        cost = sum(n * prices[point["dataset"], name] for n, name in zip(asked, names, strict=True))
        wrong += right != float(point["correct_rate"])
        farthest = max(farthest, abs(cost / len(columns) - float(point["cost_usd_per_million_queries"])))
    assert len(points) == 7_719
    assert wrong == 0
    assert farthest <= 1e-6


def _cascades() -> Columns:
    return real.decisions("llm_cascades", "dataset", "split")


def _mean_prices() -> dict[tuple[str, str], float]:
    """Return dollars in a million queries: mean tokens over the test rows at the published price."""
    tokens: dict[tuple[str, str], list[int]] = {}
    for row in real.published("llm_cascades/decisions.csv.gz"):
        if row["split"] == "test":
            for name in LLAMAS:
                count = int(row[f"{name}__tokens_in"]) + int(row[f"{name}__tokens_out"])
                tokens.setdefault((row["dataset"], name), []).append(count)
    return {key: sum(counts) / len(counts) * PRICES[key[1]] for key, counts in tokens.items()}


def _rungs(columns: Columns, names: list[str], shares: list[float]) -> list[tuple[str, float]]:
    """Return the accept levels that let the published share of most confident rows stand at each step."""
    rungs = []
    climbing = np.ones(len(columns), np.bool_)
    for name, share in zip(names[:-1], shares, strict=False):
        confidence = columns.models[name].confidence
        level = _level(confidence[climbing], round(share * len(columns)))
        rungs.append((name, level))
        climbing &= confidence < level
    return [*rungs, (names[-1], 0.0)]


def _level(confidence: Floats, stand: int) -> float:
    """Return the confidence that so many rows reach; just above all of them for none."""
    ordered = np.sort(confidence)[::-1]
    if not stand:
        return float(np.nextafter(ordered[0], 2)) if len(ordered) else 1.0
    return float(ordered[stand - 1])


@pytest.mark.parametrize("benchmark", ["mmlu", "medmcqa"])
def test_the_recommended_ladder_costs_no_more_than_the_published_one_at_equal_error(benchmark: str) -> None:
    """Fitted on the earlier rows, judged on the later ones, at ten error levels; against the best of all cascades."""
    real.path("llm_cascades/decisions.csv.gz")
    table = ladder_table(benchmark)
    assert len(table) == 10
    assert sum(line.ours <= line.theirs for line in table) >= 9


def test_every_published_chatbot_threshold_comes_out() -> None:
    rows = real.published("live_chatbots/decisions.csv.gz")
    columns = real.decisions("live_chatbots", "bot")
    results = real.published("live_chatbots/published_threshold_results.csv.gz")
    assert len(results) == 180
    for result in results:
        model, threshold = result["model"], float(result["Threshold"])
        document = real.cascade((model, 0.0))
        document["bands"] = [
            {"name": "answer", "from": threshold, "action": "answer"},
            {"name": "no intent", "from": 0.0, "action": "escalate"},
        ]
        answered = replay(columns, document).answered()
        asked = [(row, bool(is_answered)) for row, is_answered in zip(rows, answered, strict=True)]
        pairs = [
            (row["true_intent"], row[f"{model}__predicted"] if is_answered else NO_INTENT)
            for row, is_answered in asked
            if row["bot"] == result["bot"]
        ]
        for metric, value in _metrics(pairs).items():
            assert value == pytest.approx(float(result[metric]), abs=1e-9), (result, metric)


def _metrics(pairs: list[tuple[str, str]]) -> dict[str, float]:
    true, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    inside = [pair for pair in pairs if pair[0] != NO_INTENT]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "Accuracy": accuracy_score(true, said),
            "Weighted F1": f1_score(true, said, average="weighted"),
            "Inscope Accuracy": sum(a == b for a, b in inside) / len(inside),
            "OOS Recall": recall_score([t == NO_INTENT for t in true], [s == NO_INTENT for s in said]),
            "MCC": matthews_corrcoef(true, said),
        }


def test_the_drift_of_the_later_period_is_told() -> None:
    """At 0.9 and 0.9 the share of wrong answers doubles, and so does what goes to a person."""
    columns = real.decisions("clinc150")
    document = real.cascade(("small", 0.9), ("large", 0.0))
    document["bands"] = [
        {"name": "answer", "from": 0.9, "action": "answer"},
        {"name": "escalate", "from": 0.0, "action": "escalate"},
    ]
    told = {}
    for period in ("val", "test"):
        rows = real.where(columns, split=period)
        one = impact(rows, document, live=document)["draft"]
        assert one["wrong_among_answered"]["badge"] == "measured"
        told[period] = (
            round(one["wrong_among_answered"]["value"] * 100, 2),
            round(one["escalated"] / len(rows) * 100, 1),
        )
    assert told == {"val": (2.05, 11.7), "test": (4.07, 24.1)}


def test_lines_are_read_as_files_are() -> None:
    lines = ["request_id,tier,small__confidence,small__correct\r\n", 'a,"vip, gold",0.9,1\r\n', "b,,,\r\n"]
    assert len(list(csv.DictReader(lines))) == 2
    columns = read_wide(lines)
    assert columns.models["small"].asked.tolist() == [1, 0]
    assert list(columns.request_ids) == ["a", "b"]
