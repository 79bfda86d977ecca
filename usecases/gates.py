"""Every check of a change against the guardrails, reported together. Pure: documents in, gates out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing.engine import knobs

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gate:
    """One check. `status`: open (passes), lane (needs an approval), shut (refused for everyone)."""

    path: str
    status: str
    message: str

    @property
    def passes(self) -> bool:
        return self.status == "open"


def gates(guardrails: dict[str, Any], live: Document | None, draft: Document) -> list[Gate]:
    """Return every gate for making `draft` live in place of `live` (None for a new use case)."""
    found = list(_knob_gates(guardrails.get("knobs") or {}, live, draft))
    found.extend(_model_gates(guardrails.get("models") or [], draft))
    return found


def reached(path: str, document: Document) -> float | None:
    """Return what a document really allows at a guarded knob; None where the check is off or absent.

    “Answer from” is the lowest confidence at which anything is answered without a person, by any band or rule: else a
    renamed band or a rule would walk around the limit.
    """
    if path != "bands.answer.from":
        value = knobs.value_at(document, path)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    floors = [band["from"] for band in document["bands"] if band.get("action") == "answer"]
    for rule in document.get("rules", []):
        then = rule.get("then", {})
        if rule.get("enabled", True) and then.get("action") == "answer":
            floors.append(0.0)
        elif rule.get("enabled", True) and then.get("answer_from") is not None:
            floors.append(then["answer_from"])
    return float(min(floors)) if floors else None


def _knob_gates(bounds: dict[str, Any], live: Document | None, draft: Document) -> Iterator[Gate]:
    for path, bound in bounds.items():
        new, old = reached(path, draft), reached(path, live) if live else None
        yield _judge(path, bound, old, new, live is not None)


def _judge(path: str, bound: dict[str, Any], old: float | None, new: float | None, has_live: bool) -> Gate:
    label = knobs.label(path)
    reason = f" {bound['reason']}" if bound.get("reason") else ""
    if new is None:
        off = path.startswith("thresholds.") and bound.get("limit") is not None
        words = f"{label} is off. It has to stay between {_range(bound['limit'])}.{reason}" if off else f"{label}: not in use."
        return Gate(path, "shut" if off and old is not None else "open", words)
    limit, lane = bound.get("limit"), bound.get("lane")
    if limit and not limit[0] <= new <= limit[1]:
        return Gate(path, "shut", f"{label} {new:g} is outside the limit: {_range(limit)}.{reason}")
    if lane and not lane[0] <= new <= lane[1] and has_live and new != old and _loosens(path, old, new):
        return Gate(
            path, "lane", f"{label} {new:g} is past what may be set without approval: {_range(lane)}.{reason}"
        )
    return Gate(path, "open", f"{label} {new:g} is inside the guardrails.")


def _loosens(path: str, old: float | None, new: float) -> bool:
    return old is None or knobs.loosens(path, old, new)


def _range(pair: list[float]) -> str:
    return f"{pair[0]:g} to {pair[1]:g}"


def _model_gates(approved: list[str], draft: Document) -> Iterator[Gate]:
    for index, model in enumerate(draft.get("models", [])):
        name = model.get("litellm")
        if approved and name not in approved:
            words = f"The model “{name}” is not approved here. Approved: {', '.join(approved)}."
            yield Gate(f"models[{index}].litellm", "shut", words)
