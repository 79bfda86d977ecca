"""Every check of a change against the guardrails, reported together. Pure: documents in, gates out."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from routing.engine import calibration, knobs
from routing.engine.schema import Calibration
from usecases.gate import Document, Gate, entries
from usecases.model_gates import model_gates

__all__ = ["ANSWER_FROM", "MISSING", "Document", "Gate", "answers_from", "entries", "gates", "reached"]

ANSWER_FROM: Final = "bands.answer.from"
MISSING: Final = "confidence.missing"
_SHARES = (
    "thresholds.audit_share",
    "thresholds.holdout_share",
)  # absent is none of the requests, not unguarded


def gates(guardrails: dict[str, Any], live: Document | None, draft: Document) -> list[Gate]:
    """Return every gate for making `draft` live in place of `live` (None for a new use case)."""
    found = [
        Gate("lanes", "shut", f"The shared lane “{slug}” is gone. Risk has to choose another, or none.")
        for slug in guardrails.get("gone") or []
    ]
    found.extend(_knob_gates(guardrails.get("knobs") or {}, live, draft))
    found.extend(model_gates(guardrails, live, draft))
    found.extend(_missing_gates((guardrails.get("knobs") or {}).get(ANSWER_FROM), live, draft))
    found.extend(_map_gates((guardrails.get("knobs") or {}).get(ANSWER_FROM), live, draft))
    return found


def reached(path: str, document: Document) -> float | None:
    """Return what a document really allows at a guarded knob; None where the check is off or absent.

    “Answer from” is the lowest confidence at which anything is answered without a person, by any band or rule: else a
    renamed band or a rule would walk around the limit.
    """
    if path != ANSWER_FROM:
        value = None if _switched_off(path, document) else knobs.value_at(document, path)
        return 0.0 if value is None and path in _SHARES else value
    floors = [band.get("from") for band in entries(document, "bands") if band.get("action") == "answer"]
    for rule in entries(document, "rules"):
        then = rule.get("then")
        if isinstance(then, dict) and rule.get("enabled", True):
            floors.append(0.0 if then.get("action") == "answer" else then.get("answer_from"))
    numbers = [float(f) for f in floors if isinstance(f, int | float) and not isinstance(f, bool)]
    return min(numbers) if numbers else None


def _switched_off(path: str, document: Document) -> bool:
    """Tell whether a path is of a rule that is there, and does nothing."""
    if not path.startswith("rules."):
        return False
    return any(
        path == f"rules.{rule.get('id')}.answer_from" and rule.get("enabled") is False
        for rule in entries(document, "rules")
    )


def _knob_gates(bounds: dict[str, Any], live: Document | None, draft: Document) -> Iterator[Gate]:
    for path, bound in bounds.items():
        new, old = reached(path, draft), reached(path, live) if live else None
        yield _judge(path, bound, old, new, live is not None)


def _judge(path: str, bound: dict[str, Any], old: float | None, new: float | None, has_live: bool) -> Gate:
    if new is None:
        return _judge_off(path, bound, old)
    said = f"{knobs.label(path)} {knobs.written(path, new)}"
    limit, lane = bound.get("limit"), bound.get("lane")
    if limit and not limit[0] <= new <= limit[1]:
        return Gate(path, "shut", f"{said} is outside the limit: {_range(path, limit)}.{_reason(bound)}")
    if lane and not lane[0] <= new <= lane[1] and has_live and new != old and _loosens(path, old, new):
        words = f"{said} is past what may be set without approval: {_range(path, lane)}.{_reason(bound)}"
        return Gate(path, "lane", words)
    return Gate(path, "open", f"{said} is inside the guardrails.")


def _judge_off(path: str, bound: dict[str, Any], old: float | None) -> Gate:
    """Judge a check that is off, or a band, rule or rung that is gone or is called otherwise. Taking away what risk has
    bounded is past every bound of it; but where nothing is answered any more, nothing is left to bound.
    """
    label, limit, lane = knobs.label(path), bound.get("limit"), bound.get("lane")
    off = "is off" if path.startswith("thresholds.") else "is gone"
    if old is not None and path != ANSWER_FROM and limit:
        words = f"{label} {off}. It has to stay between {_range(path, limit)}.{_reason(bound)}"
        return Gate(path, "shut", words)
    if old is not None and path != ANSWER_FROM and lane:
        words = f"{label} {off}. Without approval it may be set between {_range(path, lane)}.{_reason(bound)}"
        return Gate(path, "lane", words)
    return Gate(path, "open", f"{label}: not in use.")


def _reason(bound: dict[str, Any]) -> str:
    return f" {bound['reason']}" if bound.get("reason") else ""


def _loosens(path: str, old: float | None, new: float) -> bool:
    return old is None or knobs.loosens(path, old, new)


def _range(path: str, pair: list[float]) -> str:
    if pair[0] > pair[1]:
        return "no value at all: the lanes that hold here have none in common"
    return f"{knobs.written(path, pair[0])} to {knobs.written(path, pair[1])}"


def _missing_gates(bound: dict[str, Any] | None, live: Document | None, draft: Document) -> Iterator[Gate]:
    """Judge what counts where a model tells no confidence: set high enough, all of that would be answered."""
    if bound and live and _answers_unsure(draft) and not _answers_unsure(live):
        words = f"Where a model tells no confidence, its answer would be sent.{_reason(bound)}"
        yield Gate(MISSING, "lane", words)


def _answers_unsure(document: Document) -> bool:
    edge, held = reached(ANSWER_FROM, document), document.get("confidence")
    counts = held.get("missing", 0.0) if isinstance(held, dict) else 0.0
    return edge is not None and isinstance(counts, int | float) and counts >= edge


def _map_gates(bound: dict[str, Any] | None, live: Document | None, draft: Document) -> Iterator[Gate]:
    """Judge calibration maps where risk has bounded from where is answered: a map that lifts confidence answers more,
    while the bands stay where they are.
    """
    known = {model.get("name"): model for model in entries(live or {}, "models")}
    for index, model in enumerate(entries(draft, "models") if bound and live else []):
        was = known.get(model.get("name"), {}).get("calibration")
        if model.get("calibration") == was or not bound or not live:
            continue
        old, new = answers_from(live, was), answers_from(draft, model.get("calibration"))
        lane = bound.get("lane")
        if new is None or (old is not None and new >= old) or (lane and lane[0] <= new <= lane[1]):
            continue
        before = "nothing at all" if old is None else f"from {knobs.written(ANSWER_FROM, old)}"
        words = (
            f"By its calibration map “{model.get('name')}” would answer from a reported confidence of "
            f"{knobs.written(ANSWER_FROM, round(new, 4))}, now {before}.{_reason(bound)}"
        )
        yield Gate(f"models[{index}].calibration", "lane", words)


def answers_from(document: Document, part: Any) -> float | None:
    """Return the lowest reported confidence that is answered without a person; None where none is."""
    edge = reached(ANSWER_FROM, document)
    if edge is None or part is None:
        return edge
    try:
        line = Calibration.model_validate(part)
    except ValidationError:
        # A map with faults is refused as such.
        return None
    return calibration.reached_from(line, edge)
