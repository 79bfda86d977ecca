"""Promises, certificates and recommendations for programs."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.integration.console.api.test_operators import Api, api
from tests.periods import BOTH, SPRING, imported
from usecases.actions import use_cases
from usecases.models import UseCase

__all__ = ["api"]


@pytest.fixture
def chat(admin: User, ops: User, tmp_path: Path) -> UseCase:
    """A use case with its real log of two periods."""
    use_case = use_cases.create(slug="chat", name="Chat", owner="ops", document=BOTH, by=admin).use_case
    imported(use_case, tmp_path, ops)
    return use_case


def test_a_promise_is_read_and_stated_field_by_field(use_case: UseCase, api: Api) -> None:
    before = api("GET", "/use-cases/claims/promise", by="risk").json()
    assert (before["wrong_at_most"], before["stated_by"], before["stated_at"]) == (0.02, "", None)
    after = api("PUT", "/use-cases/claims/promise", {"wrong_at_most": 0.03, "reason": "Agreed"}).json()
    assert after == api("GET", "/use-cases/claims/promise").json()
    assert (after["wrong_at_most"], after["confidence"], after["stated_by"]) == (0.03, 0.95, "ops")

    refused = api("PUT", "/use-cases/claims/promise", {"wrong_at_most": 3, "confidence": "sure", "x": 1})
    assert refused.status_code == 422
    assert [error["path"] for error in refused.json()["errors"]] == ["x"]
    refused = api("PUT", "/use-cases/claims/promise", {"wrong_at_most": 3, "confidence": "sure"})
    assert [error["path"] for error in refused.json()["errors"]] == ["wrong_at_most", "confidence"]
    assert api("PUT", "/use-cases/claims/promise", {"confidence": 0.9}, by="risk").status_code == 403
    assert api("GET", "/use-cases/claims/promise", by="stranger").status_code == 404


def test_what_labels_allow_is_certified_and_its_standing_told(chat: UseCase, api: Api) -> None:
    refused = api("POST", "/use-cases/chat/certificates", {"window": {"until": SPRING}})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "labels")

    api("PUT", "/use-cases/chat/promise", {"wrong_at_most": 0.03})
    issued = api("POST", "/use-cases/chat/certificates", {"window": {"until": SPRING}, "reason": "Spring"})
    assert issued.status_code == 201
    row: dict[str, Any] = issued.json()
    assert (row["labels"], row["wrong"], row["standing"]["state"]) == (2737, 56, "unsupported")
    assert api("GET", "/use-cases/chat/certificates", by="risk").json() == [row]
    assert api("POST", "/use-cases/chat/certificates", by="risk").status_code == 403


def test_a_recommendation_is_a_document_or_what_is_missing(chat: UseCase, api: Api) -> None:
    api("PUT", "/use-cases/chat/promise", {"wrong_at_most": 0.05})
    for kind in ("threshold", "ladder"):
        found = api("POST", "/use-cases/chat/recommendation", {"kind": kind}, by="risk").json()
        assert found["document"]["bands"][0]["from"] == found["answer_from"]
        assert (found["missing"], found["certificate"]["bound"] <= 0.05) == ("", True)
        assert {"now", "then", "desks", "carried", "within_cost"} <= set(found)
    few = api("POST", "/use-cases/chat/recommendation", {"window": {"decisions": 10}}).json()
    assert few["document"] is None
    assert "59 clean labels needed, you have" in few["missing"]
    faulty = api("POST", "/use-cases/chat/recommendation", {"document": {}, "window": 3})
    assert faulty.status_code == 422
    assert "window" in [error["path"] for error in faulty.json()["errors"]]
