"""Decisions as one run of bytes, and back: what is written once when they are old enough, and read in milliseconds.

A block holds what a decision was made of and never what came later: verdicts are joined when it is read. Raw arrays
stand behind a header in JSON, little-endian, each at a multiple of eight bytes. Ids that are written as UUIDs take 16
bytes. Of models that were not asked nothing is kept. Whoever changes any of this raises `FORMAT`: blocks of another
format are not read but made anew.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.replay.assembling import Parts
from routing.replay.building import nothing
from routing.replay.columns import (
    NEVER,
    UNKNOWN,
    Attribute,
    Coded,
    Floats,
    ModelColumn,
    Numeric,
    Texts,
)
from routing.replay.encoding import compact

FORMAT: Final = 1
DRAWN: Final = ("audit_place", "holdout_place")
_FLAGS: Final = ("answered", "by_people", "held_out", "audited")
_MEASURES: Final = tuple(part.name for part in fields(ModelColumn) if part.name != "asked")
_ALIGNED: Final = 8
_MANY: Final = 256
_DASHES: Final = (8, 13, 18, 23)
_LETTERS: Final = np.array([place for place in range(36) if place not in _DASHES])
# Both digits of a byte as one number, so that a byte is looked up once.
_HEX: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)
_NIBBLES: Final = np.full(256, 255, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)

Bytes = NDArray[np.uint8]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Block:
    """Decisions in order, without verdicts. `keys` holds each id as 16 bytes; `draws` each place in a random draw."""

    parts: Parts
    micros: NDArray[np.int64]
    keys: Bytes
    draws: Mapping[str, Floats]


def packed(block: Block) -> bytes:
    """Return a block as bytes."""
    parts = block.parts
    arrays: Arrays = {"micros": block.micros, "keys": block.keys, "recorded": parts.recorded}
    words: dict[str, Any] = {"models": list(parts.models), "attributes": {}, "signals": list(parts.signals)}
    _pack_texts(arrays, parts.request_ids)
    for place, model in enumerate(parts.models.values()):
        asked = model.asked != NEVER
        arrays[f"model.{place}.asked"] = model.asked
        for measure in _MEASURES:
            arrays[f"model.{place}.{measure}"] = getattr(model, measure)[asked]
    for place, (name, column) in enumerate(parts.attributes.items()):
        words["attributes"][name] = _pack_values(arrays, place, column)
        arrays[f"attribute.{place}"] = column.codes if isinstance(column, Coded) else column.values
    for name, values in parts.signals.items():
        arrays[f"signal.{name}"] = values
    words["source"], arrays["source"] = list(parts.source.values), parts.source.codes
    arrays["shares"], shares = np.unique(parts.audit_share, return_inverse=True)
    arrays["share"] = compact(shares, len(arrays["shares"]))
    arrays["flags"] = np.packbits([getattr(parts, flag) for flag in _FLAGS], axis=0)[0]
    for name in block.draws:
        arrays[f"draw.{name}"] = block.draws[name]
    return _written(words, arrays)


def unpacked(data: bytes) -> Block:
    """Return a block from its bytes; its arrays share their memory where they can. `outcome` is UNKNOWN for all."""
    words, arrays = _read(data)
    count = len(arrays["micros"])
    flags = np.unpackbits(arrays["flags"][None, :], axis=0, count=len(_FLAGS)).view(np.bool_)
    keys = arrays["keys"].reshape(count, 16)
    parts = Parts(
        ids=uuid_texts(keys),
        request_ids=_unpacked_texts(arrays, count),
        at=arrays["micros"] // 1000,
        models={name: _model(arrays, place, count) for place, name in enumerate(words["models"])},
        recorded=arrays["recorded"],
        attributes={
            name: _attribute(arrays, place, values)
            for place, (name, values) in enumerate(words["attributes"].items())
        },
        signals={name: arrays[f"signal.{name}"] for name in words["signals"]},
        source=Coded(arrays["source"], tuple(words["source"])),
        **dict(zip(_FLAGS, flags, strict=True)),
        audit_share=arrays["shares"][arrays["share"]],
        outcome=np.full(count, UNKNOWN, np.int8),
    )
    draws = {name: arrays[f"draw.{name}"] for name in DRAWN if f"draw.{name}" in arrays}
    return Block(parts, arrays["micros"], keys, draws)


def _model(arrays: Arrays, place: int, count: int) -> ModelColumn:
    made, asked = nothing(count), arrays[f"model.{place}.asked"]
    here = asked != NEVER
    for measure in _MEASURES:
        getattr(made, measure)[here] = arrays[f"model.{place}.{measure}"]
    return ModelColumn(asked, *(getattr(made, measure) for measure in _MEASURES))


def _pack_values(arrays: Arrays, place: int, column: Attribute) -> list[Any] | str:
    """Return the values of an attribute for the header; many floats go among the arrays."""
    if isinstance(column, Numeric):
        return "numeric"
    if len(column.values) > _MANY and set(map(type, column.values[1:])) == {float}:
        arrays[f"values.{place}"] = np.array(column.values[1:], np.float64)
        return "floats"
    return list(column.values)


def _attribute(arrays: Arrays, place: int, values: list[Any] | str) -> Attribute:
    column = arrays[f"attribute.{place}"]
    if values == "numeric":
        return Numeric(column)
    if values == "floats":
        return Coded(column, (None, *arrays[f"values.{place}"].tolist()))
    return Coded(column, tuple(values))


# Ids


def keys_of(texts: Texts) -> Bytes | None:
    """Return texts as UUIDs, 16 bytes each; None where any is not written as one."""
    count = len(texts)
    if not np.array_equal(texts.ends, np.arange(36, 36 * count + 36, 36)):
        return None
    letters = texts.bytes.reshape(count, 36)
    nibbles = _NIBBLES[letters[:, _LETTERS]]
    if (letters[:, _DASHES] != ord("-")).any() or (nibbles == 255).any():
        return None
    return (nibbles[:, 0::2] << 4 | nibbles[:, 1::2]).astype(np.uint8)


def uuid_texts(keys: Bytes) -> Texts:
    """Return UUIDs of 16 bytes as they are written."""
    count = len(keys)
    letters = np.full((count, 36), ord("-"), np.uint8)
    digits = _HEX.take(keys).view(np.uint8)
    for text, start, stop in ((0, 0, 8), (9, 8, 12), (14, 12, 16), (19, 16, 20), (24, 20, 32)):
        letters[:, text : text + stop - start] = digits[:, start:stop]
    return Texts(letters.reshape(-1), np.arange(36, 36 * count + 36, 36, dtype=np.int64))


def _pack_texts(arrays: Arrays, texts: Texts) -> None:
    keys = keys_of(texts)
    if keys is not None:
        arrays["request_keys"] = keys
        return
    arrays["request_bytes"] = texts.bytes
    arrays["request_lengths"] = np.diff(texts.ends, prepend=0).astype(np.uint32)


def _unpacked_texts(arrays: Arrays, count: int) -> Texts:
    if "request_keys" in arrays:
        return uuid_texts(arrays["request_keys"].reshape(count, 16))
    return Texts(arrays["request_bytes"], np.cumsum(arrays["request_lengths"], dtype=np.int64))


# Bytes


def _written(words: Mapping[str, Any], arrays: Arrays) -> bytes:
    table, pieces, place = {}, [], 0
    for name, array in arrays.items():
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        table[name] = [array.dtype.newbyteorder("<").str, array.size, place]
        raw += b"\0" * (-len(raw) % _ALIGNED)
        pieces.append(raw)
        place += len(raw)
    header = json.dumps({**words, "arrays": table}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNED)
    return b"".join([len(header).to_bytes(_ALIGNED, "little"), header, *pieces])


def _read(data: bytes) -> tuple[dict[str, Any], Arrays]:
    start = _ALIGNED + int.from_bytes(data[:_ALIGNED], "little")
    words = json.loads(data[_ALIGNED:start])
    table = words.pop("arrays")
    return words, {
        name: np.frombuffer(data, np.dtype(kind), size, start + place)
        for name, (kind, size, place) in table.items()
    }
