"""The decisions behind a cell of the matrix: which they are, what is said of each, how one finds some of them."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from routing.actions import outcomes
from routing.models import Decision
from tests.documents import claims
from usecases.actions import drafts, versions
from usecases.models import UseCase

PATH = "/use-cases/claims/cases?live=review&draft=answer"
Past = Callable[..., list[Decision]]


@pytest.fixture
def past(decide: Any, use_case: UseCase) -> Past:
    """Return what stores decisions of one confidence each, by the large model, judged by the desk where not None."""

    def stored(*pairs: tuple[float, bool | None], **said: Any) -> list[Decision]:
        found = []
        for number, (confidence, correct) in enumerate(pairs):
            tried = [{"model": "small", "confidence": 0.1, "cost_usd": 0.001, "latency_ms": 300.0}]
            tried.append({"model": "large", "confidence": confidence, "cost_usd": 0.009, "latency_ms": 700.0})
            plain = {"model": "large", "tried": tried, "confidence": confidence, "signal": "verbalised"}
            plain |= {"action": "review", "band": "review", "answer": f"Answer {number}."}
            plain |= {"at": timezone.now() - timedelta(minutes=number + 1)}
            made: Decision = decide("claims", **({"text": f"Request {number}"} | plain | said))
            if correct is not None:
                word = outcomes.Word("claims", correct, "claims-desk", timezone.now(), decision_id=made.pk)
                outcomes.store([word])
            found.append(made)
        return found

    return stored


@pytest.fixture
def as_ops(client: Client, ops: User, use_case: UseCase) -> Client:
    client.force_login(ops)
    drafts.edit(draft=drafts.open_for(use_case=use_case, by=ops), document=claims(0.7), by=ops)
    return client


def shown(client: Client, query: str = "") -> str:
    answer = client.get(PATH + query)
    assert answer.status_code == 200
    return answer.content.decode()


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def requests(html: str) -> list[str]:
    """Return the requests in the table, from top to bottom."""
    return re.findall(r'class="title text"[^>]*>([^<]+)<', html)


def test_the_cases_of_a_cell_are_told_with_answer_verdict_and_both_ways(as_ops: Client, past: Past) -> None:
    past((0.8, True), (0.75, False), (0.72, None), (0.65, True), (0.9, True))
    html = shown(as_ops)

    assert requests(html) == ["Request 0", "Request 1", "Request 2"]
    said = text(html)
    assert "From review to answer" in said
    assert "3 60.0% of those replayed" in said
    assert "large: Answer 1." in said
    row = text(html[html.index("Request 1") : html.index("Request 2")])
    assert "Wrong the desk that had it 0.75" in row
    assert "To review claims-desk · large Answered large" in row
    assert "$0.010 1.0 s" in row
    assert text(html[html.index("Request 2") :]).count("none yet") == 1


def test_the_line_on_top_says_how_many_are_wrong_among_those_with_a_verdict(
    as_ops: Client, past: Past
) -> None:
    past(*[(0.8, number != 3) for number in range(10)])
    top = text(re.search(r'<dl class="stats" id="cell">.*?</dl>', shown(as_ops), re.S)[0])  # type: ignore[index]
    assert "Wrong among those with a verdict measured 10.0% 0.3% to 44.5%, 95%; 10 verdicts" in top
    assert "Models cost a task, live $0.010 Models cost a task, draft $0.010" in top


def test_a_few_verdicts_of_the_desk_are_no_error_rate(as_ops: Client, past: Past) -> None:
    past((0.8, True), (0.8, False), *[(0.8, None)] * 8)
    said = text(shown(as_ops))
    assert "not knowable — 2 of 10 have a verdict: that says nothing of the others" in said
    assert "wrong (1) right (1) none (8)" in said


def test_the_newest_fifty_come_first_and_the_others_a_page_later(as_ops: Client, past: Past) -> None:
    past(*[(0.8, None)] * 53)
    first, second = shown(as_ops), shown(as_ops, "&skip=50")
    assert requests(first) == [f"Request {number}" for number in range(50)]
    assert requests(second) == ["Request 50", "Request 51", "Request 52"]
    assert "1–50 of 53" in text(first)
    assert ("Newer" in text(first), "Older" in text(first)) == (False, True)
    assert ("Newer" in text(second), "Older" in text(second)) == (True, False)
    assert "No more decisions" in shown(as_ops, "&skip=100")


def test_they_are_found_by_verdict_by_rule_and_by_words(as_ops: Client, past: Past) -> None:
    past((0.8, True), (0.75, False), (0.72, None))
    past((0.95, False), attributes={"tier": "vip"}, text="A vip asks")
    assert requests(shown(as_ops, "&verdict=wrong")) == ["Request 1"]
    assert requests(shown(as_ops, "&verdict=none")) == ["Request 2"]
    assert requests(shown(as_ops, "&q=request+2")) == ["Request 2"]
    assert requests(shown(as_ops, "&q=nothing")) == []
    assert "Nothing fits this filter" in shown(as_ops, "&q=nothing")

    same = as_ops.get("/use-cases/claims/cases?live=answer&draft=answer").content.decode()
    assert requests(same) == ["A vip asks"]
    assert "High stakes start large (1)" in same
    assert (
        requests(as_ops.get("/use-cases/claims/cases?live=answer&draft=answer&rule=-").content.decode()) == []
    )


def test_all_of_them_are_sent_as_csv(as_ops: Client, past: Past) -> None:
    made = past((0.8, True), (0.75, False))
    answer = as_ops.get(PATH.replace("cases?", "cases.csv?") + "&verdict=wrong")
    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))  # type: ignore[attr-defined]
    assert [row["id"] for row in rows] == [str(made[1].pk)]
    assert rows[0]["verdict"] == "wrong"
    assert (rows[0]["old_queue"], rows[0]["new_action"], rows[0]["new_model"]) == (
        "claims-desk",
        "answer",
        "large",
    )


def test_without_a_decision_in_it_a_cell_says_so(as_ops: Client, past: Past) -> None:
    past((0.3, None))
    assert "No decision moves from review to answer" in text(shown(as_ops))
    for query in ("live=x&draft=y", "", "live=answer&draft=answer&skip=7&verdict=x&rule=y&window=z"):
        assert as_ops.get(f"/use-cases/claims/cases?{query}").status_code == 200


def test_a_draft_with_faults_says_what_to_do_first(as_ops: Client, use_case: UseCase, ops: User) -> None:
    faulty = claims() | {"bands": []}
    drafts.edit(draft=drafts.open_for(use_case=use_case, by=ops), document=faulty, by=ops)
    answer = as_ops.get(PATH)
    assert answer.status_code == 422
    assert "The draft has faults" in answer.content.decode()


def test_a_versions_cases_are_those_before_it_and_those_since(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past((0.8, True))
    versions.apply(use_case=use_case, document=claims(0.75), by=ops, reason="Peak", expected_version=1)
    past((0.78, None), at=timezone.now() + timedelta(seconds=1), text="Asked since")
    then, since = (shown(as_ops, f"&version=2&window={part}") for part in ("then", "since"))
    assert requests(then) == ["Request 0"]
    assert requests(since) == ["Asked since"]
    assert "under r1 and under r2" in text(then)
    for number in (1, 9):
        assert as_ops.get(PATH + f"&version={number}").status_code == 404
