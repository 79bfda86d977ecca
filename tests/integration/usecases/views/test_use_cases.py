"""Adding a use case."""

import json
from typing import TYPE_CHECKING

import pytest

from tests.documents import claims
from usecases.starting_points import STARTING_POINTS

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

NEW = "/use-cases/new"
TYPED = {"name": "Lost luggage", "slug": "", "owner": "Travel desk", "risk": "high", "start": "one"}


@pytest.mark.parametrize("start", list(STARTING_POINTS))
def test_every_starting_point_is_a_valid_document(start: str) -> None:
    from routing.engine.validation import faults

    assert faults(STARTING_POINTS[start].document) == []


def test_an_admin_adds_one_and_lands_on_it(client: "Client", admin: "User") -> None:
    from usecases.models import UseCase

    client.force_login(admin)
    answer = client.post(NEW, TYPED)

    assert answer.headers["Location"] == "/use-cases/lost-luggage/"
    made = UseCase.objects.get(slug="lost-luggage")
    assert (made.owner, made.risk) == ("Travel desk", "high")
    assert "No assistant is connected" in client.get("/use-cases/lost-luggage/").content.decode()


def test_others_may_not(client: "Client", ops: "User") -> None:
    client.force_login(ops)

    assert client.get(NEW).status_code == 403
    assert client.post(NEW, TYPED).status_code == 403


def test_every_fault_is_told_by_its_field_and_nothing_typed_is_lost(
    client: "Client", admin: "User", use_case: "UseCase"
) -> None:
    client.force_login(admin)
    faulty = json.dumps(claims() | {"bands": []})
    refused = client.post(NEW, TYPED | {"slug": "claims", "owner": "", "document": faulty})

    shown = refused.content.decode()
    assert refused.status_code == 422
    assert "There is a use case “claims” already." in shown
    assert "Name the desk that owns the outcome." in shown
    assert 'value="Lost luggage"' in shown
    assert "legal threat" in shown


def test_a_faulty_document_is_told_with_every_path(client: "Client", admin: "User") -> None:
    client.force_login(admin)
    broken = claims() | {"bands": []}
    broken["thresholds"]["sensitivity"] = 7
    refused = client.post(NEW, TYPED | {"document": json.dumps(broken)})

    assert refused.status_code == 422
    assert "document.bands" in refused.content.decode()
    assert "document.thresholds.sensitivity" in refused.content.decode()


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_what_is_no_document_is_told(client: "Client", admin: "User", text: str) -> None:
    client.force_login(admin)

    assert client.post(NEW, TYPED | {"document": text}).status_code == 422
