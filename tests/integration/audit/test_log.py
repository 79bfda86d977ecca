"""Events are sealed by the database as their transaction commits, in the words that the product seals them with."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from audit import leaves
from audit.canonical import NotCanonical, canonical
from audit.models import Event, Link
from tests.integration.audit.records import execute, faults, seal, write

pytestmark = pytest.mark.django_db


def links() -> list[tuple[int, int]]:
    return list(Link.objects.order_by("seq").values_list("seq", "event_id"))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {
            "kind": 'say "x" \\ \x7f \x1f\t\b\f\r\n',
            "use_case": "é \u2028 😀 \ue000 </script>",
            "version": 2**31 - 1,
        },
        {
            "old": {"big": 1e300, "small": 5e-324, "list": (1, 2.0), 7: True},
            "new": [],
            "reason": "",
            "sentence": "",
        },
        {"old": 0, "new": "text"},
    ],
)
def test_the_database_seals_what_the_product_would(fields: dict[str, Any]) -> None:
    event = write(3, **fields)
    seal()
    link, stored = Link.objects.get(), Event.objects.get()
    digests = bytes(stored.digests)
    leaf = leaves.leaf(leaves.content_bytes(stored.plain, digests))
    assert (link.event_id, link.leaf, link.head) == (event.pk, leaf, leaves.head(leaves.GENESIS, leaf))
    assert canonical(leaves.content(stored.plain, digests)) == leaves.content_bytes(stored.plain, digests)
    assert faults() == []


def test_a_time_is_sealed_to_the_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 3, 29, 1, 0, 0, 120, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone TO 'Asia/Kathmandu'")
    assert write().plain.at == "2026-03-29T01:00:00.000120Z"
    seal()
    assert faults() == []


def test_events_of_one_transaction_follow_one_another_and_those_taken_back_leave_no_gap() -> None:
    first = write(1)
    point = transaction.savepoint()
    write(2)
    transaction.savepoint_rollback(point)
    with transaction.atomic():
        third = write(3)
    seal()
    fourth = write(4)
    seal()
    assert links() == [(1, first.pk), (2, third.pk), (3, fourth.pk)]
    assert execute("SELECT count(*) FROM audit_pending") == [(0,)]
    assert faults() == []


def test_events_that_come_in_bulk_are_chained_too() -> None:
    template = Event.objects.get(pk=write().pk)
    rows = []
    for number in range(3):
        row = Event(
            **{field.attname: getattr(template, field.attname) for field in Event._meta.concrete_fields}
        )
        row.pk, row.uid = None, f"00000000-0000-4000-8000-00000000000{number}"
        rows.append(row)
    Event.objects.bulk_create(rows)
    seal()
    assert [seq for seq, _ in links()] == [1, 2, 3, 4]
    assert faults() == []


def test_where_the_chain_cannot_be_written_nothing_is() -> None:
    write(1)
    seal()
    execute("ALTER TABLE audit_link ADD CONSTRAINT full_disk CHECK (seq < 2)")
    point = transaction.savepoint()
    write(2)
    with pytest.raises(DatabaseError, match="full_disk"):
        seal()
    transaction.savepoint_rollback(point)
    assert Event.objects.count() == 1
    assert faults() == []


def test_a_value_that_has_no_one_spelling_is_not_recorded() -> None:
    with pytest.raises(NotCanonical, match="no double"):
        write(new={"count": 2**53 + 1})
    assert not Event.objects.exists()


NO_REASON = "salts = overlay(salts PLACING decode(repeat('00', 16), 'hex') FROM 49)"
BY_OPS = "erased_at = now(), erased_by = 'ops'"
CHANGES = [
    "UPDATE audit_event SET sentence = 'Nothing happened.'",
    "UPDATE audit_event SET at = now()",
    f"UPDATE audit_event SET {BY_OPS}",
    f"UPDATE audit_event SET reason = '', {BY_OPS}",
    f"UPDATE audit_event SET {NO_REASON}, {BY_OPS}",
    f"UPDATE audit_event SET {NO_REASON}, reason = ''",
    f"UPDATE audit_event SET {NO_REASON}, reason = '', {BY_OPS}, kind = 'other'",
    "DELETE FROM audit_event",
    "UPDATE audit_link SET seq = seq + 1",
    "DELETE FROM audit_link",
    "UPDATE audit_checkpoint SET at = now()",
    "DELETE FROM audit_checkpoint",
    "DELETE FROM audit_subtree",
]


@pytest.mark.parametrize("mode", ["origin", "replica"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_to_change_what_is_written(change: str, mode: str) -> None:
    write(1)
    seal()
    execute(
        "INSERT INTO audit_checkpoint VALUES (1, '', '', '', now(), '', ''); INSERT INTO audit_subtree VALUES (0, '')"
    )
    execute(f"SET LOCAL session_replication_role = {mode}")
    with pytest.raises(DatabaseError, match="the record is kept as it was written"), transaction.atomic():
        execute(change)
