"""Canonical JSON is what RFC 8785 says, held against another implementation of it."""

import json
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from audit.canonical import NotCanonical, canonical, text_bytes

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
@example({"\ue000": 1, "\U0001f600": 2.5, "a": [1e21, 1e-7, -0.0, 123456789.5, 5e-324]})
@example({'say "1.5e+300"\\': 0.1, "\x7f\x00\x1f\b\f": "\u2028 1e16 12345678901234567"})
def test_any_value_is_spelled_as_rfc_8785_says(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_spelled_alike_by_the_short_way(text: str) -> None:
    assert text_bytes(text) == canonical(text)


@pytest.mark.parametrize(
    ("number", "spelled"),
    [  # from RFC 8785, appendix B
        (5e-324, b"5e-324"),
        (-5e-324, b"-5e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (9007199254740992, b"9007199254740992"),
        (295147905179352830000.0, b"295147905179352830000"),
        (9.999999999999997e22, b"9.999999999999997e+22"),
        (1e23, b"1e+23"),
        (1.0000000000000001e23, b"1.0000000000000001e+23"),
        (999999999999999700000.0, b"999999999999999700000"),
        (1e21, b"1e+21"),
        (9.999999999999997e-7, b"9.999999999999997e-7"),
        (0.000001, b"0.000001"),
        (333333333.33333325, b"333333333.33333325"),
        (-0.0000033333333333333333, b"-0.0000033333333333333333"),
        (1424953923781206.2, b"1424953923781206.2"),
    ],
)
def test_numbers_are_spelled_as_the_standard_lists_them(number: float, spelled: bytes) -> None:
    assert canonical(number) == spelled


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e300)
def test_a_float_that_a_database_returns_in_full_digits_is_spelled_as_before(number: float) -> None:
    assert canonical(json.loads(f"{Decimal(repr(number)):f}")) == canonical(number)


@pytest.mark.parametrize(
    "value",
    [
        2**53 + 1,
        -(10**400) - 1,
        float("nan"),
        float("inf"),
        "\ud800",
        {1, 2},
        {"\ue000": {1: 2, "a": 3}},
        b"bytes",
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)
