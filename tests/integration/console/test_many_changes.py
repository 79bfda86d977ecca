"""Pages ask the database as often for many open changes as for a few: the frame counts them on every page."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.documents import LOOSE, claims
from usecases.actions import changes, use_cases
from usecases.models import UseCase


@pytest.mark.django_db
def test_open_changes_of_more_use_cases_take_no_more_queries(admin: User, ops: User, risk: User) -> None:
    def make(first: int, last: int) -> None:
        bounds = {"knobs": {"bands.answer.from": {"lane": [0.75, 0.95], "limit": [0.6, 1.0]}}}
        for number in range(first, last):
            use_cases.create(
                slug=f"u{number}", name="U", owner="desk", document=claims(), by=admin, guardrails=bounds
            )
            made = UseCase.objects.get(slug=f"u{number}")
            changes.submit(use_case=made, document=claims(LOOSE), by=User.objects.get(pk=ops.pk))

    def asked(path: str) -> int:
        client = Client()
        client.force_login(User.objects.get(pk=risk.pk))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    make(0, 2)
    for path in ("/lanes", "/approvals"):
        asked(path)
    few = [asked(path) for path in ("/lanes", "/approvals")]
    make(2, 6)
    assert [asked(path) for path in ("/lanes", "/approvals")] == few
