"""Erase personal data from the record: an admin's to do, told in the record itself. What was proved stays proved."""

from collections.abc import Collection

from django.contrib.auth.models import User
from django.http import Http404

from audit import erasure
from audit.models import Event
from usecases import permissions, record
from usecases.permissions import Forbidden
from usecases.publishing import Refused


def erase(*, event: Event, fields: Collection[str], by: User, reason: str) -> Event | None:
    """Erase fields of an event (of `audit.leaves.ERASABLE`); return the event that tells of it, or None.

    None: nothing of that was left. Raises `Http404` for an event that the person may not read, `Forbidden` for whoever
    is no admin, `Refused` without fields or reason.
    """
    if not record.may_read(by, event):
        raise Http404(f"There is no event {event.uid}.")
    if not permissions.can_create(by):
        raise Forbidden("You may not erase anything from the record. An admin can.")
    if not fields:
        raise Refused("Say what is to be erased.", [{"path": "fields", "message": "Choose at least one."}])
    try:
        return erasure.erase(event=event, fields=fields, by=by, reason=reason)
    except erasure.Refused as refused:
        raise Refused(f"Not erased: {refused}.") from None
