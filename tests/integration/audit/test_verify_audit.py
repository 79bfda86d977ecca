"""Whatever is done to the record behind the product's back is found, and said of which event."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from audit import checkpoints, erasure, leaves, merkle
from audit.canonical import NotCanonical, canonical
from audit.inspection.whole import inspect
from audit.keys import audit_key
from audit.models import Checkpoint, Event
from audit.verify import key_id, signed_words
from tests.integration.audit.records import OPS, execute, faults, inspected, raw, seal, unguarded, write

pytestmark = pytest.mark.django_db
EVENTS = 9


@pytest.fixture(autouse=True)
def record(db: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Eight events, one erased by a ninth; checkpoints over four and nine, subtrees of four; no guards. Return ids."""
    monkeypatch.setattr(checkpoints, "CHUNK", 4)
    for module in ("ranges", "signatures"):
        monkeypatch.setattr(f"audit.inspection.{module}.BLOCK", 4)
    events = [write(number) for number in range(4)]
    seal()
    checkpoints.make()
    events += [write(number) for number in range(4, EVENTS - 1)]
    told = erasure.erase(event=events[6], fields=["actor"], by=OPS, reason="Asked for.")
    seal()
    checkpoints.make()
    assert told
    assert faults() == []
    unguarded()
    return [event.pk for event in (*events, told)]


# What was done to the fifth event, number 5 of the record, or around it; the fault's kind, and some of its words.
TAMPERINGS = [
    (
        "UPDATE audit_event SET sentence = sentence || '.' WHERE id = %(id)s",
        "value",
        "sentence is not what was written",
    ),
    ("UPDATE audit_event SET actor = 'risk' WHERE id = %(id)s", "value", "actor is not what was written"),
    ("UPDATE audit_event SET reason = '' WHERE id = %(id)s", "value", "reason is not what was written"),
    ("UPDATE audit_event SET old = NULL WHERE id = %(id)s", "value", "old is not what was written"),
    (
        "UPDATE audit_event SET new = jsonb_set(new, '{state}', '\"Live\"') WHERE id = %(id)s",
        "value",
        "new is not",
    ),
    (
        "UPDATE audit_event SET salts = set_byte(salts, 79, 255 - get_byte(salts, 79)) WHERE id = %(id)s",
        "value",
        "sent",
    ),
    (
        "UPDATE audit_event SET digests = set_bit(digests, 0, 1 - get_bit(digests, 0)) WHERE id = %(id)s",
        "leaf",
        "seal",
    ),
    (
        "UPDATE audit_event SET at = at + interval '1 microsecond' WHERE id = %(id)s",
        "leaf",
        "not what was sealed",
    ),
    ("UPDATE audit_event SET at = 'infinity' WHERE id = %(id)s", "leaf", "not what was sealed"),
    (
        "UPDATE audit_event SET at = at - interval '4052 years' WHERE id = %(id)s",
        "leaf",
        "not what was sealed",
    ),
    ("UPDATE audit_event SET kind = 'version.reverted' WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET actor_kind = 'person' WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET entry_point = 'page' WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET request_id = 'x' WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET use_case = 'claims' WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET version = version + 1 WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET uid = gen_random_uuid() WHERE id = %(id)s", "leaf", "not what was sealed"),
    ("UPDATE audit_event SET id = id + 1000 WHERE id = %(id)s", "missing event", "it was deleted"),
    (
        "DELETE FROM audit_event WHERE id = %(id)s",
        "missing event",
        "number 5 of the record, is missing: it was deleted",
    ),
    ("DELETE FROM audit_link WHERE seq = 5", "missing link", "number 5 of the record are missing"),
    (
        "DELETE FROM audit_link WHERE seq BETWEEN 5 AND 7",
        "missing link",
        "numbers 5 to 7 of the record are missing",
    ),
    ("DELETE FROM audit_link WHERE seq = 9", "checkpoint", "events that were signed are missing"),
    ("UPDATE audit_link SET leaf = sha256(leaf) WHERE seq = 5", "chain", "the chain breaks at number 5"),
    ("UPDATE audit_link SET head = sha256(head) WHERE seq = 5", "chain", "the chain breaks at number 5"),
    ("UPDATE audit_link SET seq = 5000000000 WHERE seq = 5", "missing link", "number 5 of the record"),
    ("UPDATE audit_link SET seq = -5 WHERE seq = 5", "link", "numbered below 1"),
    (
        "UPDATE audit_checkpoint SET root = sha256(root) WHERE size = 4",
        "checkpoint",
        "signature does not fit",
    ),
    (
        "UPDATE audit_checkpoint SET at = at - interval '1 day' WHERE size = 4",
        "checkpoint",
        "signature does not fit",
    ),
    ("UPDATE audit_checkpoint SET size = 5 WHERE size = 4", "checkpoint", "signature does not fit"),
    (
        "UPDATE audit_checkpoint SET key_id = 'another' WHERE size = 4",
        "checkpoint",
        "which is not known here",
    ),
    ("DELETE FROM audit_checkpoint WHERE size = 4", "checkpoint", "does not follow the one before it"),
    (
        "UPDATE audit_subtree SET root = sha256(root) WHERE number = 1",
        "subtree",
        "numbers 5 to 8 is not the root",
    ),
    ("DELETE FROM audit_subtree WHERE number = 1", "subtree", "numbers 5 to 8 is missing"),
    ("INSERT INTO audit_subtree VALUES (7, '')", "subtree", "stands for events that are not there"),
]


@pytest.mark.parametrize(("change", "kind", "words"), TAMPERINGS, ids=[change for change, _, _ in TAMPERINGS])
def test_a_tampering_is_found_and_named(change: str, kind: str, words: str, record: list[int]) -> None:
    execute(change.replace("%(id)s", str(record[4])))
    found = faults()
    assert any(fault.kind == kind and words in fault.text for fault in found), found
    if "audit_event SET" in change and kind in ("value", "leaf"):
        assert {fault.event for fault in found} == {record[4]}
        assert f"event {record[4]} (" in found[0].text


def test_a_value_that_was_moved_into_its_salt_is_found(record: list[int]) -> None:
    """Salt and value are hashed as one: what is taken from the one and given to the other changes no digest."""
    execute("ALTER TABLE audit_event ENABLE TRIGGER audit_seal")
    told = write(8, sentence='Sent "claims" to baseline.')
    seal()
    execute("ALTER TABLE audit_event DROP CONSTRAINT audit_event_sealed")
    execute(
        "UPDATE audit_event SET salts = salts || %s, sentence = 'claims\" to baseline.' WHERE id = %s",
        [b'"Sent \\', told.pk],
    )
    assert {(fault.kind, fault.event) for fault in faults()} >= {("value", told.pk)}


def test_rows_that_change_places_are_found(record: list[int]) -> None:
    a, b = record[2], record[5]
    for old, new in ((a, -1), (b, a), (-1, b)):
        execute("UPDATE audit_event SET id = %s WHERE id = %s", [new, old])
    assert {fault.event for fault in faults()} == {a, b}
    for old, new in ((a, -1), (b, a), (-1, b)):
        execute("UPDATE audit_link SET event_id = %s WHERE event_id = %s", [new, old])
    # Each event stands beside its own leaf again. Its id is another one, but ids are not sealed: no fault is left.
    assert faults() == []
    execute("UPDATE audit_link SET seq = -seq WHERE seq IN (3, 6)")
    execute("UPDATE audit_link SET seq = CASE seq WHEN -3 THEN 6 ELSE 3 END WHERE seq < 0")
    found = faults()
    assert {fault.seq for fault in found if fault.kind == "chain"} == {3, 4, 6, 7}
    assert [fault.seq for fault in found if fault.kind == "checkpoint"] == [4]


def test_an_event_that_was_put_in_is_found(record: list[int]) -> None:
    names = [str(field.column) for field in Event._meta.concrete_fields]
    columns = ", ".join(name for name in names if name not in ("id", "uid"))
    execute(
        f"INSERT INTO audit_event (id, uid, {columns}) SELECT id + 500, gen_random_uuid(), {columns}"
        f" FROM audit_event WHERE id = {record[4]}"
    )
    [fault] = faults()
    assert (fault.kind, fault.event) == ("loose event", record[4] + 500)
    assert "has no place in the chain: it was put in" in fault.text
    execute(
        "INSERT INTO audit_link SELECT 10, %s, leaf, head FROM audit_link WHERE seq = 5", [record[4] + 500]
    )
    assert {fault.kind for fault in faults()} == {"chain", "leaf"}


def test_a_fork_and_an_event_that_counts_twice_are_found(record: list[int]) -> None:
    execute("ALTER TABLE audit_link DROP CONSTRAINT audit_link_pkey")
    execute("ALTER TABLE audit_link DROP CONSTRAINT audit_link_event_id_key")
    execute("INSERT INTO audit_link SELECT * FROM audit_link WHERE seq = 5")
    found = faults()
    assert {fault.kind for fault in found} == {"fork"}
    assert "two links with number 5" in found[0].text
    execute("DELETE FROM audit_link WHERE ctid = (SELECT max(ctid) FROM audit_link WHERE seq = 5)")
    assert faults() == []
    [(leaf, head)] = execute(
        "SELECT one.leaf, last.head FROM audit_link one, audit_link last WHERE one.seq = 5 AND last.seq = 9"
    )
    again = leaves.head(bytes(head), bytes(leaf))
    execute("INSERT INTO audit_link VALUES (10, %s, %s, %s)", [record[4], leaf, again])
    [fault] = faults()
    assert (fault.kind, fault.event) == ("fork", record[4])
    assert "has two places in the chain, 5 and 10" in fault.text


def test_a_chain_that_was_rewritten_whole_does_not_fit_what_was_signed(record: list[int]) -> None:
    """Whoever owns the database can compute every digest, leaf, head and subtree anew, but cannot sign."""
    event = Event.objects.get(pk=record[1])
    salts, values = (
        leaves.new_salts(),
        {name: getattr(event, name) for name in leaves.ERASABLE} | {"actor": "risk"},
    )
    digests = leaves.commitments(values, salts)
    execute(
        "UPDATE audit_event SET actor = 'risk', salts = %s, digests = %s WHERE id = %s",
        [salts, digests, event.pk],
    )
    execute("UPDATE audit_link l SET leaf = audit_leaf(e) FROM audit_event e WHERE e.id = l.event_id")
    head, hashes = leaves.GENESIS, []
    for seq, leaf in execute("SELECT seq, leaf FROM audit_link ORDER BY seq"):
        head = leaves.head(head, bytes(leaf))
        hashes.append(bytes(leaf))
        execute("UPDATE audit_link SET head = %s WHERE seq = %s", [head, seq])
    for number in (0, 1):
        root = merkle.root(hashes[4 * number : 4 * number + 4])
        execute("UPDATE audit_subtree SET root = %s WHERE number = %s", [root, number])
    [fault] = faults()
    assert (fault.kind, fault.seq) == ("checkpoint", 4)
    assert "what it signed is not what is there: root or head do not fit, nor do 1 after it" in fault.text
    with pytest.raises(checkpoints.RecordChanged):
        checkpoints.make()


def test_a_checkpoint_signed_with_another_key_is_found_unless_that_key_is_named(record: list[int]) -> None:
    other, last = Ed25519PrivateKey.generate(), Checkpoint.objects.get(size=9)
    last.key_id = key_id(other.public_key())
    signature = other.sign(signed_words(checkpoints.as_json(last)))
    execute(
        "UPDATE audit_checkpoint SET key_id = %s, signature = %s WHERE size = 9", [last.key_id, signature]
    )
    assert "which is not known here" in faults()[0].text
    assert inspect(raw(), [audit_key().public_key(), other.public_key()]).faults == []


def test_a_checkpoint_over_another_chain_is_found_however_well_it_is_signed(record: list[int]) -> None:
    """Whoever has the key could sign the same events, in the same tree, behind another head."""
    last = Checkpoint.objects.get(size=9)
    last.head = bytes(leaves.DIGEST)
    signature = audit_key().sign(signed_words(checkpoints.as_json(last)))
    execute("UPDATE audit_checkpoint SET head = %s, signature = %s WHERE size = 9", [last.head, signature])
    [fault] = faults()
    assert (fault.kind, fault.seq) == ("checkpoint", 9)
    assert "root or head do not fit" in fault.text


# Any single bit of any column, changed as a disk or a person with rights in the database would.
TABLES = {
    "event": ("id", EVENTS),
    "link": ("seq", EVENTS),
    "checkpoint": ("size", 2),
    "subtree": ("number", 2),
}


def columns() -> Iterator[tuple[str, str, str]]:
    for table, (key, _) in TABLES.items():
        names = execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY 1",
            [f"audit_{table}"],
        )
        yield from ((table, key, name) for name, _ in names)


def with_bit_flipped(value: Any, bit: int) -> Any:
    """Return the value with one bit changed; reject what the database could not store."""
    if isinstance(value, bytes | memoryview):
        changed = bytearray(value)
        assume(len(changed))
        changed[bit // 8 % len(changed)] ^= 1 << bit % 8
        return bytes(changed)
    if isinstance(value, int):
        return value ^ 1 << bit % 31
    if isinstance(value, datetime):
        since = datetime(2000, 1, 1, tzinfo=UTC)
        changed_by = (value - since) // timedelta(microseconds=1) ^ 1 << bit % 57
        return since + timedelta(microseconds=changed_by)
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1 << bit % 128)
    return _text_flipped(value, bit)


def _text_flipped(value: Any, bit: int) -> Any:
    is_json = not isinstance(value, str)
    data = bytearray((json.dumps(value) if is_json else value).encode())
    assume(len(data))
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    try:
        text = data.decode()
        assume("\0" not in text)
        if not is_json:
            return text
        changed = json.loads(text)
        assume(canonical(changed) != canonical(value))  # 0.50 and 0.5 are one value
        return Jsonb(changed)
    except (ValueError, NotCanonical):
        assume(False)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data(), bit=st.integers(0, 4095))
def test_any_flipped_bit_is_found(data: st.DataObject, bit: int) -> None:
    table, key, column = data.draw(st.sampled_from(list(columns())))
    row = data.draw(st.integers(0, TABLES[table][1] - 1))
    name, value = execute(f'SELECT {key}, "{column}" FROM audit_{table} ORDER BY {key} OFFSET {row} LIMIT 1')[
        0
    ]
    if isinstance(value, str) and column in ("old", "new"):
        value = json.loads(value)
    assume(value is not None)
    flipped = with_bit_flipped(value, bit)
    point = transaction.savepoint()
    try:
        try:
            execute(f'UPDATE audit_{table} SET "{column}" = %s WHERE {key} = %s', [flipped, name])
        except DatabaseError:
            assume(False)
        assert faults(), f"{table}.{column} of {name}: {value!r} → {flipped!r}"
    finally:
        transaction.savepoint_rollback(point)


def test_a_record_of_nothing_is_sound() -> None:
    for table in TABLES:
        execute(f"DELETE FROM audit_{table}")
    report = inspected()
    assert (report.events, report.checkpoints, report.signed, report.faults) == (0, 0, 0, [])
