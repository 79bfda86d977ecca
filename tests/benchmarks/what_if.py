"""A what-if on a million decisions, with ten rules and a two-rung ladder, beside counting one threshold in NumPy.

Each time another document: the answer threshold and the ladder's accept level move, as under a slider. What stays, such
as the rules and the live document's side, is kept with the columns; the cold time has nothing kept yet. Then how long a
fresh process reads a million decisions out of PostgreSQL. Where real logs are beside the repository, the recommended
ladders are printed beside the published ones.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from routing.replay.columns import ANSWERED, CENSUS, Coded, Columns, ModelColumn, Numeric, Stratum, Texts
from routing.replay.impact import impact
from tests.benchmarks import _cold_load
from tests.benchmarks.decide import COUNTRIES, LANGUAGES, RULES, TIERS, TOPICS

ROUNDS = 21
AIMS_MS = {1_000_000: 50.0, 10_000_000: 500.0}
# The largest log takes this much with its columns, its replays and the blocks at work.
NEEDED_BYTES = {1_000_000: 1 << 30, 10_000_000: 4 << 30}
THENS: list[dict[str, Any]] = [{"answer_from": 0.95}, {"start": "large"}, {"action": "escalate"}]


def run() -> None:
    """Print the medians, the aims and the memory a decision takes."""
    print(
        f"{len(RULES)} rules x 3 conditions, two rungs, two documents, medians of {ROUNDS} moves of the slider\n"
    )
    print(
        f"{'decisions':>12}{'cold ms':>10}{'warm ms':>10}{'count ms':>10}{'times':>8}{'bytes each':>12}  aim"
    )
    for count, aim in AIMS_MS.items():
        if psutil.virtual_memory().available < NEEDED_BYTES[count]:
            print(f"{count:>12,}  left out: less than {NEEDED_BYTES[count] >> 30} GiB of memory are free")
            continue
        _report(count, aim)
    _cold_load.report()
    _ladders()


def _report(count: int, aim: float) -> None:
    columns, live = log(count), document(0.9, 0.9)
    cold = _timed(lambda: impact(columns, document(0.85, 0.85), live=live))
    drafts = iter([document(0.65 + step / 100, 0.60 + step / 100) for step in range(ROUNDS)])
    confidence = columns.models["small"].confidence
    warm, plain = [], []
    for _ in range(ROUNDS):
        warm.append(_timed(lambda: impact(columns, next(drafts), live=live)))
        plain.append(_timed(lambda: int(np.count_nonzero(confidence >= 0.8))))
    ours, theirs, size = statistics.median(warm), statistics.median(plain), columns.bytes / count
    row = f"{count:>12,}{cold:>10.1f}{ours:>10.1f}{theirs:>10.2f}{ours / theirs:>8.0f}{size:>12.0f}"
    print(f"{row}  under {aim:.0f} ms: {'kept' if ours < aim else 'MISSED'}")


def _timed(work: Callable[[], Any]) -> float:
    """Return milliseconds."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def document(answer_from: float, accept_from: float) -> dict[str, Any]:
    """Return a document with the rules of the decide benchmark."""
    rules = [
        {
            "id": f"rule-{index}",
            "name": f"Rule {index}",
            "when": {"all": [{"attribute": a, "op": op, "value": value} for a, op, value in tests]},
            "then": THENS[index % len(THENS)],
        }
        for index, tests in enumerate(RULES)
    ]
    bands = [("answer", answer_from, "answer"), ("review", 0.6, "review"), ("escalate", 0.0, "escalate")]
    return {
        "schema": 1,
        "models": [{"name": name, "litellm": f"openai/{name}"} for name in ("small", "large")],
        "bands": [{"name": name, "from": edge, "action": action} for name, edge, action in bands],
        "ladder": [{"model": "small", "accept_from": accept_from}, {"model": "large", "accept_from": 0.0}],
        "thresholds": {"cost_per_task_usd": 0.05, "latency_s": 8.0},
        "rules": rules,
    }


def log(count: int) -> Columns:
    """Return a log of random decisions in which both models answered everything."""
    draw = np.random.default_rng(20_261_122)

    def named(values: list[str]) -> Coded:
        return Coded(draw.integers(1, len(values) + 1, count).astype(np.uint8), (None, *values))

    def model(price: float) -> ModelColumn:
        confidence = draw.beta(5, 1.5, count)
        return ModelColumn(
            asked=np.full(count, ANSWERED, np.uint8),
            confidence=confidence,
            cost_usd=price * (0.5 + draw.random(count)),
            latency_ms=(200 + 1_000 * draw.random(count)).astype(np.float32),
            correct=(draw.random(count) < confidence).astype(np.int8),
        )

    ids = Texts(np.frombuffer(b"request-00000000" * count, np.uint8), np.arange(16, 16 * count + 1, 16))
    return Columns(
        ids=ids,
        request_ids=ids,
        at=np.arange(count, dtype=np.int64) * 1_000,
        names=("small", "large"),
        models={"small": model(0.001), "large": model(0.01)},
        attributes={
            "topic": named(TOPICS),
            "tier": named(TIERS),
            "language": named(LANGUAGES),
            "country": named(COUNTRIES),
            "amount": Numeric(draw.random(count) * 12_000),
            "age_days": Coded(draw.integers(1, 401, count).astype(np.uint16), (None, *range(400))),
        },
        signals={},
        source=Coded(np.zeros(count, np.uint8), (None,)),
        recorded=np.zeros(count, np.uint8),
        audited=np.zeros(count, np.bool_),
        stratum=np.zeros(count, np.uint16),
        strata=(Stratum(CENSUS, 1.0),),
    )


def _ladders() -> None:
    """Print the recommended ladders of both public benchmarks beside the published ones at equal error."""
    from tests.unit.routing.replay.ladder_table import ladder_table

    for benchmark in ("mmlu", "medmcqa"):
        table = ladder_table(benchmark)
        if not table:
            print("\nrecommended ladders: left out, the real logs are not beside the repository")
            return
        kept = sum(line.ours <= line.theirs for line in table)
        print(
            f"\n{benchmark}: fitted on earlier rows, judged on later ones, at equal error; {kept} of {len(table)} kept"
        )
        print(f"{'level':>7}{'error':>7}{'ours $/M':>10}{'theirs':>9}  ladder")
        for line in table:
            print(f"{line.level:>7.3f}{line.error:>7.3f}{line.ours:>10.1f}{line.theirs:>9.1f}  {line.ladder}")
