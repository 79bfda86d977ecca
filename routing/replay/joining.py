"""Columns after columns: names, codes and strata of several blocks brought to one numbering."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from routing.replay.columns import (
    ABSENT,
    MAX_MODELS,
    NEVER,
    UNKNOWN,
    Attribute,
    Coded,
    Columns,
    Floats,
    ModelColumn,
    Stratum,
    Texts,
)
from routing.replay.encoding import merged


def joined(blocks: Sequence[Columns]) -> Columns:
    """Return all blocks, one after another, as columns of their own. At least one is needed."""
    names = _names(blocks)
    strata = tuple(dict.fromkeys(stratum for block in blocks for stratum in block.strata))
    source = merged([block.source for block in blocks])
    assert isinstance(source, Coded)
    own = any(block.ids is not block.request_ids for block in blocks)
    request_ids = _texts([block.request_ids for block in blocks])
    whole = Columns(
        ids=_texts([block.ids for block in blocks]) if own else request_ids,
        request_ids=request_ids,
        at=np.concatenate([block.at for block in blocks]),
        names=names,
        models={name: _model([b.models.get(name) for b in blocks], blocks) for name in names},
        attributes=_attributes(blocks),
        signals=_signals(blocks),
        source=source,
        recorded=np.concatenate([_renumbered(block, names) for block in blocks]),
        audited=np.concatenate([block.audited for block in blocks]),
        stratum=np.concatenate([_restratified(block, strata) for block in blocks]),
        strata=strata,
        closed=any(block.closed for block in blocks),
    )
    # Where the older rows have been drawn, only the newer ones are.
    for name in {name for block in blocks for name in block.drawn()}:
        whole.keep_drawn(name, np.concatenate([getattr(block, name) for block in blocks]))
    return whole


def _names(blocks: Sequence[Columns]) -> tuple[str, ...]:
    """Return all models by name; of more than can be numbered those that were asked most."""
    names = tuple(dict.fromkeys(name for block in blocks for name in block.names))
    if len(names) <= MAX_MODELS:
        return names
    asked = dict.fromkeys(names, 0)
    for block in blocks:
        for name, model in block.models.items():
            asked[name] += int(np.count_nonzero(model.asked))
    kept = set(sorted(names, key=asked.__getitem__, reverse=True)[:MAX_MODELS])
    return tuple(name for name in names if name in kept)


def _texts(parts: Sequence[Texts]) -> Texts:
    bases = np.cumsum([0, *(len(part.bytes) for part in parts)])
    ends = [part.ends + base for part, base in zip(parts, bases, strict=False)]
    return Texts(np.concatenate([part.bytes for part in parts]), np.concatenate(ends))


def _model(parts: Sequence[ModelColumn | None], blocks: Sequence[Columns]) -> ModelColumn:
    """Return one model's column; a block that does not know it never asked it."""
    filling = {"asked": NEVER, "confidence": np.nan, "cost_usd": 0, "latency_ms": 0, "correct": UNKNOWN}
    kinds = {"asked": np.uint8, "latency_ms": np.float32, "correct": np.int8}
    arrays = []
    for part in fields(ModelColumn):
        kind = kinds.get(part.name, np.float64)
        pieces = [
            getattr(model, part.name) if model else np.full(len(block), filling[part.name], kind)
            for model, block in zip(parts, blocks, strict=True)
        ]
        arrays.append(np.concatenate(pieces))
    return ModelColumn(*arrays)


def _attributes(blocks: Sequence[Columns]) -> dict[str, Attribute]:
    names = dict.fromkeys(name for block in blocks for name in block.attributes)

    def part(block: Columns, name: str) -> Attribute:
        return block.attributes.get(name) or Coded(np.zeros(len(block), np.uint8), (None,))

    return {name: merged([part(block, name) for block in blocks]) for name in names}


def _signals(blocks: Sequence[Columns]) -> dict[str, Floats]:
    names = dict.fromkeys(name for block in blocks for name in block.signals)

    def part(block: Columns, name: str) -> Floats:
        found = block.signals.get(name)
        return np.full(len(block), ABSENT[name]) if found is None else found

    return {name: np.concatenate([part(block, name) for block in blocks]) for name in names}


def _renumbered(block: Columns, names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    places = {name: place for place, name in enumerate(names, start=1)}
    table = np.array([0, *(places.get(name, 0) for name in block.names)], np.uint8)
    return table[block.recorded]


def _restratified(block: Columns, strata: Sequence[Stratum]) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    table = np.array([strata.index(stratum) for stratum in block.strata], np.uint16)
    return table[block.stratum]
