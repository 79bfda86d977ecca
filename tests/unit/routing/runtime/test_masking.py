"""Personal data does not leave the machine; amounts, dates and everything else do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.runtime.masking import masked, masked_mapping, masked_value, storable


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to jo.doe+x@mail.example.org, please", "write to [email], please"),
        ("card 4111 1111 1111 1111", "card [number]"),
        ("card 4111-1111-1111-1111.", "card [number]."),
        ("call +49 (170) 123-4567", "call [number]"),
        ("account DE44500105175407324931", "account DE[number]"),
        ("policy 12345678", "policy [number]"),
        ("$1,200 on 2026 at 14:02, section 4.2", "$1,200 on 2026 at 14:02, section 4.2"),
        ("on 2026-11-22 at 9, or 22.11.2026", "on 2026-11-22 at 9, or 22.11.2026"),
        ("12,345.67 and 450 m2", "12,345.67 and 450 m2"),
        ("@home @ 5", "@home @ 5"),
    ],
)
def test_addresses_and_long_numbers_are_masked_and_nothing_else(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_what_a_database_cannot_hold_is_replaced() -> None:
    assert storable("a\0b\ud800c") == "a\ufffdb\ufffdc"
    assert masked_value(float("inf"), limit=10) is None
    assert masked_value(4111111111111111, limit=10) == "[number]"
    assert masked_value("x" * 50, limit=10) == "x" * 9 + "…"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_whatever_callers_send_becomes_clean_json(attributes: dict[str, object]) -> None:
    kept = masked_mapping(attributes, limit=100)
    json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()
