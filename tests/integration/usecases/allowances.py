"""What may go live, worked out from the rows alone: nothing of the product's own judgement is asked."""

import json
from dataclasses import dataclass
from typing import Any

from usecases.models import Guardrail, Lane, UseCase

KNOB = "bands.answer.from"
PLAIN = {"approvals": 1, "approvals_to_restore": 0, "approvers": {"groups": [], "people": []}}
# What may happen between a change's approval and its going live.
BETWEEN = ("limits", "lane", "approvers", "unnamed", "loans", "leaves", "more", "renamed", "evidence")


def edge(document: dict[str, Any]) -> float:
    return float(document["bands"][0]["from"])


def text(*parts: Any) -> str:
    return json.dumps(parts, sort_keys=True)


@dataclass(frozen=True)
class Bounds:
    """What holds for a use case by its own word and that of the lanes it names: of each the strictest."""

    lane: float
    limit: float
    approvals: int
    to_restore: int
    named: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, use_case: UseCase) -> "Bounds":
        own = Guardrail.objects.get(use_case=use_case)
        parts: list[Guardrail | Lane] = [own, *Lane.objects.filter(slug__in=own.lanes)]
        knobs = [part.knobs[KNOB] for part in parts if KNOB in part.knobs]
        people = [tuple(part.terms.get("approvers", {}).get("people", [])) for part in parts]
        return cls(
            lane=max(knob["lane"][0] for knob in knobs),
            limit=max(knob["limit"][0] for knob in knobs),
            approvals=max(own.terms.get("approvals", 1), *(p.terms.get("approvals", 0) for p in parts)),
            to_restore=max(part.terms.get("approvals_to_restore", 0) for part in parts),
            named=tuple(names for names in people if names),
        )


@dataclass
class Past:
    """What the machine remembers of one use case."""

    judged: int
    before_override: dict[str, Any] | None = None
    granted: int = 0
