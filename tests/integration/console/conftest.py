"""What pages over all use cases are looked at with. Django's parts come late."""

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase


@pytest.fixture
def hidden(admin: "User", ops: "User", use_case: "UseCase") -> "UseCase":
    """A use case that the operations group may not see."""
    from django.contrib.auth.models import Group
    from guardian.shortcuts import remove_perm

    from usecases.actions import use_cases

    made = use_cases.create(
        slug="hidden", name="Hidden job", owner="desk", document=claims(), by=admin
    ).use_case
    for verb in ("view", "tune", "kill", "review"):
        remove_perm(f"usecases.{verb}_usecase", Group.objects.get(name="operations"), made)
    return made


@pytest.fixture
def turned(use_case: "UseCase", ops: "User") -> "UseCase":
    """The answer threshold was turned once, for a reason, and its limits stayed."""
    from usecases.actions import versions

    versions.apply(use_case=use_case, document=claims(0.9), by=ops, reason="Complaints of March")
    return use_case


@pytest.fixture
def kinds(client: "Client") -> Callable[[str], list[str]]:
    """The kinds of all events that an address finds, newest first."""

    def found(query: str) -> list[str]:
        text = b"".join(client.get(f"/audit.csv?{query}")).decode()
        return [row["kind"] for row in csv.DictReader(io.StringIO(text))]

    return found
