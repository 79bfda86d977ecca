"""What pages over all use cases are looked at with. Django's parts come late."""

from typing import TYPE_CHECKING

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User

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
