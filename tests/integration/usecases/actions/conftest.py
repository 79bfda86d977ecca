"""A change that waits for others, as several modules meet it. Django's parts come late."""

from typing import TYPE_CHECKING

import pytest

from tests.documents import LOOSE, claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from usecases.models import Change, UseCase


@pytest.fixture
def change(use_case: "UseCase", ops: "User") -> "Change":
    """Change 1 of `ops`: past the lane, open."""
    from usecases.actions import changes

    return changes.submit(use_case=use_case, document=claims(LOOSE), by=ops, reason="Backlog at peak")
