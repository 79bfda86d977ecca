"""What an assistant takes as an order, and what it refuses."""

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from routing.engine import envelope
from routing.engine.digest import digest
from routing.engine.envelope import EnvelopeRefused
from routing.engine.states import effective
from routing.engine.validation import InvalidDocument
from tests.unit.routing.engine.generated import json_values
from tests.unit.routing.engine.loading import document, merged

CLAIMS, CURATED = document("claims"), document("curated")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {envelope.key_id(KEY.public_key()): KEY.public_key()}
NOON = datetime(2026, 11, 3, 12, 0, 0, 123456, tzinfo=UTC)


def unsigned(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "use_case": "claims",
        "version": 7,
        "state": "live",
        "document": CLAIMS,
        "baseline": CURATED,
        "message": "",
        "issued_at": NOON,
        "lease_seconds": 300,
    }
    return envelope.build(**parts | changes)


SIGNED = envelope.sign(unsigned(), KEY)


def test_a_signed_envelope_is_taken_after_the_wire() -> None:
    assert envelope.verify(json.loads(json.dumps(SIGNED)), KEYS) == SIGNED


def test_an_envelope_says_all_that_the_contract_names() -> None:
    assert sorted(SIGNED) == sorted(
        [
            "use_case",
            "version",
            "state",
            "document",
            "baseline",
            "message",
            "digest",
            "issued_at",
            "lease_seconds",
            "signature",
            "key_id",
        ]
    )
    assert SIGNED["issued_at"] == "2026-11-03T12:00:00.123Z"
    assert len(SIGNED["key_id"]) == 16
    assert len(SIGNED["signature"]) == 86


def test_time_is_written_in_utc() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert unsigned(issued_at=berlin)["issued_at"] == "2026-11-03T12:00:00.123Z"


@pytest.mark.parametrize("state", ["live", "review_all", "baseline"])
def test_the_digest_is_that_of_what_is_enforced(state: str) -> None:
    made = envelope.sign(unsigned(state=state, message="Back soon."), KEY)
    assert made["digest"] == digest(effective(CLAIMS, CURATED, state, "Back soon."))
    assert envelope.verify(made, KEYS)["state"] == state


def test_an_invalid_document_is_never_sent() -> None:
    with pytest.raises(InvalidDocument):
        unsigned(document={})
    with pytest.raises(InvalidDocument):
        unsigned(baseline=CLAIMS)


@given(st.sampled_from(sorted(SIGNED)), json_values)
def test_any_changed_field_is_noticed(field: str, value: Any) -> None:
    changed = SIGNED | {field: value}
    if value == SIGNED[field]:
        return
    with pytest.raises(EnvelopeRefused):
        envelope.verify(changed, KEYS)


@given(st.integers(0, 85), st.sampled_from("ABab09-_"))
def test_any_changed_letter_of_the_signature_is_noticed(place: int, letter: str) -> None:
    signature = SIGNED["signature"]
    changed = signature[:place] + letter + signature[place + 1 :]
    if changed != signature:
        with pytest.raises(EnvelopeRefused, match="signature"):
            envelope.verify(SIGNED | {"signature": changed}, KEYS)


def test_a_change_deep_in_the_document_is_noticed() -> None:
    forged = copy.deepcopy(SIGNED)
    forged["document"]["bands"][0]["from"] = 0.01
    with pytest.raises(EnvelopeRefused, match="the signature does not match"):
        envelope.verify(forged, KEYS)


@pytest.mark.parametrize("field", sorted(SIGNED))
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(EnvelopeRefused, match=f"{field} is missing"):
        envelope.verify({key: SIGNED[key] for key in SIGNED if key != field}, KEYS)


def test_a_key_that_is_not_trusted_is_refused() -> None:
    stranger = envelope.sign(unsigned(), Ed25519PrivateKey.generate())
    with pytest.raises(EnvelopeRefused, match="not trusted"):
        envelope.verify(stranger, KEYS)
    with pytest.raises(EnvelopeRefused, match="signature does not match"):
        envelope.verify(stranger | {"key_id": SIGNED["key_id"]}, KEYS)


def test_a_signed_lie_about_the_digest_is_refused() -> None:
    lie = envelope.sign(unsigned() | {"digest": "0" * 64}, KEY)
    with pytest.raises(EnvelopeRefused, match="digest does not match"):
        envelope.verify(lie, KEYS)


def test_a_signed_but_invalid_document_is_refused_with_its_first_fault() -> None:
    broken = merged(CLAIMS, {"schema": 2, "ladder": []})
    with pytest.raises(EnvelopeRefused, match=r"invalid document: schema: .* \(and 2 more\)"):
        envelope.verify(envelope.sign(unsigned() | {"document": broken}, KEY), KEYS)
    with pytest.raises(EnvelopeRefused, match="invalid baseline: "):
        envelope.verify(envelope.sign(unsigned() | {"baseline": CLAIMS}, KEY), KEYS)


def test_a_further_signed_field_of_a_newer_console_is_let_through() -> None:
    newer = envelope.sign(unsigned() | {"region": "eu"}, KEY)
    assert envelope.verify(newer, KEYS)["region"] == "eu"


@given(json_values)
def test_anything_else_is_refused_without_another_exception(value: Any) -> None:
    with pytest.raises(EnvelopeRefused):
        envelope.verify(value, KEYS)


def test_a_document_nested_without_end_is_refused() -> None:
    endless: Any = {}
    for _ in range(100_000):
        endless = {"not": endless}
    with pytest.raises(EnvelopeRefused, match="unreadable"):
        envelope.verify(SIGNED | {"document": endless}, KEYS)


def test_a_public_key_goes_over_the_wire() -> None:
    text = envelope.encoded(KEY.public_key().public_bytes_raw())
    assert len(text) == 43
    assert envelope.public_key(text).public_bytes_raw() == KEY.public_key().public_bytes_raw()
    for wrong in ("", text[:-1], text + "=", "ü", "*" * 43):
        with pytest.raises(ValueError, match=r".+"):
            envelope.public_key(wrong)
