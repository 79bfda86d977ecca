"""What is sealed of an event, and what of it can go."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from audit import leaves
from audit.canonical import canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(leaves.moment)
SALTS = bytes(range(80))
VALUES = {
    "actor": "ops",
    "new": {"state": "live"},
    "old": None,
    "reason": "",
    "sentence": "Sent to baseline.",
}


@given(
    st.builds(leaves.Plain, st.uuids().map(str), MOMENTS, *[TEXTS] * 5, st.none() | st.integers(0, 2**31)),
    st.binary(min_size=160, max_size=160),
)
def test_what_is_sealed_is_spelled_canonically_either_way(plain: leaves.Plain, digests: bytes) -> None:
    assert leaves.content_bytes(plain, digests) == canonical(leaves.content(plain, digests))


def test_a_commitment_holds_the_value_and_hides_it_behind_its_salt() -> None:
    salt, other = bytes(16), bytes(15) + b"\x01"
    assert leaves.commitment(salt, {"b": 1.0, "a": "x"}) == leaves.commitment(salt, {"a": "x", "b": 1})
    assert leaves.commitment(salt, "ops") != leaves.commitment(salt, "risk")
    assert leaves.commitment(salt, "ops") != leaves.commitment(other, "ops")
    assert leaves.commitment(salt, "null") != leaves.commitment(salt, None)


def test_every_erasable_field_has_its_own_salt_and_digest() -> None:
    digests = leaves.split(leaves.commitments(VALUES, SALTS))
    for name, salt, digest in zip(leaves.ERASABLE, leaves.split(SALTS), digests, strict=True):
        assert digest == leaves.commitment(salt, VALUES[name])
    assert len({*leaves.split(leaves.new_salts()), *leaves.split(leaves.new_salts())}) == 10


def test_erasing_takes_the_salts_of_the_named_fields_alone() -> None:
    assert leaves.erased(SALTS) == ()
    less = leaves.without(SALTS, ["actor", "sentence"])
    assert leaves.erased(less) == ("actor", "sentence")
    assert less[16:64] == SALTS[16:64]


def test_times_are_sealed_in_utc() -> None:
    at = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert leaves.moment(at) == "2026-03-28T21:45:00.000000Z"
