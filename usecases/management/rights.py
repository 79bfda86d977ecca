"""What commands share that act in a name or for somebody: finding whom and what is named, telling a refusal."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError
from django.http import Http404

from usecases import permissions
from usecases.access import VERBS, Holder
from usecases.models import UseCase
from usecases.publishing import Refused


def add_arguments(parser: ArgumentParser) -> None:
    """Add what giving and taking back rights have in common."""
    parser.add_argument("slug")
    whom = parser.add_mutually_exclusive_group(required=True)
    whom.add_argument("--to", metavar="USERNAME", help="a person")
    whom.add_argument("--group", metavar="NAME")
    parser.add_argument("--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)")
    parser.add_argument("--reason", default="")


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """Return use case, who acts and why, as actions take them."""
    by = account(options["by"])
    return {"use_case": use_case_of(options["slug"], by), "by": by, "reason": options["reason"]}


def holder(options: dict[str, Any]) -> Holder:
    if options["to"]:
        return account(options["to"])
    found = Group.objects.filter(name=options["group"]).first()
    if found is None:
        raise CommandError(f"There is no group “{options['group']}”.")
    return found


def account(name: str) -> User:
    found = User.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no account “{name}”.")
    return found


def use_case_of(slug: str, by: User) -> UseCase:
    """Return a use case for somebody; who does not see it is told that there is none."""
    found = UseCase.objects.select_related("guardrail").filter(slug=slug).first()
    if found is None or not permissions.can(by, "view", found):
        raise CommandError(f"There is no use case “{slug}”.")
    return found


def verbs(options: dict[str, Any]) -> list[str]:
    """Return the rights that were named, one by one or by a role."""
    if options.get("role"):
        return list(permissions.ROLES[options["role"]])
    return list(options["right"] or VERBS)


@contextmanager
def carried_out() -> Iterator[None]:
    """Tell a refusal in words instead of a traceback."""
    try:
        yield
    except (Refused, PermissionDenied, Http404) as error:
        raise CommandError(str(error)) from None
