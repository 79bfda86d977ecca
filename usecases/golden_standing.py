"""How the golden sets of a use case stand: with a document now, or as it was frozen into a change."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from routing.engine.digest import digest
from usecases import golden
from usecases.golden_gates import ANEW, RENEW, Standing
from usecases.models import GoldenSet, UseCase
from usecases.strictest import sets_of

_SCORES: dict[tuple[str, str], golden.Score] = {}
_KEPT: Final = 256
_LOCK: Final = Lock()


def score_of(row: GoldenSet, document: Mapping[str, Any]) -> golden.Score:
    """Return how a document does on a golden set; the same content is scored once.

    A page asks for it anew with every edit, an action while it holds a lock: 2,000 cases take over a tenth of a second.
    """
    content = sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    found = _SCORES.get((row.digest, content))
    if found is None:
        found = golden.score(document, row.cases, row.pins, row.recorded_models)
        with _LOCK:
            while len(_SCORES) >= _KEPT:
                del _SCORES[next(iter(_SCORES))]
            _SCORES[row.digest, content] = found
    return found


def now(rows: Iterable[GoldenSet], document: Mapping[str, Any]) -> list[Standing]:
    """Return how golden sets stand with a document."""
    return [Standing(row.name, score_of(row, document)) for row in rows]


def freeze(use_case: UseCase, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how every golden set of a use case stands with a document, to be frozen into a change."""
    rows = GoldenSet.objects.filter(use_case=use_case)
    return [{"name": row.name, "digest": row.digest, **score_of(row, document).as_dict()} for row in rows]


def frozen(
    rows: Sequence[GoldenSet], document: Mapping[str, Any], evidence: Mapping[str, Any]
) -> list[Standing]:
    """Return how golden sets stood when evidence was taken, where it is about this very content."""
    held = {one["name"]: one for one in evidence.get("golden") or []}
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


def asked(bounds: Mapping[int, Mapping[str, Any]], *, whole: bool = True) -> dict[int, list[GoldenSet]]:
    """Return the golden sets that guardrails ask for, by use case, read at once. `whole`: with their cases."""
    found: dict[int, list[GoldenSet]] = {pk: [] for pk in bounds}
    names = {pk: {one["name"] for one in sets_of(held)} for pk, held in bounds.items()}
    wanted = {pk for pk in names if names[pk]}
    rows = GoldenSet.objects.filter(use_case__in=wanted, name__in=set().union(*names.values()))
    for row in (rows if whole else rows.defer("cases")) if wanted else ():
        if row.name in names[row.use_case_id]:
            found[row.use_case_id].append(row)
    return found
