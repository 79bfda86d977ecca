"""The confidence that rungs and bands judge, as a column: what was reported, through the model's calibration map.

The definition is the engine's (`routing.engine.calibration.calibrated`); here it is done to whole columns, the same
operations in the same order, so that every bit is the same.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from routing.engine.calibration import Map
from routing.engine.decide import compile_document
from routing.replay.columns import Columns, Floats

_BLOCK: Final = 1 << 14


def maps_of(document: Mapping[str, Any]) -> dict[str, Map]:
    """Return the calibration maps of a valid document, by model."""
    return compile_document(document).courses.maps


def mapped(line: Map, confidence: Floats) -> Floats:
    """Return what reported confidences count; NaN stays NaN."""
    given, counts = np.array(line.reported, np.float64), np.array(line.calibrated, np.float64)
    after = np.searchsorted(given, confidence, "right")
    before = np.clip(after, 1, len(given) - 1) - 1
    width, rise = np.diff(given), np.diff(counts)
    # Clipped, so that nothing is divided that the line does not reach.
    further = (np.clip(confidence, given[0], given[-1]) - given.take(before)) / width.take(before)
    value: Floats = counts.take(before) + rise.take(before) * further
    np.minimum(value, counts.take(before + 1), out=value)
    value[after == 0] = counts[0]
    value[(after == len(given)) & ~np.isnan(confidence)] = counts[-1]
    return value


def judged(columns: Columns, model: str, line: Map | None, *, context: bool) -> Floats:
    """Return the confidence of one model's answers as rungs and bands judge it; NaN where there is none.

    With `context` it is the caller's where that was sent. What a map makes of it is kept with the columns.
    """
    if line is None:
        return reported(columns, model, context=context)
    key = (model, context, tuple(line.reported), tuple(line.calibrated))
    return columns.memory.get("judged", key, lambda: _whole(line, reported(columns, model, context=context)))


def _whole(line: Map, confidence: Floats) -> Floats:
    """Map a whole column, block by block: what a block needs stays in the processor's cache."""
    made = np.empty(len(confidence))
    for start in range(0, len(confidence), _BLOCK):
        rows = slice(start, start + _BLOCK)
        made[rows] = mapped(line, confidence[rows])
    return made


def reported(columns: Columns, model: str, *, context: bool) -> Floats:
    """Return the confidence of one model's answers as it was reported."""
    own = columns.models[model].confidence
    sent = columns.signals.get("confidence") if context else None
    return own if sent is None else np.where(np.isnan(sent), own, sent)


def judged_from_caller(columns: Columns, maps: dict[str, Map]) -> Floats | None:
    """Return callers' confidences through the maps of the models that stood at the time; None where none was sent."""
    sent = columns.signals.get("confidence")
    if sent is None or not maps:
        return sent
    found = sent
    for number, name in enumerate(columns.names, start=1):
        if name in maps:
            stood = columns.recorded == number
            found = np.where(stood, mapped(maps[name], sent), found)
    return found
