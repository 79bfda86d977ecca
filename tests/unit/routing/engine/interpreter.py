"""The order of `decide` again, as plainly as it can be written: what the compiled functions are compared with.

Reads the JSON itself, knows nothing of the engine's modules, and is allowed to be slow.
"""

import hashlib
import math
import re
from itertools import pairwise
from typing import Any

Json = dict[str, Any]
Result = dict[str, Any]


def interpret(document: Json, baseline: Json, state: str, context: Json, signals: Json) -> Result:
    """Return action, band, rule, queue, reason, model, audited, audit_share and holdout."""
    request_id: Any = context.get("request_id")
    drawable = isinstance(request_id, str) and request_id != ""
    if state == "baseline":
        return _judge(baseline, context, {**signals, "confidence": None, "error": None, "model": None}) | {
            "reason": "DISABLED"
        }
    held = document["thresholds"]["holdout_share"]
    if state == "live" and drawable and _share(request_id, "holdout") < held:
        quiet = {**signals, "confidence": None, "error": None, "model": None}
        return _judge(baseline, context, quiet) | {"reason": "SPLIT", "holdout": True}
    if state == "review_all":
        return _judge(_reviewed(document), context, signals)
    return _judge(document, context, signals)


def _reviewed(document: Json) -> Json:
    queues = [band.get("queue") for band in document["bands"] if band["action"] == "review"]
    queues += [queue["name"] for queue in document["queues"]]
    first = next((queue for queue in queues if queue), None)

    def turn(part: Json) -> Json:
        if part.get("action") != "answer":
            return part
        return {**part, "action": "review", "queue": part.get("queue") or first, "turned": True}

    bands = [turn(band) for band in document["bands"]]
    rules = [{**rule, "then": turn(rule["then"])} for rule in document["rules"]]
    return {**document, "bands": bands, "rules": rules}


def _judge(document: Json, context: Json, signals: Json) -> Result:
    rule = next(
        (r for r in document.get("rules", []) if r.get("enabled", True) and holds(r["when"], context)), None
    )
    then = rule["then"] if rule else {}
    model = signals.get("model") if isinstance(signals.get("model"), str) else None
    result = {"rule": rule["id"] if rule else None, "model": model, "band": None, "holdout": False}
    result |= {"audited": False, "audit_share": 0.0}
    if then.get("action") in ("review", "escalate"):
        reason = "DISABLED" if then.get("turned") else "TARGETING_MATCH"
        return result | _person(document, then["action"], then) | {"model": None, "reason": reason}
    if _stopped(document.get("thresholds", {}), signals):
        return result | _person(document, "escalate", then) | {"reason": "TARGETING_MATCH"}
    if signals.get("error"):
        lowest = min(document["bands"], key=lambda band: band["from"])
        found = (
            _of_band(lowest, then) if lowest["action"] != "answer" else _person(document, "escalate", then)
        )
        return result | found | {"model": None, "reason": "ERROR"}
    if then.get("action") == "answer":
        found = {"action": "answer", "queue": None, "reason": "TARGETING_MATCH"}
    else:
        found = _by_confidence(document, then, _calibrated(document, model, signals.get("confidence")))
    return result | found | (_audit(document, context) if found["action"] == "answer" else {})


def _calibrated(document: Json, model: str | None, confidence: Any) -> Any:
    line = next((m.get("calibration") for m in document.get("models", []) if m["name"] == model), None)
    usable = isinstance(confidence, int | float) and not isinstance(confidence, bool) and 0 <= confidence <= 1
    if not line or not usable:
        return confidence
    points = list(zip(line["reported"], line["calibrated"], strict=True))
    if confidence <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= confidence < x1:
            return min(y1, y0 + (y1 - y0) * ((confidence - x0) / (x1 - x0)))
    return points[-1][1]


def _by_confidence(document: Json, then: Json, confidence: Any) -> Result:
    bands = sorted(document["bands"], key=lambda band: band["from"], reverse=True)
    answering = [band for band in bands if band["action"] == "answer"]
    others = [band for band in bands if band["action"] != "answer"]
    usable = isinstance(confidence, int | float) and not isinstance(confidence, bool) and 0 <= confidence <= 1
    moved = then.get("answer_from")
    if not usable:
        if others:
            return _of_band(others[-1], then) | {
                "reason": "DISABLED" if others[-1].get("turned") else "DEFAULT"
            }
        if moved:
            return _person(document, "escalate", then) | {"reason": "DEFAULT"}
        at_zero = (
            answering[-1] if moved is None else next(b for b in [*answering, answering[-1]] if b["from"] <= 0)
        )
        return _of_band(at_zero, then) | {"reason": "DEFAULT"}
    reason = "DEFAULT" if moved is None else "TARGETING_MATCH"
    if moved is None or not answering:
        band = next(band for band in bands if band["from"] <= confidence)
    elif confidence >= moved:
        band = next((band for band in answering if band["from"] <= confidence), answering[-1])
    else:
        below = [band for band in others if band["from"] <= confidence]
        if not below:
            return _person(document, "escalate", then) | {"reason": reason}
        band = below[0]
    return _of_band(band, then) | {"reason": "DISABLED" if band.get("turned") else reason}


def _of_band(band: Json, then: Json) -> Result:
    queue = None if band["action"] == "answer" else then.get("queue") or band.get("queue")
    return {"action": band["action"], "band": band["name"], "queue": queue}


def _person(document: Json, action: str, then: Json) -> Result:
    reviewing = [band.get("queue") for band in document["bands"] if band["action"] == "review"]
    lowest_first = sorted(document["bands"], key=lambda band: band["from"])
    escalating = [band.get("queue") for band in lowest_first if band["action"] == "escalate"]
    wanted = [*reviewing, *escalating] if action == "review" else [*escalating, *reviewing]
    queue = then.get("queue") or next((queue for queue in wanted if queue), None)
    return {"action": action, "band": None, "queue": queue}


def _stopped(limits: Json, signals: Json) -> bool:
    def crossed(signal: str, limit: Any, inside: Any) -> bool:
        if limit is None or signal not in signals:
            return False
        value = signals[signal]
        readable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return not (readable and inside(value, limit))

    return (
        crossed("sensitivity", limits.get("sensitivity"), lambda value, limit: value <= limit)
        or crossed("retrieval_score", limits.get("retrieval_score"), lambda value, limit: value >= limit)
        or crossed("spent_today_usd", limits.get("daily_budget_usd"), lambda value, limit: value < limit)
    )


def _audit(document: Json, context: Json) -> Result:
    share = document.get("thresholds", {}).get("audit_share") or 0.0
    request_id = context.get("request_id")
    if not share or not isinstance(request_id, str) or not request_id:
        return {}
    return {"audited": _share(request_id, "audit") < share, "audit_share": share}


def _share(request_id: str, salt: str) -> float:
    place = hashlib.sha256(f"{salt}:{request_id}".encode("utf-8", "surrogatepass")).hexdigest()
    return int(place[:16], 16) / 2**64


def holds(when: Json, context: Json) -> bool:
    """Evaluate one condition."""
    if "all" in when:
        return all(holds(part, context) for part in when["all"])
    if "any" in when:
        return any(holds(part, context) for part in when["any"])
    if "not" in when:
        return not holds(when["not"], context)
    value: Any = context.get(when["attribute"])
    wanted: Any = when.get("value")
    op = when["op"]
    if op == "is_set":
        return (value is not None) is (wanted is not False)
    if op in ("eq", "ne", "in", "not_in"):
        listed = wanted if isinstance(wanted, list) else [wanted]
        alike = [one for one in listed if _type(one) == _type(value)]
        if op in ("eq", "in"):
            return any(one == value for one in alike)
        return bool(alike) and value == value and all(one != value for one in alike)
    if op in ("contains", "starts_with", "matches"):
        return isinstance(value, str) and _in_text(op, wanted, value)
    return _type(value) == "number" and _compared(op, value, wanted)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else f"other {type(value)}"


def _in_text(op: str, wanted: str, value: str) -> bool:
    if op == "matches":
        return re.search(wanted.replace("$", r"\Z"), value) is not None
    return wanted in value if op == "contains" else value.startswith(wanted)


def _compared(op: str, value: Any, wanted: Any) -> bool:
    if op == "between":
        return bool(wanted[0] <= value <= wanted[1])
    return bool(
        {"lt": value < wanted, "lte": value <= wanted, "gt": value > wanted, "gte": value >= wanted}[op]
    )
