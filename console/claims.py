"""What an OpenID Connect provider says of somebody, and what follows from it here: an account, and its groups."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User

from audit import log
from console import accounts

logger = logging.getLogger(__name__)
PROVIDER = log.System("sign-in")
KEPT = ("sub", "preferred_username", "name")


@dataclass(frozen=True, slots=True)
class Told:
    """`values`: of the claim that groups follow from. `kept`: what is stored of the rest."""

    values: frozenset[str]
    kept: dict[str, str]

    @property
    def groups(self) -> set[str]:
        """Groups that follow from the claim."""
        return {name for name, values in settings.OIDC_GROUP_MAP.items() if self.values & set(values)}


def read(told: Mapping[str, Any]) -> Told:
    """Read what the provider told, in its token or on being asked; what is asked for comes first."""
    parts: list[Mapping[str, Any]] = [told.get("userinfo") or {}, told.get("id_token") or {}, told]
    claim = settings.OIDC_GROUPS_CLAIM
    found = next((part[claim] for part in parts if part.get(claim)), ())
    values = [found] if isinstance(found, str) else found if isinstance(found, list | tuple) else ()
    kept = {
        name: str(next(part[name] for part in parts if part.get(name)))[:150]
        for name in KEPT
        if any(part.get(name) for part in parts)
    }
    return Told(frozenset(str(value) for value in values), kept)


def welcome(user: User, told: Told) -> None:
    """Record a new account, and give it the groups that follow."""
    log.record(
        kind="person.created",
        sentence=f"{user.get_username()} came through {provider_name()} for the first time and got an account.",
        by=user,
        new={"account": user.get_username()},
    )
    apply(user, told)


def apply(user: User, told: Told) -> None:
    """Give an account the groups that follow from the claim, and take those that no longer do.

    Left alone: groups that the claim does not decide about, and accounts made here that their owner has connected;
    an admin decides about those.
    """
    if user.has_usable_password():
        return
    decided = set(settings.OIDC_GROUP_MAP)
    there = set(Group.objects.filter(name__in=decided).values_list("name", flat=True))
    if decided - there:
        logger.warning(
            "OIDC_GROUP_MAP names groups that do not exist: %s", ", ".join(sorted(decided - there))
        )
    now = set(user.groups.values_list("name", flat=True))
    accounts.set_groups(
        person=user,
        groups=(now - decided) | (told.groups & there),
        by=PROVIDER,
        reason=f"What {provider_name()} says of them.",
    )


def provider_name() -> str:
    """Return what people call the provider."""
    found = app()
    return str(found["name"]) if found else "single sign-on"


def app() -> dict[str, Any] | None:
    """Return how the provider is reached; None where there is none."""
    providers: dict[str, dict[str, Any]] = settings.SOCIALACCOUNT_PROVIDERS
    return next(iter(providers["openid_connect"]["APPS"]), None)
