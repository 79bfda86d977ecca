"""Personal data goes, and the proof stays: the value and its salt are erased, and the record tells of it."""

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import Client

from audit import erasure, leaves
from audit.erasure import Refused
from audit.models import Event
from tests.integration.audit.records import OPS, execute, faults, seal, unguarded, write
from tests.record import failing_record

pytestmark = pytest.mark.django_db
ALL = leaves.ERASABLE


def erase(event: Event, *fields: str) -> Event | None:
    return erasure.erase(event=event, fields=fields, by=OPS, reason="Asked for by the person.")


def test_an_erasure_empties_fields_and_keeps_the_proof() -> None:
    event, other = write(1), write(2)
    told = erase(event, "actor", "new")
    seal()
    assert told
    event.refresh_from_db()
    assert (event.actor, event.new, event.reason) == ("", None, "Complaints rise.")
    assert (event.erased, event.erased_at, event.erased_by) == (("actor", "new"), told.at, "ops")
    assert (told.kind, told.sentence) == (
        "event.erased",
        f"Erased the person and the new value of event {event.pk}.",
    )
    assert told.new == {"event": str(event.uid), "fields": ["actor", "new"]}
    assert Event.objects.get(pk=other.pk).erased == ()
    assert faults() == []


def test_a_second_erasure_takes_the_rest_and_a_third_has_nothing_to_take() -> None:
    event = write(1)
    erase(event, "actor")
    erase(event, *ALL)
    count = Event.objects.count()
    assert erase(event, *ALL) is None
    assert Event.objects.count() == count == 3
    seal()
    assert Event.objects.get(pk=event.pk).erased == ALL
    assert faults() == []


def test_what_was_empty_from_the_start_can_be_erased_too() -> None:
    event = write(1, old=None, reason="")
    erase(event, "old", "reason")
    seal()
    assert faults() == []


def test_an_erasure_can_itself_be_erased_but_not_what_it_erased() -> None:
    event = write(1)
    told = erase(event, "reason")
    assert told
    with pytest.raises(Refused, match="stays on record"):
        erase(told, "new")
    erase(told, "actor", "sentence", "reason")
    seal()
    assert faults() == []


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [(("kind",), "Because.", "kind cannot be erased"), (("actor",), " ", "say why")],
)
def test_an_erasure_is_refused_for_what_is_sealed_and_without_a_reason(
    fields: tuple[str, ...], reason: str, words: str
) -> None:
    event = write(1)
    with pytest.raises(Refused, match=words):
        erasure.erase(event=event, fields=fields, by=OPS, reason=reason)
    assert Event.objects.count() == 1


def test_a_failing_audit_row_takes_the_erasure_back() -> None:
    event = write(1)

    with failing_record():
        erase(event, "actor")
    assert Event.objects.get(pk=event.pk).actor == "ops"


def test_an_erased_value_cannot_come_back() -> None:
    event = write(1)
    erase(event, "actor")
    seal()
    with pytest.raises(DatabaseError, match="kept as it was written"), transaction.atomic():
        execute("UPDATE audit_event SET actor = 'risk', erased_at = now() WHERE id = %s", [event.pk])


def test_an_erasure_in_silence_is_found() -> None:
    event = write(1)
    seal()
    execute(
        "UPDATE audit_event SET salts = overlay(salts PLACING decode(repeat('00', 16), 'hex') FROM 1), actor = '',"
        " erased_at = now(), erased_by = 'ops'"
    )
    [fault] = faults()
    assert (fault.kind, fault.event) == ("erasure", event.pk)
    assert "actor was emptied, and no event tells of that erasure" in fault.text


def test_an_erased_value_that_somebody_kept_and_put_back_is_found() -> None:
    event = write(1)
    erase(event, "actor")
    seal()
    unguarded()
    execute("UPDATE audit_event SET actor = 'ops', salts = %s WHERE id = %s", [event.salts, event.pk])
    [fault] = faults()
    assert (fault.kind, fault.event) == ("erasure", event.pk)
    assert "actor should be erased, and is there" in fault.text


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_event SET erased_by = 'risk' WHERE erased_by <> ''",
        "UPDATE audit_event SET erased_at = erased_at + interval '1 microsecond'",
        "UPDATE audit_event SET erased_at = NULL, erased_by = ''",
        "UPDATE audit_event SET erased_at = now(), erased_by = 'ops' WHERE kind = 'event.erased'",
    ],
)
def test_who_erased_and_when_is_held_against_the_record(change: str) -> None:
    erase(write(1), "actor")
    seal()
    unguarded()
    execute(change)
    assert {fault.kind for fault in faults()} == {"erasure"}


def test_the_audit_page_says_what_was_erased_and_when(client: Client, admin: User) -> None:
    event = write(1, use_case="")
    erase(event, *ALL)
    client.force_login(admin)
    page = client.get("/audit").content.decode()
    assert "The person, the new value, the old value, the reason and the sentence: erased on" in page
    assert client.get("/audit.csv").status_code == 200
