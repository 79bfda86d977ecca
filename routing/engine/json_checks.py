"""What has to hold before a document can be looked into: plain JSON, not too deep, exact when written down."""

import math
from collections.abc import Iterator
from typing import Any

from routing.engine.digest import canonical
from routing.engine.faults import MAX_FAULTS, Fault, joined

MAX_DEPTH = 40
MAX_BYTES = 256 * 1024
MAX_WHOLE = 2**53 - 1


def json_faults(document: Any) -> list[Fault]:
    """Return the faults that make a document unreadable or unstorable; walks without recursion."""
    found: list[Fault] = []
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    while waiting and len(found) < MAX_FAULTS:
        path, value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return [Fault("", f"The document is nested more than {MAX_DEPTH} levels deep.")]
        message = _wrong(value)
        if message:
            found.append(Fault(path, message))
        waiting.extend((inner, part, depth + 1) for inner, part in _parts(path, value))
    return found or _too_large(document)


def _parts(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((joined(path, str(key)), part) for key, part in value.items())
    elif isinstance(value, list):
        yield from ((joined(path, index), part) for index, part in enumerate(value))


def _wrong(value: Any) -> str | None:
    """Say what is wrong with one value, apart from its parts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "This must be an ordinary number; infinities and NaN cannot be compared or stored."
    # Fractions too: canonical JSON writes 1e16 without its exponent, and nobody could read that back.
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > MAX_WHOLE:
        return f"This number is too large to be kept exactly; the largest is {MAX_WHOLE:,}."
    if isinstance(value, str):
        return _wrong_text(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            return "Names of settings must be text."
        return next((wrong for key in value if (wrong := _wrong_text(key))), None)
    if value is None or isinstance(value, bool | int | float | list):
        return None
    return "This is not something that JSON can carry."


def _wrong_text(value: str) -> str | None:
    if "\x00" in value:
        return "This text contains a NUL character, which cannot be stored. Remove it."
    # Half of a surrogate pair: a program cut the text in the middle of a character.
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "This text contains half a character, which cannot be stored. Type it again."
    return None


def _too_large(document: Any) -> list[Fault]:
    size = len(canonical(document))
    if size <= MAX_BYTES:
        return []
    return [
        Fault("", f"The document is {size // 1024:,} KiB large; at most {MAX_BYTES // 1024} KiB are allowed.")
    ]
