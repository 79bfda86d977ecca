"""Personal data taken out of the record: its digest stays, and the record tells who took it away and why."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase


def test_an_admin_erases_personal_data_and_the_record_tells_it(
    client: "Client", ops: "User", admin: "User", turned: "UseCase", kinds: Callable[[str], list[str]]
) -> None:
    from audit.models import Event

    event = Event.objects.filter(kind="version.applied").latest("id")
    form = {"fields": ["reason"], "reason": "Names a customer", "sure": "yes"}
    client.force_login(ops)
    assert "Erase personal data" not in client.get(f"/audit/{event.uid}").content.decode()
    assert client.post(f"/audit/{event.uid}/erase", form).status_code == 403

    client.force_login(admin)
    assert client.post(f"/audit/{event.uid}/erase", form | {"sure": ""}).status_code == 422
    assert client.post(f"/audit/{event.uid}/erase", form | {"reason": " "}).status_code == 422
    assert client.post(f"/audit/{event.uid}/erase", form | {"fields": []}).status_code == 422
    assert Event.objects.get(pk=event.pk).reason == "Complaints of March"
    assert client.post(f"/audit/{event.uid}/erase", form).status_code == 302
    assert Event.objects.get(pk=event.pk).reason == ""
    assert kinds("q=complaints") == []  # what is erased is found no more
    assert kinds("kind=event.erased") == ["event.erased"]
    client.post(f"/audit/{event.uid}/erase", form)
    assert kinds("kind=event.erased") == ["event.erased"]  # nothing was left: nothing more is told


def test_a_failing_audit_row_leaves_the_value(admin: "User", turned: "UseCase") -> None:
    from audit.models import Event
    from tests.record import failing_record
    from usecases.actions import erasures

    event = Event.objects.filter(kind="version.applied").latest("id")

    with failing_record():
        erasures.erase(event=event, fields=["reason"], by=admin, reason="Asked for")
    assert Event.objects.get(pk=event.pk).reason == "Complaints of March"


def test_an_admin_erases_nothing_of_a_use_case_they_do_not_see(admin: "User", hidden: "UseCase") -> None:
    from django.http import Http404
    from guardian.shortcuts import remove_perm

    from audit.models import Event
    from usecases.actions import erasures

    for holder in (admin, *admin.groups.all()):
        remove_perm("usecases.view_usecase", holder, hidden)
    event = Event.objects.filter(use_case="hidden").latest("id")
    with pytest.raises(Http404):
        erasures.erase(
            event=event, fields=["sentence"], by=type(admin).objects.get(pk=admin.pk), reason="Asked for"
        )
    assert Event.objects.get(pk=event.pk).sentence


def test_erasing_from_the_command_line(admin: "User", ops: "User", turned: "UseCase") -> None:
    from django.core.management import CommandError, call_command

    from audit.models import Event

    event = Event.objects.filter(kind="version.applied").latest("id")
    out = io.StringIO()

    for wrong in ({"by": "ops"}, {"by": "nobody"}, {"fields": "kind"}, {"reason": ""}):
        options = {"fields": "reason", "reason": "Asked for", "by": "admin"} | wrong
        with pytest.raises(CommandError):
            call_command("erase_personal_data", str(event.uid), **options)
    call_command(
        "erase_personal_data",
        str(event.uid),
        fields="reason,actor",
        reason="Asked for",
        by="admin",
        stdout=out,
    )

    assert "Erased" in out.getvalue()
    left = Event.objects.get(pk=event.pk)
    assert (left.reason, left.actor, left.erased_by) == ("", "", "admin")
