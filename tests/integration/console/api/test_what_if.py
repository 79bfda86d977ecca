"""`POST …/what-if`: a document in, its impact out."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from uuid6 import uuid7

from console import tokens
from console.api.schemas_what_if import Again, Cases, Impact, Kept
from routing.models import Decision
from tests.documents import claims
from usecases.models import UseCase

Ask = Callable[..., Any]
NUMBERS = ("correct", "wrong_among_answered", "cost_per_task_usd", "latency_ms_p95")


@pytest.fixture
def ask(client: Client, people: dict[str, User]) -> Ask:
    """Ask as one of the sample accounts; nobody where the name is empty."""
    texts: dict[str, str] = {}

    def call(body: Any, *, by: str = "ops", slug: str = "claims", at: str = "", method: str = "POST") -> Any:
        headers = {}
        if by:
            if by not in texts:
                texts[by] = tokens.issue(name=by, by=people[by], user=people[by])[1]
            headers["Authorization"] = f"Bearer {texts[by]}"
        data = body if isinstance(body, str) else json.dumps(body)
        path = f"/api/v1/use-cases/{slug}/what-if{at}"
        return client.generic(method, path, data, content_type="application/json", headers=headers)

    return call


@pytest.fixture
def past(use_case: UseCase) -> None:
    """Ten requests of the last days, of which both models' answers are known, and one of last year."""
    for number in range(11):
        sure = 0.55 + number / 25
        Decision.objects.create(
            id=UUID(str(uuid7())),
            request_id=f"r-{number}",
            use_case="claims",
            at=timezone.now() - timedelta(hours=number + 1) - timedelta(days=400 if number == 10 else 0),
            received_at=timezone.now() - timedelta(minutes=1),
            text=f"Request {number}",
            model="large",
            action="answer",
            tried=[
                {"model": m, "confidence": sure, "cost_usd": c, "latency_ms": 500.0, "correct": number > 4}
                for m, c in (("small", 0.001), ("large", 0.01))
            ],
        )


def test_the_impact_has_the_parts_that_the_contract_names(past: None, ask: Ask) -> None:
    answer = ask({"document": claims(0.7), "window": "all"})
    assert answer.status_code == 200
    found = json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

    Impact.model_validate(found)
    assert found["decisions"] == 11
    assert found["took_ms"] > 0
    for side in (found["live"], found["draft"]):
        assert side["answered"] + side["reviewed"] + side["escalated"] == 11
        assert sum(side["by_model"].values()) == 11
        for name in NUMBERS:
            assert set(side[name]) == {"value", "low", "high", "n", "badge"}
    assert found["draft"]["answered"] > found["live"]["answered"]
    assert found["live"]["correct"]["badge"] == "measured"
    assert found["live"]["correct"]["value"] == pytest.approx(6 / 11)
    assert {(cell["live"], cell["draft"]) for cell in found["matrix"]} >= {("review", "answer")}
    assert sum(cell["count"] for cell in found["matrix"]) == 11
    assert (found["live_version"], found["complete"]) == (1, True)


@pytest.mark.parametrize(
    ("window", "decisions"),
    [(None, 10), ({"days": 7}, 10), ({"days": 0.1}, 2), ({"decisions": 3}, 3), ("all", 11)],
)
def test_the_window_is_the_last_seven_days_unless_the_caller_says_otherwise(
    past: None, ask: Ask, window: Any, decisions: int
) -> None:
    body = {"document": claims()} | ({"window": window} if window else {})
    assert ask(body).json()["decisions"] == decisions


def test_the_same_question_gets_the_same_numbers(past: None, ask: Ask) -> None:
    one, two = (ask({"document": claims(0.7), "window": {"decisions": 9}}).json() for _ in range(2))
    for found in (one, two):
        del found["took_ms"], found["as_of"]
    assert one == two


def test_the_moved_decisions_are_listed_where_the_caller_wants_them(past: None, ask: Ask) -> None:
    found = ask({"document": claims(0.7), "window": "all", "ids": 2}).json()
    moved = next(cell for cell in found["matrix"] if cell["live"] == "review" and cell["draft"] == "answer")
    assert 0 < len(moved["ids"]) <= 2
    assert Decision.objects.filter(pk__in=moved["ids"]).count() == len(moved["ids"])


def test_every_fault_of_document_and_window_is_told_at_once(use_case: UseCase, ask: Ask) -> None:
    document = claims() | {"bands": [], "surprise": 1}
    answer = ask({"document": document, "window": {"days": -1}})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    paths = [error["path"] for error in answer.json()["errors"]]
    assert {"bands", "surprise", "window.days"} <= set(paths)
    for body in (
        {},
        {"document": 7},
        {"document": claims(), "window": 7},
        {"document": claims(), "windows": 1},
    ):
        assert ask(body).status_code == 422
    assert ask("{").status_code == 400


def test_who_may_look_may_ask_and_nobody_else(use_case: UseCase, ask: Ask, people: dict[str, User]) -> None:
    body = {"document": claims()}
    assert ask(body, by="risk").status_code == 200
    assert ask(body, by="stranger").status_code == 404
    assert ask(body, by="stranger", slug="nothing").status_code == 404
    assert ask(body, by="").status_code == 401


def test_who_has_to_wait_too_long_is_told_how_far_it_is(
    past: None, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routing.history import SHARED, Busy, Progress, Window

    def busy(use_case: str, window: Window) -> None:
        raise Busy(Progress(4_000, 100_000, loading=True))

    monkeypatch.setattr(SHARED, "window", busy)
    answer = ask({"document": claims()})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (answer.json()["rows"], answer.json()["expected"]) == (4_000, 100_000)
    assert "4,000 of 100,000" in answer.json()["detail"]


def test_a_window_may_lie_between_two_moments(past: None, ask: Ask) -> None:
    now = timezone.now()
    between = {
        "since": (now - timedelta(hours=6, minutes=30)).isoformat(),
        "until": (now - timedelta(hours=2, minutes=30)).isoformat(),
    }
    assert ask({"document": claims(), "window": between}).json()["decisions"] == 4
    assert ask({"document": claims(), "window": {"until": between["until"]}}).json()["decisions"] == 9
    answer = ask({"document": claims(), "window": {"since": "yesterday", "until": 7}, "against": 9})
    assert [error["path"] for error in answer.json()["errors"]] == [
        "window.since",
        "window.until",
        "against",
    ]
    backwards = {"since": between["until"], "until": between["since"]}
    assert ask({"document": claims(), "window": backwards}).json()["errors"][0]["path"] == "window.until"
    both = between | {"days": 3}
    assert ask({"document": claims(), "window": both}).json()["errors"][0]["path"] == "window"


def test_a_result_is_kept_read_and_computed_again(past: None, ask: Ask) -> None:
    question = {"document": claims(0.7), "window": "all", "keep": True, "note": "For the board"}
    kept = ask(question).json()
    Impact.model_validate(kept)
    assert kept["decisions"] == 11
    assert kept["kept"]["url"].endswith(f"/use-cases/claims/what-if/{kept['kept']['id']}")
    at = f"/{kept['kept']['id']}"

    found = ask("", at=at, method="GET", by="risk").json()
    Kept.model_validate(found)
    assert (found["note"], found["kept_by"], found["format"]) == ("For the board", "ops", "kept-impact/1")
    assert found["inputs"]["document"] == claims(0.7)
    assert found["answer"] == {key: value for key, value in kept.items() if key != "kept"}

    again = ask("", at=f"{at}/again", by="risk").json()
    Again.model_validate(again)
    assert (again["same"], again["sentences"], again["differences"]) == (True, [], [])


def test_who_may_only_look_keeps_nothing_and_a_stranger_finds_nothing(past: None, ask: Ask) -> None:
    question = {"document": claims(0.7), "keep": True}
    assert ask(question, by="risk").status_code == 403
    assert ask(question, by="stranger").status_code == 404
    at = f"/{ask(question).json()['kept']['id']}"
    for method, path in (("GET", at), ("POST", f"{at}/again")):
        assert ask("", at=path, method=method, by="stranger").status_code == 404
        assert ask("", at=path, method=method, by="").status_code == 401
    assert ask("", at=f"/{UUID(int=0)}", method="GET").status_code == 404
    answer = ask(question | {"document": claims() | {"bands": []}, "window": {"days": 0}})
    assert {"bands", "window.days"} <= {error["path"] for error in answer.json()["errors"]}


def test_the_decisions_behind_a_cell_are_read_in_pages(past: None, ask: Ask) -> None:
    question = {"document": claims(0.7), "live": "review", "draft": "answer"}
    found = ask(question | {"limit": 2}, at="/cases").json()
    Cases.model_validate(found)
    whole = ask({"document": claims(0.7)}).json()["matrix"]
    cell = next(one for one in whole if (one["live"], one["draft"]) == ("review", "answer"))
    assert (found["cell"]["count"], found["total"], len(found["cases"])) == (cell["count"], cell["count"], 2)
    first = found["cases"][0]
    assert first["text"] == "Request 4"
    assert (first["live"]["action"], first["live"]["queue"]) == ("review", "claims-desk")
    assert (first["draft"]["action"], first["correct"], first["label"]) == ("answer", False, "census")

    right = ask(question | {"verdict": "right", "words": "request"}, at="/cases").json()
    assert [case["text"] for case in right["cases"]] == ["Request 5", "Request 6", "Request 7"]
    assert ask(question | {"limit": 501, "verdict": "x"}, at="/cases").status_code == 422
    assert ask(question, at="/cases", by="stranger").status_code == 404


def test_every_question_is_in_the_documentation(client: Client) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    base = "/api/v1/use-cases/{slug}/what-if"
    for path, method in (("", "post"), ("/cases", "post"), ("/{pk}", "get"), ("/{pk}/again", "post")):
        assert paths[base + path][method]["summary"]
