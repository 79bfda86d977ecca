"""Random valid documents, requests and signals, small enough to meet each other often."""

from typing import Any

from hypothesis import strategies as st

ATTRIBUTES = ["topic", "tier", "amount", "vip", "language"]
TEXTS = ["a", "b", "legal threat", "über", ""]
NUMBERS = [-1, 0, 1, 2.5, 10_000]
SHARES = [0.0, 0.05, 0.3, 0.6, 0.85, 1.0]
PATTERNS = ["a", "^legal", "b$", "über|a", "[a-c]+"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
scalars = st.sampled_from([*TEXTS, *NUMBERS, True, False])
confidences = st.sampled_from([*SHARES, 0.2999999, 0.7]) | st.floats(0, 1)


def _values(op: str) -> st.SearchStrategy[Any]:
    if op in ("eq", "ne"):
        return scalars
    if op in ("in", "not_in"):
        return st.lists(scalars, min_size=1, max_size=4)
    if op in ("lt", "lte", "gt", "gte"):
        return st.sampled_from(NUMBERS)
    if op == "between":
        return st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)).map(sorted)
    if op in ("contains", "starts_with"):
        return st.sampled_from([text for text in TEXTS if text])
    return st.sampled_from(PATTERNS) if op == "matches" else st.sampled_from([None, True, False])


OPERATORS = [
    *("eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte"),
    *("between", "contains", "starts_with", "matches", "is_set"),
]
comparisons = st.sampled_from(OPERATORS).flatmap(
    lambda op: st.fixed_dictionaries(
        {"attribute": st.sampled_from(ATTRIBUTES), "op": st.just(op), "value": _values(op)}
    )
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=5,
)


@st.composite
def bands(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Bands from 0 up, the answering ones on top, in any order."""
    edges = sorted(draw(st.sets(st.sampled_from(SHARES[1:]), max_size=3)))
    actions = sorted(
        draw(
            st.lists(
                st.sampled_from(["review", "escalate", "answer"]),
                min_size=1 + len(edges),
                max_size=1 + len(edges),
            )
        ),
        key=lambda action: action == "answer",
    )
    queue = st.sampled_from([None, "desk", "senior"])
    made = [
        {"name": f"band-{edge}", "from": edge, "action": action, "queue": draw(queue)}
        for edge, action in zip([0.0, *edges], actions, strict=True)
    ]
    return draw(st.permutations(made))


@st.composite
def maps(draw: st.DrawFn) -> dict[str, list[float]]:
    """A calibration map: a line that never falls, sometimes with points a hair apart."""
    reported = sorted(draw(st.sets(confidences, min_size=2, max_size=6)))
    count = len(reported)
    calibrated = sorted(draw(st.lists(confidences, min_size=count, max_size=count)))
    return {"reported": reported, "calibrated": calibrated}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A valid document with up to four rules."""
    made = draw(bands())
    answers = any(band["action"] == "answer" for band in made)
    outcomes: dict[str, st.SearchStrategy[Any]] = {
        "action": st.sampled_from(["answer", "review", "escalate"]),
        "queue": st.sampled_from(["desk", "senior"]),
        "start": st.sampled_from(["small", "large"]),
    }
    if answers:
        outcomes["answer_from"] = confidences
    then = st.fixed_dictionaries({}, optional=outcomes).filter(bool)
    share = st.sampled_from(SHARES)
    limits = ("sensitivity", "retrieval_score", "daily_budget_usd")
    rules = draw(st.lists(st.tuples(conditions, then, st.booleans()), max_size=4))
    return {
        "schema": 1,
        "models": [
            {"name": name, "litellm": f"openai/{name}", "calibration": draw(st.none() | st.none() | maps())}
            for name in ("small", "large")
        ],
        "bands": made,
        "ladder": [{"model": "small", "accept_from": draw(share)}, {"model": "large", "accept_from": 0.0}],
        "thresholds": {key: draw(st.none() | share) for key in limits}
        | {key: draw(share) for key in ("audit_share", "holdout_share")},
        "rules": [
            {"id": f"r{i}", "name": f"Rule {i}", "enabled": enabled, "when": when, "then": then}
            for i, (when, then, enabled) in enumerate(rules)
        ],
        "queues": [
            {"name": "desk", "sla_minutes": 30, "capacity_per_hour": 40, "on_breach": "senior"},
            {"name": "senior", "sla_minutes": 60, "capacity_per_hour": 10},
        ],
    }


contexts = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(ATTRIBUTES, scalars | json_values)
    | {"request_id": st.text(max_size=6) | st.integers()},
)
signals = st.fixed_dictionaries(
    {},
    optional={
        "confidence": confidences | json_values,
        "model": st.sampled_from(["small", "large"]) | json_values,
        "error": st.sampled_from([None, "", "timeout"]),
    }
    | dict.fromkeys(("sensitivity", "retrieval_score", "spent_today_usd"), confidences | json_values),
)
states = st.sampled_from(["live", "live", "review_all", "baseline"])
