"""The three role groups and the sample accounts that `make up` starts with."""

import json
import secrets
from pathlib import Path

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from usecases.permissions import ROLES

ACCOUNTS = {"ops": "operations", "risk": "risk", "admin": "admin"}


@transaction.atomic
def ensure_accounts(passwords_file: Path) -> dict[str, str]:
    """Make the role groups and one account per role; returns the passwords by account.

    Passwords are made once and kept in `passwords_file`, readable by this account alone, so that a second start
    prints the same ones. One that somebody changed since is left alone.
    """
    for role in ROLES:
        Group.objects.get_or_create(name=role)
    over_the_console = Permission.objects.filter(codename__in=["add_usecase", "manage_access"])
    Group.objects.get(name="admin").permissions.add(*over_the_console)
    for role in ("risk", "admin"):
        Group.objects.get(name=role).permissions.add(Permission.objects.get(codename="set_lane"))
    passwords = _read(passwords_file)
    for name, role in ACCOUNTS.items():
        user, created = User.objects.get_or_create(username=name)
        if created:
            passwords[name] = secrets.token_urlsafe(9)
            user.set_password(passwords[name])
            user.save()
        user.groups.add(Group.objects.get(name=role))
    _write(passwords_file, passwords)
    return passwords


def _read(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _write(file: Path, passwords: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_text(json.dumps(passwords, indent=2))
