"""Erase personal data from an event. The value and its salt go; the commitment stays, and with it the whole proof."""

from collections.abc import Collection

from django.db import transaction

from audit import leaves, log, words
from audit.models import Event


class Refused(ValueError):
    """The erasure cannot be done; the message says why."""


def erase(*, event: Event, fields: Collection[str], by: log.Person, reason: str) -> Event | None:
    """Erase fields of an event and record that; return the event that tells of it, None where nothing was left.

    `fields`: of `leaves.ERASABLE`. Who may do this is for the caller to say. The event that tells of it names the other
    by its uid in `new`, which cannot be erased itself: a value that went in silence is a fault of the record.
    """
    if unknown := sorted(set(fields) - set(leaves.ERASABLE)):
        raise Refused(f"{', '.join(unknown)} cannot be erased; {', '.join(leaves.ERASABLE)} can")
    if not reason.strip():
        raise Refused("say why it is erased")
    with transaction.atomic():
        row = Event.objects.select_for_update().get(pk=event.pk)
        if row.kind == leaves.ERASURE and "new" in fields:
            raise Refused("what an erasure has erased stays on record")
        wanted = [name for name in leaves.ERASABLE if name in fields and name not in row.erased]
        if not wanted:
            return None
        told = log.record(
            kind=leaves.ERASURE,
            sentence=f"Erased {words.of_fields(wanted)} of event {row.pk}.",
            by=by,
            use_case=row.use_case,
            reason=reason,
            new={"event": str(row.uid), "fields": wanted},
        )
        for name in wanted:
            setattr(row, name, leaves.EMPTY[name])
        row.salts = leaves.without(bytes(row.salts), wanted)
        row.erased_at, row.erased_by = told.at, by.get_username()
        row.save(update_fields=[*wanted, "salts", "erased_at", "erased_by"])
        return told
