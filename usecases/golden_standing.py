"""How the golden sets of a use case stand: with a document now, or as it was frozen into a change."""

from collections.abc import Mapping, Sequence
from typing import Any

from routing.engine.digest import digest
from usecases import golden
from usecases.golden_gates import ANEW, RENEW, Standing
from usecases.models import GoldenSet, UseCase
from usecases.strictest import sets_of


def score_of(row: GoldenSet, document: Mapping[str, Any]) -> golden.Score:
    """Return how a document does on a golden set."""
    return golden.score(document, row.cases, row.pins, row.recorded_models)


def now(use_case: UseCase, bounds: Mapping[str, Any], document: Mapping[str, Any]) -> list[Standing]:
    """Return how the sets that guardrails ask for stand with a document."""
    return [Standing(row.name, score_of(row, document)) for row in _asked(use_case, bounds)]


def freeze(use_case: UseCase, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how every golden set of a use case stands with a document, to be frozen into a change."""
    rows = GoldenSet.objects.filter(use_case=use_case)
    return [{"name": row.name, "digest": row.digest, **score_of(row, document).as_dict()} for row in rows]


def frozen(
    use_case: UseCase, bounds: Mapping[str, Any], document: Mapping[str, Any], evidence: Mapping[str, Any]
) -> list[Standing]:
    """Return how the sets that are asked for stood when evidence was taken, where it is about this very content."""
    held = {one["name"]: one for one in evidence.get("golden") or []}
    rows = _asked(use_case, bounds)
    same = bool(rows) and evidence.get("document") == digest(document)
    return [_frozen(row, held.get(row.name), same) for row in rows]


def _frozen(row: GoldenSet, held: Mapping[str, Any] | None, same: bool) -> Standing:
    if held is None:
        return Standing(row.name, None, "it was not scored when the evidence was taken.", RENEW)
    if not same:
        return Standing(row.name, None, "it was scored on other content.", RENEW)
    if held["digest"] != row.digest:
        return Standing(row.name, None, "the set has other cases since it was scored.", RENEW)
    return Standing(row.name, golden.Score.of(held), clear=ANEW)


def _asked(use_case: UseCase, bounds: Mapping[str, Any]) -> Sequence[GoldenSet]:
    names = [one["name"] for one in sets_of(bounds)]
    return list(GoldenSet.objects.filter(use_case=use_case, name__in=names)) if names else []
