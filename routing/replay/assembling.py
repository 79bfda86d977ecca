"""Columns from arrays: which label counts, decided for all rows at once.

Whoever reads a log in bulk comes here with arrays (`building` does so with records, block by block). The rules of what
a label is worth stand here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from routing.replay.columns import (
    ANSWERED,
    AUDIT,
    CENSUS,
    DESK,
    NO_LABEL,
    UNKNOWN,
    Attribute,
    Coded,
    Columns,
    Floats,
    Mask,
    ModelColumn,
    Stratum,
    Texts,
)


@dataclass(frozen=True, eq=False)
class Parts:
    """A log as arrays, one entry a decision.

    `models` may carry each model's own verdict; `recorded` is 1 + the place in `models` of the one that stood, 0 for
    none. `answered` and `by_people` tell what was done, `held_out` whether the baseline did it. `outcome` is people's
    verdict on the standing answer: 1, 0 or UNKNOWN. Without `ids` the request ids serve.
    """

    request_ids: Texts
    at: NDArray[np.int64]
    models: Mapping[str, ModelColumn]
    recorded: NDArray[np.uint8]
    attributes: Mapping[str, Attribute]
    signals: Mapping[str, Floats]
    source: Coded
    answered: Mask
    by_people: Mask
    held_out: Mask
    audited: Mask
    audit_share: Floats
    outcome: NDArray[np.int8]
    ids: Texts | None = None
    closed: bool = False


def assembled(parts: Parts) -> Columns:
    """Return a log as columns.

    1. A row is of the census where every model that answered has a verdict: nothing about it was selected.
    2. Otherwise its only label is people's verdict on the standing answer; verdicts on single models are left out,
       since nobody knows why those have one.
    3. That verdict counts where people saw every such row, or where the answer was drawn at random. Of an answer that
       nobody drew it came because somebody complained.
    """
    census = _census(parts)
    audit = parts.answered & ~parts.held_out & (parts.audit_share > 0) & (parts.audit_share <= 1) & ~census
    desk = parts.by_people & ~census
    label = np.where(desk | (audit & parts.audited), parts.outcome, UNKNOWN).astype(np.int8)
    models = {}
    for place, (name, model) in enumerate(parts.models.items(), start=1):
        verdict = np.where(parts.recorded == place, label, UNKNOWN)
        models[name] = replace(model, correct=np.where(census, model.correct, verdict).astype(np.int8))
    strata, codes = _strata(census, audit, desk, parts.audit_share)
    return Columns(
        ids=parts.request_ids if parts.ids is None else parts.ids,
        request_ids=parts.request_ids,
        at=parts.at,
        names=tuple(models),
        models=models,
        attributes=parts.attributes,
        signals=parts.signals,
        source=parts.source,
        recorded=parts.recorded,
        audited=parts.audited,
        stratum=codes,
        strata=strata,
        closed=parts.closed,
    )


def _census(parts: Parts) -> Mask:
    """Return the rows where every model that answered has a verdict, and any did."""
    any_answer = np.zeros(len(parts.at), np.bool_)
    unjudged = np.zeros(len(parts.at), np.bool_)
    for model in parts.models.values():
        answer = model.asked == ANSWERED
        any_answer |= answer
        unjudged |= answer & (model.correct == UNKNOWN)
    return any_answer & ~unjudged


def _strata(
    census: Mask, audit: Mask, desk: Mask, share: Floats
) -> tuple[tuple[Stratum, ...], NDArray[np.uint16]]:
    """Return the strata, and each row's place among them: one for each audit share."""
    shares, place = np.unique(share[audit], return_inverse=True)
    codes = np.zeros(len(census), np.uint16)
    codes[census], codes[desk] = 1, 2
    codes[audit] = place.astype(np.uint16) + 3
    fixed = (Stratum(NO_LABEL), Stratum(CENSUS, 1.0), Stratum(DESK, 1.0))
    return (*fixed, *(Stratum(AUDIT, one) for one in shares.tolist())), codes
