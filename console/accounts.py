"""What admins do to accounts: switch off and on, take a lost second factor away. And groups, as a provider says."""

from collections.abc import Callable, Iterable

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from audit import log
from console import sessions, tokens
from console.models import Token
from usecases import permissions
from usecases.publishing import Refused


def listed() -> QuerySet[User]:
    """Return all accounts, those that may sign in first, each with its groups and how it can still come in."""
    works = Q(tokens__revoked_at=None, tokens__isnull=False)
    totp = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    return (
        User.objects.order_by("-is_active", "username")
        .prefetch_related("groups")
        .annotate(
            second_factor=Exists(totp),
            open_sessions=Count("usersession", distinct=True),
            open_tokens=Count("tokens", filter=works, distinct=True),
        )
    )


def deactivate(*, person: User, by: log.Person, reason: str = "") -> User:
    """Switch an account off: nobody signs in with it, and its sessions, tokens and open streams end now.

    Tokens are revoked for good: who comes back makes new ones. Raises `Refused` for one's own account.
    """
    check_admin(by)
    with transaction.atomic():
        person = _locked(person, by)
        if not person.is_active:
            return person
        if person.get_username() == by.get_username():
            raise Refused("You cannot switch off your own account; another admin can.")
        _refuse_last(person)
        person.is_active = False
        person.save(update_fields=["is_active"])
        ended = list(UserSession.objects.filter(user=person))
        sessions.close(ended)
        sessions.tell(f"person:{person.pk}")
        revoked = _revoke_all(person)
        log.record(
            kind="person.deactivated",
            sentence=f"{by.get_username()} switched the account {person.get_username()} off.",
            by=by,
            reason=reason,
            old={"active": True, "sessions": len(ended), "tokens": revoked},
            new={"active": False},
        )
    return person


def _revoke_all(person: User) -> list[str]:
    """Revoke every token of a person; return their names."""
    rows = list(Token.objects.select_for_update().filter(user=person, revoked_at=None).order_by("name"))
    tokens.end(rows)
    return [token.name for token in rows]


def activate(*, person: User, by: log.Person, reason: str = "") -> User:
    """Switch an account on again, with the groups and the password that it had."""
    check_admin(by)
    with transaction.atomic():
        person = _locked(person, by)
        if person.is_active:
            return person
        person.is_active = True
        person.save(update_fields=["is_active"])
        log.record(
            kind="person.activated",
            sentence=f"{by.get_username()} switched the account {person.get_username()} on again.",
            by=by,
            reason=reason,
            old={"active": False},
            new={"active": True},
        )
    return person


def remove_second_factor(*, person: User, by: log.Person, reason: str = "") -> int:
    """Take away the second factor of somebody who lost it, and end their sessions. Returns how many parts it had."""
    check_admin(by)
    with transaction.atomic():
        person = _locked(person, by)
        if person.get_username() == by.get_username():
            raise Refused("Your own second factor is removed on your account's page, with a code.")
        removed = int(Authenticator.objects.filter(user=person).delete()[0])
        if removed:
            ended = list(UserSession.objects.filter(user=person))
            sessions.close(ended)
            log.record(
                kind="second_factor.removed",
                sentence=f"{by.get_username()} took the second factor of {person.get_username()} away.",
                by=by,
                reason=reason,
                old={"second_factor": True, "sessions": len(ended)},
                new={"second_factor": False},
            )
    return removed


def set_groups(*, person: User, groups: Iterable[str], by: log.System, reason: str = "") -> set[str]:
    """Give an account exactly these groups. Only a part of the product does that: people give rights otherwise."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        before, after = set(person.groups.values_list("name", flat=True)), set(groups)
        if before == after:
            return after
        person.groups.set(Group.objects.filter(name__in=after))
        log.record(
            kind="person.groups_set",
            sentence=f"{person.get_username()} {_words(before, after)}.",
            by=by,
            reason=reason,
            old={"groups": sorted(before)},
            new={"groups": sorted(after)},
        )
    return after


def _words(before: set[str], after: set[str]) -> str:
    parts = []
    if after - before:
        parts.append(f"joined {', '.join(sorted(after - before))}")
    if before - after:
        parts.append(f"left {', '.join(sorted(before - after))}")
    return " and ".join(parts)


def _locked(person: User, by: log.Person) -> User:
    """Lock an account and that of who acts, in one order for all, and ask anew whether they may.

    Two admins who switch each other off at the same moment would leave nobody.
    """
    keys = {person.pk} | ({by.pk} if isinstance(by, User) else set())
    rows = {row.pk: row for row in User.objects.select_for_update().filter(pk__in=keys).order_by("pk")}
    if isinstance(by, User):
        check_admin(rows[by.pk])
    return rows[person.pk]


def _refuse_last(person: User) -> None:
    """Refuse to switch off the last account that may switch others on."""
    backend = "django.contrib.auth.backends.ModelBackend"
    admins = User.objects.with_perm("usecases.add_usecase", backend=backend)
    if permissions.can_create(person) and not admins.exclude(pk=person.pk).exists():
        raise Refused("This is the last admin; make somebody else one first.")


def check_admin(by: log.Person) -> None:
    """Refuse whoever is no admin; the command line of the machine itself may."""
    if not (isinstance(by, log.System) or permissions.can_create(by)):
        raise permissions.Forbidden("You may not change other people's accounts. An admin can.")


ACTIONS: dict[str, Callable[..., object]] = {
    "deactivate": deactivate,
    "activate": activate,
    "remove-second-factor": remove_second_factor,
}
