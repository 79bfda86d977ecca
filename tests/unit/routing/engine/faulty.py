"""One fault each: what is changed in the claims document, where the fault is, and words of its sentence."""

from typing import Any

from tests.unit.routing.engine.loading import document

CLAIMS = document("claims")


def rule(**parts: Any) -> dict[str, Any]:
    """A rule that is right but for what a test changes."""
    when = {"attribute": "topic", "op": "eq", "value": "x"}
    return {"id": "r", "name": "R", "when": when, "then": {"action": "review"}} | parts


def comparing(op: Any, *value: Any) -> dict[str, Any]:
    return {"rules": [rule(when={"attribute": "x", "op": op, **({"value": value[0]} if value else {})})]}


def bands(*edges: tuple[str, Any, str]) -> dict[str, Any]:
    return {"bands": [{"name": name, "from": edge, "action": action} for name, edge, action in edges]}


def queues(*pairs: tuple[str, str | None]) -> dict[str, Any]:
    base = {"sla_minutes": 5, "capacity_per_hour": 5}
    return {"queues": [{"name": name, "on_breach": after, **base} for name, after in pairs]}


def deep(levels: int) -> dict[str, Any]:
    when: dict[str, Any] = {"attribute": "x", "op": "is_set"}
    for _ in range(levels):
        when = {"not": when}
    return when


REST = [("review", 0.6, "review"), ("escalate", 0.0, "escalate")]
MODEL = {"name": "m", "litellm": "openai/m"}


def mapped(reported: Any, calibrated: Any) -> dict[str, Any]:
    line = {"reported": reported, "calibrated": calibrated}
    return {"models": [{**CLAIMS["models"][0], "calibration": line}, CLAIMS["models"][1]]}


REPORTED, CALIBRATED = "models[0].calibration.reported", "models[0].calibration.calibrated"
FAULTY: list[tuple[str, dict[str, Any], str, str]] = [
    ("another schema", {"schema": 2}, "schema", "must be “1”, not 2"),
    ("an unknown part", {"band": []}, "band", "Did you mean “bands”"),
    ("an unknown threshold", {"thresholds": {"audit": 1}}, "thresholds.audit", "Did you mean “audit_share”"),
    ("a part of another kind", {"rules": {}}, "rules", "must be a list, not a group of settings"),
    ("a map of one point", mapped([0.5], [0.5]), REPORTED, "at least 2 entries are needed, not 1"),
    ("a map of 51 points", mapped([i / 50 for i in range(51)], [0.5] * 51), REPORTED, "at most 50 entries"),
    (
        "a map with a point missing",
        mapped([0.1, 0.5, 0.9], [0.1, 0.5]),
        CALIBRATED,
        "3 reported confidences and 2",
    ),
    (
        "a map that stands still",
        mapped([0.1, 0.5, 0.5], [0.1, 0.2, 0.3]),
        f"{REPORTED}[2]",
        "must be above the one",
    ),
    (
        "a map that falls",
        mapped([0.1, 0.5, 0.9], [0.1, 0.6, 0.5]),
        f"{CALIBRATED}[2]",
        "must not be below the one",
    ),
    ("a map past one", mapped([0.1, 1.5], [0.1, 0.6]), f"{REPORTED}[1]", "must be at most 1"),
    ("a map with a text", mapped([0.1, 0.5], [0.1, "a"]), f"{CALIBRATED}[1]", "must be a number"),
    ("a map with NaN", mapped([0.1, 0.5], [0.1, float("nan")]), f"{CALIBRATED}[1]", "ordinary number"),
    (
        "a map that is a list",
        {"models": [MODEL | {"calibration": []}]},
        "models[0].calibration",
        "a group of settings",
    ),
    ("no band", {"bands": []}, "bands", "must not be empty"),
    (
        "an edge above one",
        bands(("answer", 1.2, "answer"), *REST),
        "bands[0].from",
        "must be at most 1, not 1.20",
    ),
    (
        "an edge below zero",
        bands(("answer", 0.9, "answer"), ("e", -1, "escalate")),
        "bands[1].from",
        "at least 0",
    ),
    (
        "an edge as text",
        bands(("answer", "0.9", "answer"), *REST),
        "bands[0].from",
        "must be a number, not “0.9”",
    ),
    ("an edge that is true", bands(("answer", True, "answer"), *REST), "bands[0].from", "must be a number"),
    (
        "no band at zero",
        bands(("answer", 0.9, "answer"), ("review", 0.6, "review")),
        "bands[1].from",
        "below 0.60",
    ),
    (
        "two bands at one edge",
        bands(("a", 0.0, "review"), ("b", 0.0, "review")),
        "bands[1].from",
        "“a” starts at",
    ),
    (
        "two bands of one name",
        bands(("a", 0.5, "review"), ("a", 0.0, "review")),
        "bands[1].name",
        "already a band",
    ),
    (
        "an answer below a review",
        bands(("r", 0.5, "review"), ("a", 0.0, "answer")),
        "bands[1].action",
        "on top",
    ),
    ("an unknown action", bands(("a", 0.0, "send")), "bands[0].action", "“answer”, “review” or “escalate”"),
    ("a name with a space at its end", bands(("a ", 0.0, "review")), "bands[0].name", "one line"),
    ("a name that is empty", bands(("", 0.0, "review")), "bands[0].name", "must not be empty"),
    ("an unknown queue of a band", {"queues": []}, "bands[1].queue", "Add it to the queues first"),
    (
        "an unknown queue of a rule",
        {"rules": [rule(then={"queue": "x"})]},
        "rules[0].then.queue",
        "Choose “claims-desk”",
    ),
    ("an unknown queue to follow", queues(("claims-desk", "x")), "queues[0].on_breach", "no queue “x”"),
    ("a queue that follows itself", queues(("a", "a")), "queues[0].on_breach", "“a” → “a”"),
    (
        "queues in a circle",
        queues(("a", "b"), ("b", "c"), ("c", "b")),
        "queues[1].on_breach",
        "“b” → “c” → “b”",
    ),
    ("two queues of one name", queues(("a", None), ("a", None)), "queues[1].name", "already a queue"),
    (
        "a negative capacity",
        {"queues": [{"name": "q", "sla_minutes": 1, "capacity_per_hour": -1}]},
        "queues[0].capacity_per_hour",
        "at least 0",
    ),
    ("two models of one name", {"models": [MODEL, MODEL]}, "models[1].name", "already a model"),
    ("a model without a provider", {"models": [{"name": "m"}]}, "models[0].litellm", "is missing"),
    (
        "a model that waits for nothing",
        {"models": [MODEL | {"timeout_s": 0}]},
        "models[0].timeout_s",
        "more than 0",
    ),
    (
        "an address of another kind",
        {"models": [MODEL | {"api_base": "file:///x"}]},
        "models[0].api_base",
        "http://",
    ),
    (
        "an unknown model on the ladder",
        {"ladder": [{"model": "x", "accept_from": 0}]},
        "ladder[0].model",
        "no model “x”",
    ),
    (
        "a model twice on the ladder",
        {"ladder": [{"model": "small", "accept_from": 0}] * 2},
        "ladder[1].model",
        "already",
    ),
    (
        "a rung above one",
        {"ladder": [{"model": "small", "accept_from": 2}]},
        "ladder[0].accept_from",
        "at most 1",
    ),
    (
        "a start off the ladder",
        {"rules": [rule(then={"start": "x"})]},
        "rules[0].then.start",
        "not on the ladder",
    ),
    ("two rules of one id", {"rules": [rule(), rule()]}, "rules[1].id", "already a rule “r”"),
    (
        "a rule that changes nothing",
        {"rules": [rule(then={"queue": None})]},
        "rules[0].then",
        "changes nothing",
    ),
    (
        "a rule without a condition",
        {"rules": [{"id": "r", "name": "R", "then": {"action": "review"}}]},
        "rules[0].when",
        "is missing",
    ),
    (
        "a threshold of a rule above one",
        {"rules": [rule(then={"answer_from": 1.1})]},
        "rules[0].then.answer_from",
        "at most",
    ),
    (
        "a threshold of a rule where nothing answers",
        {**bands(("e", 0, "escalate")), "rules": [rule(then={"answer_from": 1})]},
        "rules[0].then.answer_from",
        "No band answers",
    ),
    (
        "missing confidence in a high band",
        {"confidence": {"missing": 0.6}},
        "confidence.missing",
        "less than 0.60",
    ),
    (
        "an unknown source",
        {"confidence": {"source": "guess"}},
        "confidence.source",
        "“verbalised”, “logprobs” or",
    ),
    ("a share above one", {"thresholds": {"audit_share": 5}}, "thresholds.audit_share", "at most 1, not 5"),
    (
        "negative money",
        {"thresholds": {"cost_per_task_usd": -0.1}},
        "thresholds.cost_per_task_usd",
        "at least 0",
    ),
    ("a negative wait", {"thresholds": {"latency_s": -1}}, "thresholds.latency_s", "at least 0"),
    (
        "an infinite budget",
        {"thresholds": {"daily_budget_usd": float("inf")}},
        "thresholds.daily_budget_usd",
        "ordinary",
    ),
    ("a text that is too long", {"messages": {"review": "x" * 4001}}, "messages.review", "at most 4,000"),
    (
        "a text that is no text",
        {"messages": {"review": 5}},
        "messages.review",
        "customers read must be text, not 5",
    ),
    ("a pin that is no text", {"pins": {"tone": 5}}, "pins.tone", "must be text"),
    ("a lease of no time", {"lease": {"seconds": 0}}, "lease.seconds", "at least 1"),
    ("a lease of part of a second", {"lease": {"seconds": 1.5}}, "lease.seconds", "whole number"),
    ("an unknown end of the lease", {"lease": {"then": "stop"}}, "lease.then", "“hold” or “baseline”"),
    ("an unknown operator", comparing("like", "x"), "rules[0].when.op", "not “like”"),
    ("an operator of another type", comparing(["eq"], "x"), "rules[0].when.op", "not a list"),
    ("eq with nothing", comparing("eq"), "rules[0].when.value", "use “is_set”"),
    ("ne with a list", comparing("ne", ["x"]), "rules[0].when.value", "not a list"),
    ("in without a list", comparing("in", "x"), "rules[0].when.value", "a list of values, not “x”"),
    ("not in with an empty list", comparing("not_in", []), "rules[0].when.value", "at least one value"),
    ("in with a list in the list", comparing("in", [["x"]]), "rules[0].when.value", "not a list"),
    ("less than a text", comparing("lt", "5"), "rules[0].when.value", "Compare with a number, not “5”"),
    ("at most true", comparing("lte", True), "rules[0].when.value", "not true"),
    ("more than nothing", comparing("gt"), "rules[0].when.value", "not nothing"),
    ("between three numbers", comparing("between", [1, 2, 3]), "rules[0].when.value", "two numbers"),
    ("between in the wrong order", comparing("between", [5, 1]), "rules[0].when.value", "1 to 5"),
    ("contains a number", comparing("contains", 5), "rules[0].when.value", "the text to look for, not 5"),
    (
        "starts with an empty text",
        comparing("starts_with", ""),
        "rules[0].when.value",
        "the text to look for",
    ),
    ("a pattern that cannot be read", comparing("matches", "("), "rules[0].when.value", "missing )"),
    (
        "a pattern that looks back",
        comparing("matches", r"(a)\1"),
        "rules[0].when.value",
        "no back-references",
    ),
    ("a pattern that is too long", comparing("matches", "a" * 501), "rules[0].when.value", "at most 500"),
    ("is set with a text", comparing("is_set", "yes"), "rules[0].when.value", "true for “has a value”"),
    (
        "an attribute without a name",
        {"rules": [rule(when={"op": "is_set"})]},
        "rules[0].when.attribute",
        "Name the",
    ),
    (
        "an unknown setting of a condition",
        {"rules": [rule(when={"attribute": "x", "op": "is_set", "not_op": 1})]},
        "rules[0].when.not_op",
        "no setting",
    ),
    (
        "a condition that is text",
        {"rules": [rule(when="topic is x")]},
        "rules[0].when",
        "a group of settings",
    ),
    ("a group without conditions", {"rules": [rule(when={"all": []})]}, "rules[0].when.all", "at least one"),
    ("a group that is no list", {"rules": [rule(when={"any": {}})]}, "rules[0].when.any", "must be a list"),
    (
        "two groups in one",
        {"rules": [rule(when={"any": [deep(0)], "all": []})]},
        "rules[0].when.any",
        "cannot stand beside",
    ),
    (
        "conditions nested too deeply",
        {"rules": [rule(when=deep(9))]},
        "rules[0].when" + ".not" * 8,
        "8 levels",
    ),
    (
        "too many conditions",
        {"rules": [rule(when={"all": [deep(0)] * 201})]},
        "rules[0].when",
        "201 conditions",
    ),
    ("a number too large to keep", comparing("gt", 2**53), "rules[0].when.value", "too large"),
    ("a large number with an exponent", comparing("gt", 1e16), "rules[0].when.value", "too large"),
    ("a character that cannot be stored", {"pins": {"prompt": "a\x00"}}, "pins.prompt", "NUL"),
    ("half a character", {"pins": {"prompt": "\ud800"}}, "pins.prompt", "half a character"),
    (
        "a value that JSON has not",
        {"pins": {"prompt": (1,)}},
        "pins.prompt",
        "not something that JSON can carry",
    ),
]
