"""People, groups and a use case. Django's parts are imported late: this file is read before settings are."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django.fixtures import Settings
    from pytest_django.plugin import DjangoDbBlocker

    from usecases.models import UseCase

GUARDRAILS = {
    "knobs": {
        "bands.answer.from": {
            "lane": [0.75, 0.95],
            "limit": [0.6, 1.0],
            "reason": "Set after the spring review.",
        },
        "thresholds.audit_share": {"lane": None, "limit": [0.01, 1.0], "reason": ""},
    },
    "models": ["openai/gpt-4o-mini", "openai/gpt-4o"],
}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: "DjangoDbBlocker") -> None:
    """Let tests whose transactions are real empty the tables after them: here alone the record can be truncated."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in ("event", "link", "subtree", "checkpoint"):
            cursor.execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER audit_{table}_truncate")


@pytest.fixture(autouse=True)
def own_history() -> Iterator[None]:
    """Keep no decisions in memory that the test before has rolled back."""
    yield
    if "routing.history" in sys.modules:
        sys.modules["routing.history"].SHARED.forget()


@pytest.fixture
def people(db: None, tmp_path: Path, settings: "Settings") -> "dict[str, User]":
    """The three sample accounts, and a stranger who belongs to no group."""
    # A password hash is slow on purpose; three of them per test would be most of the run.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from django.contrib.auth.models import User

    from usecases.accounts import ensure_accounts

    ensure_accounts(tmp_path / "passwords.json")
    User.objects.create_user("stranger")
    return {user.username: user for user in User.objects.all()}


@pytest.fixture
def ops(people: "dict[str, User]") -> "User":
    return people["ops"]


@pytest.fixture
def risk(people: "dict[str, User]") -> "User":
    return people["risk"]


@pytest.fixture
def admin(people: "dict[str, User]") -> "User":
    return people["admin"]


@pytest.fixture
def stranger(people: "dict[str, User]") -> "User":
    return people["stranger"]


@pytest.fixture
def use_case(admin: "User") -> "UseCase":
    """The use case “claims”, live at r1, with a lane and a hard limit on its answer threshold."""
    from usecases.actions import use_cases

    version = use_cases.create(
        slug="claims",
        name="Claims summarisation",
        owner="claims-ops",
        document=claims(),
        by=admin,
        message="A colleague is checking your claim.",
        guardrails=GUARDRAILS,
    )
    return version.use_case
