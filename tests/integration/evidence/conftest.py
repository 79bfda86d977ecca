"""A month that is lived once for a module, and the pack that is made of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.integration.evidence.packs import Lived


@pytest.fixture(scope="module")
def lived(
    django_db_setup: None, django_db_blocker: "DjangoDbBlocker", tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Lived"]:
    """The month, its pack, and the database as it was at its end; all of it is rolled back."""
    from django.db import transaction

    from tests.integration.evidence.packs import live

    folder: Path = tmp_path_factory.mktemp("month")
    with django_db_blocker.unblock(), transaction.atomic():
        with live(folder) as found:
            yield found
        transaction.set_rollback(True)
