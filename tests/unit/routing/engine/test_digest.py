"""One fingerprint for one content, however it is written down."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.digest import canonical, digest
from tests.unit.routing.engine.generated import documents
from tests.unit.routing.engine.loading import document

exact = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


@given(exact)
def test_canonical_bytes_read_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


@settings(max_examples=40)
@given(documents(), st.randoms())
def test_the_order_of_keys_does_not_matter(draft: dict[str, Any], random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(entry) for entry in value] if isinstance(value, list) else value

    assert digest(shuffled(draft)) == digest(draft)


def test_the_spelling_of_a_number_does_not_matter() -> None:
    assert digest({"from": 1.0, "to": 1e2}) == digest({"to": 100, "from": 1})


def test_the_order_of_a_list_does_matter() -> None:
    assert digest(["a", "b"]) != digest(["b", "a"])


def test_the_digest_is_the_sha_256_of_rfc_8785() -> None:
    # Of the two bytes {}, as any other program computes it.
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert canonical({"b": 0.10, "a": "ü"}) == '{"a":"ü","b":0.1}'.encode()
    assert len(digest(document("claims"))) == 64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {1: 2}])
def test_what_json_cannot_carry_exactly_has_no_digest(value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        digest(value)
