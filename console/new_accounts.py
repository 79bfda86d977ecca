"""Accounts and passwords made at the machine itself. No page makes them: who knows a password approves as its owner.

A password is made here, told once, and changed by its owner on their account's page.
"""

import secrets
from collections.abc import Iterable

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction

from audit import log
from console import names, sessions
from usecases.actions.access import refusal
from usecases.publishing import Refused


def create(*, name: str, by: log.System, groups: Iterable[str] = (), reason: str = "") -> tuple[User, str]:
    """Make an account in some groups; return it with its password, told only now.

    Raises `Refused` for a name that is taken, passes for another's or is none, and for groups that are not there.
    """
    found = known(groups)
    password = _password()
    person = User(username=name)
    person.set_password(password)
    with transaction.atomic():
        try:
            person.full_clean()
        except ValidationError as error:
            raise refusal("name", " ".join(error.messages)) from None
        if wrong := names.fault(name):
            raise refusal("name", wrong)
        person.save()
        person.groups.set(found)
        log.record(
            kind="person.created",
            sentence=f"{by.get_username()} made the account {name}.",
            by=by,
            reason=reason,
            new={"account": name, "groups": sorted(group.name for group in found)},
        )
    return person, password


def new_password(*, person: User, by: log.System, reason: str = "") -> str:
    """Give somebody who forgot theirs a new password, told only now; their sessions end. Tokens go on.

    Raises `Refused` for who signs in elsewhere: a password here would be a second way in.
    """
    password = _password()
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=person.pk)
        if not person.has_usable_password():
            raise Refused(f"{person.get_username()} has no password here, and signs in through a provider.")
        person.set_password(password)
        person.save(update_fields=["password"])
        ended = list(UserSession.objects.filter(user=person))
        sessions.close(ended)
        log.record(
            kind="person.password_changed",
            sentence=f"{by.get_username()} gave {person.get_username()} a new password.",
            by=by,
            reason=reason,
            old={"sessions": len(ended)},
        )
    return password


def known(wanted_names: Iterable[str]) -> list[Group]:
    """Return groups by name. Raises `Refused` naming those that are not there."""
    wanted = sorted(set(wanted_names))
    found = {group.name: group for group in Group.objects.filter(name__in=wanted)}
    missing = [name for name in wanted if name not in found]
    if missing:
        there = ", ".join(Group.objects.order_by("name").values_list("name", flat=True)[:20])
        raise refusal("groups", f"There is no group “{missing[0]}”. There are: {there}.")
    return [found[name] for name in wanted]


def _password() -> str:
    return secrets.token_urlsafe(12)
