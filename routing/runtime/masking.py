"""Taking personal data out of free text before it is stored or leaves the machine. Pure."""

import re
from collections.abc import Mapping
from typing import Any

# Short of these, digits are an amount, a year or a time; from here on an account, a card or a phone.
_DATE = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4})"
_NUMBER = re.compile(rf"(?<!\w)(?!{_DATE}(?!\d))\+?\(?\d(?:[\s().\-/]{{0,2}}\d){{6,}}(?!\w)")
_NUMBER_INSIDE = re.compile(r"\d{7,}")
_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_DEPTH = 6


def masked(text: str) -> str:
    """Replace e-mail addresses and long runs of digits; the rest stays word for word."""
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
    text = _NUMBER.sub("[number]", text)
    return _NUMBER_INSIDE.sub("[number]", text)


def storable(text: str) -> str:
    """Replace what UTF-8 or a database's JSON cannot hold: lone surrogates and the null character."""
    return _SURROGATE.sub("\ufffd", text).replace("\0", "\ufffd")


def shortened(text: str, limit: int) -> str:
    """Cut a text to so many characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def masked_value(value: Any, *, limit: int, depth: int = 0) -> Any:
    """Mask every text in a JSON value, keep numbers, and bound its size; non-finite numbers become null."""
    if isinstance(value, str):
        return shortened(masked(storable(value[: limit * 2])), limit)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        # A number this long is an account's, not an amount.
        return value if abs(value) < 10**15 else "[number]"
    if depth >= MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        return masked_mapping(value, limit=limit, depth=depth)
    if isinstance(value, list | tuple):
        return [masked_value(item, limit=limit, depth=depth + 1) for item in value[:100]]
    return None


def masked_mapping(value: Mapping[Any, Any], *, limit: int, depth: int = 0) -> dict[str, Any]:
    """Mask the texts of a mapping; at most 100 entries, names at most 100 characters."""
    pairs = list(value.items())[:100]
    return {
        shortened(storable(str(name)), 100): masked_value(item, limit=limit, depth=depth + 1)
        for name, item in pairs
    }
