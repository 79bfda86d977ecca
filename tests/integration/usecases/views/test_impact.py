"""The panel "What would change": what a draft would have done to stored decisions, beside what is live."""

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
from usecases.models import Draft, UseCase
from usecases.views.draft_work import work_for

PATH = "/use-cases/claims/tune/impact"
PART = {"X-Part": "1"}
Past = Callable[..., None]


@pytest.fixture
def past(decide: Any, use_case: UseCase) -> Past:
    """Return what stores audited decisions of one confidence each, by the large model, judged right where not said."""

    def stored(*confidences: float, wrong: tuple[float, ...] = (), judged: bool = True, **said: Any) -> None:
        for number, confidence in enumerate(confidences):
            tried = [{"model": "small", "confidence": 0.1, "cost_usd": 0.001, "latency_ms": 300.0}]
            tried.append({"model": "large", "confidence": confidence, "cost_usd": 0.009, "latency_ms": 700.0})
            plain = {"model": "large", "tried": tried, "confidence": confidence, "signal": "verbalised"}
            action = "answer" if confidence >= 0.85 else "review" if confidence >= 0.6 else "escalate"
            plain |= {"action": action, "band": action, "audited": judged and action == "answer"}
            made: Decision = decide(
                "claims", f"{number}: {confidence}", **(plain | {"audit_share": 1.0} | said)
            )
            if judged:
                word = outcomes.Word(
                    "claims", confidence not in wrong, "audit", timezone.now(), decision_id=made.pk
                )
                outcomes.store([word])

    return stored


@pytest.fixture
def as_ops(client: Client, ops: User, use_case: UseCase) -> Client:
    client.force_login(ops)
    return client


def begin(use_case: UseCase, ops: User, document: Any) -> None:
    drafts.edit(draft=drafts.open_for(use_case=use_case, by=ops), document=document, by=ops)


def panel(client: Client, query: str = "", **headers: str) -> str:
    answer = client.get(PATH + query, headers=headers or PART)
    assert answer.status_code == 200
    return answer.content.decode()


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def row(html: str, key: str) -> tuple[str, str, str]:
    """Return what stands in a row: its head, live, draft."""
    found = re.search(rf'<tr class="{key}">(.*?)</tr>', html, re.S)
    assert found
    parts = re.split(r'<td class="n (?:live|draft)[^>]*>', found[1])
    return text(parts[0]), text(parts[1]), text(parts[2])


def cells(html: str, kind: str) -> list[str]:
    """Return what stands in the matrix's cells of one kind."""
    return [text(found) for found in re.findall(rf'<td class="n {kind}"[^>]*>(.*?)</td>', html, re.S)]


def test_live_and_draft_stand_side_by_side_with_their_exact_numbers(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.95, 0.9, 0.88, 0.82, 0.81, 0.7, 0.65, 0.62, 0.3, 0.2, wrong=(0.88, 0.81))
    begin(use_case, ops, claims(0.8, audit_share=0.0))
    html = panel(as_ops)

    assert row(html, "answered") == (
        "Answered without a person measured from all decisions",
        "30.0%",
        "50.0%",
    )
    head, live, draft = row(html, "wrong")
    assert head == "Wrong among those at most, 95% measured from 3 → 5 labels, 100.0% of answers"
    # One-sided: 1 wrong of 3 is below 86.5% in 95 of 100 samples, 2 of 5 below 81.1%.
    assert (live, draft) == ("33.3% at most ≤ 86.5%", "40.0% at most ≤ 81.1%")
    assert row(html, "review")[2] == "3"
    assert row(html, "escalated")[1:] == ("2", "2")
    assert row(html, "wait")[1:] == ("1.0 s", "1.0 s")
    # 3 reviews at $2 and 2 escalations at $6 for 10 tasks, and a cent each for the models
    assert row(html, "cost")[2] == "$1.81 better"
    assert "10 replayed in" in text(html)
    assert "2 decisions would move from review to answer. Read them" in text(html)
    link = re.search(r'href="([^"]+)">Read them', html)
    assert link
    read = text(as_ops.get(link[1].replace("&amp;", "&")).content.decode())
    assert all(case in read for case in ("From review to answer", "3: 0.82", "4: 0.81"))
    # 2 decisions at 4 minutes of a review each
    assert re.search(
        r'title="20.0% of decisions; models .* a task; people 0.13 h → 0 h; wrong 50.0% \(', html
    )
    assert cells(html, "moved") == ["2"]
    assert cells(html, "stays") == ["3", "3", "2", "0"]


def test_the_error_is_called_better_or_worse_only_where_labels_leave_nothing_else(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(*[0.95] * 60)
    past(*[0.83] * 20, action="answer", audited=True, wrong=(0.83,))
    begin(use_case, ops, claims(0.8, audit_share=0.0))
    assert row(panel(as_ops), "wrong")[2].startswith("25.0% worse")
    versions.apply(use_case=use_case, document=claims(0.8), by=ops, reason="More", expected_version=1)
    drafts.discard(draft=drafts.open_for(use_case=use_case, by=ops), by=ops)
    begin(use_case, ops, claims(0.9))
    assert row(panel(as_ops), "wrong")[2].startswith("0.0% better")


def test_without_labels_the_error_is_told_in_words_never_as_a_number(as_ops: Client, past: Past) -> None:
    past(0.95, 0.9, 0.5, judged=False)
    head, live, draft = row(panel(as_ops), "wrong")
    assert head == "Wrong among those not knowable 0 labels for 2 answers"
    assert (live, draft) == ("—", "—")


def test_what_cannot_be_replayed_is_a_dash_with_its_share(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.9, 0.9, tried=[{"model": "small", "confidence": 0.9}], model="small")
    past(0.7, 0.5)
    document = claims()
    document["ladder"] = [{"model": "large", "accept_from": 0.0}]
    document["rules"] = []
    begin(use_case, ops, document)
    html = panel(as_ops)
    head, live, draft = row(html, "answered")
    assert (live, draft) == ("50.0%", "—")
    assert head == "Answered without a person live measured draft not knowable 50.0% cannot be replayed"
    assert "50.0% cannot be known from history" in text(html)


def test_a_threshold_whose_signal_is_not_recorded_is_said_to_be_unknowable(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.95, 0.9)
    begin(use_case, ops, claims(sensitivity=0.5, retrieval_score=0.4))
    said = "The change of the passage match and the sensitivity cannot be known from history."
    assert said in text(panel(as_ops))


def test_what_is_on_the_screen_is_replayed_and_not_saved(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.95, 0.82, 0.7)
    mark = {"seen.bands": work_for(use_case, ops).marks["bands"]}
    asked = as_ops.post(PATH, {"slide.bands.0.from": "0.8", **mark}, headers=PART).content.decode()
    assert row(asked, "answered")[1:] == ("33.3%", "66.7%")
    assert not Draft.objects.exists()
    assert row(panel(as_ops), "answered")[1:] == ("33.3%", "33.3%")

    for fields, why in (
        ({"thresholds.sensitivity": "very"}, "number"),
        ({"slide.bands.0.from": "0.8", "seen.bands": "older"}, "changed in another window"),
    ):
        refused = as_ops.post(PATH, fields, headers=PART).content.decode()
        assert "data-fault" in refused
        assert why in text(refused)
        assert "replayed in" not in text(refused)


def test_desks_are_shown_by_the_hours_of_the_reader(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    at = timezone.now().replace(hour=8, minute=10) - timedelta(days=1)
    past(*[0.7 + number / 1000 for number in range(50)], at=at)
    as_ops.cookies["tz"] = "Asia/Kolkata"
    html = as_ops.get(f"{PATH}/more").content.decode()
    desk = text(html.split("desk-Claims desk")[1].split("</figure>")[0])
    # 50 in the hour from 08:00 UTC, 13:30 in Kolkata, for 40 that the desk can take: 10 wait for a quarter of an hour.
    assert "13:30: 50.0 live, 50.0 draft" in desk
    assert "over at 13:30–14:30; up to 15 min of waiting at 13:30, the promise is kept" in desk


def test_rules_and_segments_stand_beside_each_other_in_live_and_draft(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.95, 0.82, attributes={"zone": "north", "tier": "vip"})
    past(0.9, 0.5, attributes={"zone": "south", "tier": "basic"})
    document = claims()
    document["rules"][1]["enabled"] = False
    begin(use_case, ops, document)
    html = as_ops.get(f"{PATH}/more").content.decode()
    assert "High stakes start large 2 50.0% 0 0.0%" in text(html)
    named = re.findall(r'<option value="(\w+)"( selected)?', html)
    assert named == [("tier", " selected"), ("zone", "")], "what rules read comes first"
    told = text(html)
    assert "vip 2, 50.0% measured wrong: measured 1 label" in told
    assert re.search(r"live 50.0% 50.0% 0.0% 0.0% draft 50.0% 50.0% 0.0% 0.0%", told)
    html = as_ops.get(f"{PATH}/more?by=zone").content.decode()
    assert "south 2, 50.0%" in text(html)


def test_below_the_curve_stands_what_is_missing_for_a_promise(as_ops: Client, past: Past) -> None:
    past(0.95, 0.9)
    html = as_ops.get(f"{PATH}/chart").content.decode()
    assert "Cannot be promised: 149 clean labels needed, you have 2" in text(html)


def test_the_setting_that_keeps_the_promise_is_put_into_the_draft_as_any_edit(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(*[0.9 + number / 10_000 for number in range(160)])
    html = as_ops.get(f"{PATH}/chart").content.decode()
    field = re.search(r'name="(bands\.0\.from)" value="([\d.]+)"', html)
    assert field, text(html)
    as_ops.post("/use-cases/claims/tune/edit", {field[1]: field[2], "tab": "tune"})
    assert Draft.objects.get().document["bands"][0]["from"] == float(field[2])
    assert "The draft answers from" in text(as_ops.get(f"{PATH}/chart").content.decode())


def test_how_far_the_history_is_read_is_told_without_waiting(as_ops: Client, past: Past) -> None:
    past(0.9)
    panel(as_ops)
    assert as_ops.get(f"{PATH}/progress").json() == {"loading": False, "rows": 1, "expected": 1}


def test_an_unchanged_draft_shows_what_is_live_on_both_sides(as_ops: Client, past: Past) -> None:
    past(0.95, 0.7)
    html = panel(as_ops)
    assert row(html, "answered")[1:] == ("50.0%", "50.0%")
    assert "The draft is what is live: nothing moves." in text(html)
    assert "moved" not in re.findall(r'class="n ([^"]*)"', html)


def test_a_faulty_draft_is_to_be_put_right_first(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.95)
    begin(use_case, ops, claims() | {"thresholds": {"latency_s": "soon"}})
    html = panel(as_ops)
    assert "Put the faults right first." in text(html)
    assert "replayed" not in html


def test_without_history_the_place_says_what_will_stand_there(as_ops: Client) -> None:
    for html in (panel(as_ops), as_ops.get("/use-cases/claims/tune").content.decode()):
        assert "Past decisions will stand here once assistants have made some." in text(html)


def test_it_looks_as_far_back_as_the_histogram(as_ops: Client, past: Past) -> None:
    past(0.9)
    past(0.9, 0.8, at=timezone.now() - timedelta(days=3))
    assert "3 replayed" in panel(as_ops)
    assert "1 replayed" in panel(as_ops, "?window=24h")
    assert "1 replayed" in panel(as_ops)


def test_each_tab_carries_the_place_and_waits_for_no_replay(as_ops: Client, past: Past) -> None:
    past(0.9)
    for tab in ("tune", "models", "escalation"):
        page = as_ops.get(f"/use-cases/claims/{tab}").content.decode()
        assert f'data-url="{PATH}"' in page
        assert f'href="{PATH}?tab={tab}"' in page
        assert "replayed" not in page


def test_without_javascript_it_is_a_page(as_ops: Client, past: Past) -> None:
    past(0.9)
    page = panel(as_ops, "?tab=models", accept="text/html")
    assert "<html" in page
    assert "1 replayed in" in text(page)
    assert 'href="/use-cases/claims/models">Back to the draft' in page


def test_who_may_only_look_sees_what_is_live_and_a_stranger_finds_nothing(
    client: Client, use_case: UseCase, risk: User, stranger: User, past: Past
) -> None:
    past(0.9, 0.7)
    client.force_login(risk)
    assert row(panel(client), "answered")[1:] == ("50.0%", "50.0%")
    client.force_login(stranger)
    assert client.get(PATH).status_code == 404


def test_after_a_publication_live_is_what_was_published(
    as_ops: Client, use_case: UseCase, ops: User, past: Past
) -> None:
    past(0.9, 0.8)
    versions.apply(use_case=use_case, document=claims(0.78), by=ops, reason="More", expected_version=1)
    assert row(panel(as_ops), "answered")[1:] == ("100.0%", "100.0%")
