"""Canonical JSON: one spelling of a value (RFC 8785), the bytes that digests and signatures are made of.

Python's own C encoder does the work, since a record of a million events is spelled anew by every verification. What it
writes differs from RFC 8785 in three places, mended here where they occur: floats, whole numbers past 2^53, and the
order of keys that hold characters past U+D7FF. Needs the standard library alone, as everything that verifies does.
"""

import json
import re
from json.encoder import encode_basestring
from typing import Any

SAFE = 2**53 - 1
PLAIN_DIGITS = 21  # ECMAScript writes whole numbers of up to so many digits without an exponent

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
# Python spells most floats as ECMAScript does: not those with an exponent, and not whole ones.
_MENDABLE = re.compile(r"[0-9](?:e|\.0(?![0-9]))|[0-9]{16}")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?')
_UNORDERED = re.compile("[\ud800-\U0010ffff]")


class NotCanonical(ValueError):
    """The value has no canonical form: no JSON, not finite, or a whole number that no double stands for."""


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Whole numbers past 2^53 are spelled where they are the shortest digits of a double, which is how a database returns
    a large float; rfc8785 refuses them all. Others would share their spelling with a neighbour, and are refused.
    Raises NotCanonical.
    """
    try:
        text = _ENCODER.encode(value)
        if _UNORDERED.search(text):
            text = _ENCODER_AS_GIVEN.encode(_in_order(value))
        if _MENDABLE.search(text):
            text = _TOKENS.sub(_token, text)
        return text.encode()
    except NotCanonical:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise NotCanonical(str(error)) from error


def text_bytes(text: str) -> bytes:
    """Return the canonical bytes of a string, the commonest value, by the shortest way."""
    return encode_basestring(text).encode()


_ENCODER_AS_GIVEN = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _in_order(value: Any) -> Any:
    """Return the same value with its keys in the order of their UTF-16 units, where surrogates come before U+E000."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise NotCanonical("keys must be strings")
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _in_order(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return value


def _token(match: re.Match[str]) -> str:
    token = match[0]
    if token[0] == '"':
        return token
    if "." in token or "e" in token:
        return _float(float(token))
    return token if abs(int(token)) <= SAFE else _whole(int(token))


def _whole(number: int) -> str:
    try:
        double = float(number)
    except OverflowError:
        double = float("inf")
    sign, digits, exponent = _parts(double) if abs(double) != float("inf") else ("", "0", 0)
    if number != int(sign + digits + "0" * max(exponent - len(digits), 0)):
        raise NotCanonical(f"{number} is no double")
    return _float(double)


def _parts(number: float) -> tuple[str, str, int]:
    """Split a double into sign, shortest digits and the power of ten that stands after the first n of them."""
    mantissa, _, power = repr(number).partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    point = len(whole) + int(power or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return sign, stripped.rstrip("0") or "0", point


def _float(number: float) -> str:
    """Spell a double as ECMAScript does (Number::toString)."""
    if number == 0:
        return "0"
    sign, digits, point = _parts(number)
    if len(digits) <= point <= PLAIN_DIGITS:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= PLAIN_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{point - 1:+d}"
