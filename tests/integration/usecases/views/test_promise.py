"""The Promise tab: what is promised, what the labels say of it, and settings to take into the draft."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import Event
from tests.periods import BOTH, SPRING, imported
from usecases import promises
from usecases.actions import certificates, use_cases
from usecases.actions import promises as actions
from usecases.models import Certificate, Draft, UseCase

PATH = "/use-cases/claims/promise"
HTMX = {"HX-Request": "true"}
TYPED = {
    "wrong_at_most": "3",
    "confidence": "90 %",
    "cost_at_most_usd": "",
    "review_usd": "2,50",
    "review_minutes": "4",
    "escalation_usd": "$6",
    "escalation_minutes": "12",
}


@pytest.fixture
def as_ops(client: Client, ops: User, use_case: UseCase) -> Client:
    client.force_login(ops)
    return client


@pytest.fixture
def chat(admin: User, ops: User, tmp_path: Path) -> UseCase:
    """A use case with its real log of two periods."""
    use_case = use_cases.create(slug="chat", name="Chat", owner="ops", document=BOTH, by=admin).use_case
    imported(use_case, tmp_path, ops)
    return use_case


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_a_promise_is_typed_as_people_write_numbers(as_ops: Client, use_case: UseCase) -> None:
    page = as_ops.get(PATH)
    assert 'name="wrong_at_most" value="2"' in page.content.decode()
    assert "nobody has stated one" in text(page)

    assert as_ops.post(PATH, TYPED | {"reason": "Agreed"}).status_code == 302
    row = promises.of(use_case)
    assert (row.wrong_at_most, row.confidence, row.cost_at_most_usd, row.review_usd) == (0.03, 0.9, None, 2.5)
    assert Event.objects.latest("id").reason == "Agreed"

    refused = as_ops.post(PATH, TYPED | {"wrong_at_most": "few", "escalation_usd": "-1"})
    assert refused.status_code == 422
    assert 'value="few"' in refused.content.decode()
    assert "give a share from 0.01% to 50%" in text(refused)
    assert "Price of an escalation" in text(refused)
    assert promises.of(use_case).wrong_at_most == 0.03


def test_who_may_only_look_reads_the_promise_and_cannot_state_it(
    client: Client, use_case: UseCase, risk: User
) -> None:
    client.force_login(risk)
    page = client.get(PATH)
    assert "State this promise" not in text(page)
    assert "readonly" in page.content.decode()
    assert client.post(PATH, TYPED).status_code == 403
    assert client.post(f"{PATH}/certify").status_code == 403
    assert client.post(f"{PATH}/use", {"answer_from": "0.9"}).status_code == 403


def test_without_labels_the_page_says_what_is_missing(as_ops: Client) -> None:
    for part in ("labels", "ladders"):
        answer = as_ops.get(f"{PATH}/{part}", headers=HTMX)
        assert answer.status_code == 200
        assert "Cannot be promised." in text(answer)
    said = text(as_ops.get(f"{PATH}/labels", headers=HTMX))
    assert "149 clean labels" in said
    assert "Put into my draft" not in said
    refused = as_ops.post(f"{PATH}/certify")
    assert refused.status_code == 422
    assert "149 clean labels" in text(refused)


def test_the_certificate_the_recommendation_and_both_charts_stand_on_the_page(
    client: Client, chat: UseCase, ops: User
) -> None:
    client.force_login(ops)
    path = "/use-cases/chat/promise"
    actions.state(use_case=chat, promise={"wrong_at_most": 0.03}, by=ops)
    certificates.issue(use_case=chat, by=ops, window={"until": SPRING})
    said = text(client.get(f"{path}/labels", headers=HTMX))
    assert "No longer supported by the labels since" in said
    assert "2.05% → 4.07% wrong among answered" in said
    assert "Out of scope (category): 3% → 18% of requests" in said
    assert "Cannot be certified now." in said

    actions.state(use_case=chat, promise={"wrong_at_most": 0.05}, by=ops)
    answer = client.get(f"{path}/labels", headers=HTMX)
    assert "cheapest with at most 5.0% wrong among answered" in text(answer)
    assert "You promise something else by now: “At most 5.0% wrong among answered" in text(answer)
    assert 'id="curve-figure"' in answer.content.decode()
    assert client.post(f"{path}/certify", {"reason": "New promise"}).status_code == 302
    assert Certificate.objects.count() == 2
    said = text(client.get(f"{path}/labels", headers=HTMX))
    assert "Holds; no labels since" in said
    assert "Earlier certificates" in said

    ladders = client.get(f"{path}/ladders").content.decode()
    assert 'id="frontier-figure"' in ladders
    assert "No ladder is better" in ladders


def test_a_recommended_setting_goes_into_the_draft_as_it_was_shown(
    client: Client, chat: UseCase, ops: User
) -> None:
    client.force_login(ops)
    actions.state(use_case=chat, promise={"wrong_at_most": 0.05}, by=ops)
    shown = client.get("/use-cases/chat/promise/ladders", headers=HTMX).content.decode()
    wish = {name: re.findall(rf'name="{name}" value="([^"]+)"', shown) for name in ("answer_from", "rung")}
    answer = client.post("/use-cases/chat/promise/use", wish)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/use-cases/chat/models")
    document = Draft.objects.get(use_case=chat).document
    assert [f"{rung['model']}:{rung['accept_from']}" for rung in document["ladder"]] == wish["rung"]
    assert document["bands"][0]["from"] == float(wish["answer_from"][0])
    assert "This is what your draft says." in text(client.get("/use-cases/chat/promise/ladders"))

    assert (
        client.post("/use-cases/chat/promise/use", {"answer_from": "0.8"})
        .headers["Location"]
        .endswith("/tune")
    )
    assert Draft.objects.get(use_case=chat).document["bands"][0]["from"] == 0.8
    for strange in ({"answer_from": "nan"}, {"answer_from": "0.8", "rung": "gone:0"}, {}):
        assert client.post("/use-cases/chat/promise/use", strange).status_code == 422
    assert Draft.objects.get(use_case=chat).document["bands"][0]["from"] == 0.8


def test_while_history_is_read_for_somebody_else_each_part_says_how_far_it_is(
    as_ops: Client, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routing.history import SHARED

    monkeypatch.setattr(SHARED, "wait_seconds", 0.01)
    as_ops.get(f"{PATH}/labels")
    with SHARED._turn(SHARED._entry("claims")):
        for part in ("labels", "ladders"):
            answer = as_ops.get(f"{PATH}/{part}", headers=HTMX)
            assert "Reading history:" in text(answer)
            assert f"/promise/{part}" in answer.content.decode()
        refused = as_ops.post(f"{PATH}/certify")
        assert refused.status_code == 422
        assert "Ask again in a moment" in text(refused)
