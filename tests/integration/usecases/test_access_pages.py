"""The pages on rights: who may do what here, business units, access reviews. A stranger finds none of a use case."""

import csv
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from tests.integration.signing_in import come_in
from usecases import permissions
from usecases.models import AccessReview, BusinessUnit, Delegation, UseCase

People = dict[str, User]
TOMORROW = (timezone.now() + timedelta(days=1)).date().isoformat()


class Desk:
    """A browser without scripts: pages are read, forms are sent."""

    def __init__(self, client: Client, people: People) -> None:
        self.client, self.people = client, people

    def get(self, who: str, path: str, status: int = 200) -> str:
        self.client.force_login(self.people[who])
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        parts = answer.streaming_content if answer.streaming else [answer.content]  # type: ignore[attr-defined]
        return b"".join(parts).decode()

    def post(self, who: str, path: str, status: int = 302, **form: Any) -> str:
        come_in(self.client, self.people[who])
        answer = self.client.post(path, form)
        assert answer.status_code == status, (path, answer.status_code, answer.content[-3000:])
        return answer.content.decode()


@pytest.fixture
def desk(client: Client, people: People, use_case: UseCase) -> Desk:
    return Desk(client, people)


HERE = "/use-cases/claims/access"


def may(name: str, use_case: UseCase) -> list[str]:
    person = User.objects.get(username=name)
    return [verb for verb in permissions.WORDS if permissions.can(person, verb, use_case)]


def test_a_stranger_is_told_of_no_use_case_on_every_door(desk: Desk, use_case: UseCase) -> None:
    desk.post("admin", "/access-reviews", due_at=TOMORROW)
    row = AccessReview.objects.get().lines.all()[0]
    for path in (HERE, f"{HERE}.csv", "/access-reviews/1", "/access-reviews/1.csv"):
        desk.get("stranger", path, 404)
    for path in ("grant", "revoke", "unit", "lend", "loans/1/end"):
        assert "claims" not in desk.post(
            "stranger", f"{HERE}/{path}", 404, person="ops", verbs="tune"
        ).replace(HERE, "").replace("“claims”", "")
    desk.post("stranger", "/access-reviews/1/lines", 404, lines=f"{row.pk}:view", verdict="confirmed")
    desk.post("stranger", "/access-reviews/1/close", 404)
    assert "Claims" not in desk.get("stranger", "/access-reviews")
    desk.get("stranger", "/units", 403)
    desk.post("stranger", "/units/x/rename", 403)
    desk.post("stranger", "/access-reviews", 403, due_at=TOMORROW)


def test_everybody_who_sees_a_use_case_sees_who_may_do_what(desk: Desk) -> None:
    for who in ("ops", "risk"):
        page = desk.get(who, HERE)
        assert "group operations" in page
        assert "Give rights" not in page
        assert "Take back" not in page
        desk.post(who, f"{HERE}/grant", 403, person="stranger", verbs="tune", reason="x")
        desk.post(who, f"{HERE}/revoke", 403, group="operations")
        desk.post(who, f"{HERE}/unit", 403)
    assert "Give rights" in desk.get("admin", HERE)
    assert "<b>ops</b>" not in desk.get("admin", f"{HERE}?verb=approve")
    assert "Nobody fits this filter" in desk.get("admin", f"{HERE}?by=delegation")
    rows = list(csv.DictReader(desk.get("risk", f"{HERE}.csv?q=risk").splitlines()))
    assert [(row["person"], row["right"], row["from"]) for row in rows] == [
        ("risk", verb, "risk") for verb in ("view", "approve", "kill")
    ]


def test_an_admin_gives_and_takes_back_on_the_page(desk: Desk, use_case: UseCase) -> None:
    page = desk.post("admin", f"{HERE}/grant", 422, person="nobody", verbs=["tune"], reason="Joins")
    assert "There is no account “nobody”." in page
    assert 'value="Joins"' in page
    assert "Say why" in desk.post("admin", f"{HERE}/grant", 422, person="stranger", verbs=["tune"])
    desk.post("admin", f"{HERE}/grant", person="stranger", verbs=["tune", "kill"], reason="Joins")
    assert may("stranger", use_case) == ["view", "tune", "kill"]
    assert "given personally" in desk.get("admin", HERE)

    desk.post("admin", f"{HERE}/revoke", person="stranger", verb="kill")
    assert may("stranger", use_case) == ["view", "tune"]
    desk.post("admin", f"{HERE}/revoke", group="operations", reason="Gone")
    assert may("ops", use_case) == []
    assert "nobody who sees" in desk.post("admin", f"{HERE}/revoke", 422, group="admin")


def test_rights_are_lent_and_ended_on_the_page(desk: Desk, use_case: UseCase) -> None:
    page = desk.post("ops", f"{HERE}/lend", 422, to="ops", verbs=["tune"], until="2020-01-01", reason="")
    for words in ("Nobody lends rights to themselves.", "Choose a moment to come", "Say why"):
        assert words in page
    assert "Choose the last day." in desk.post("ops", f"{HERE}/lend", 422, to="stranger", until="soon")
    desk.post("ops", f"{HERE}/lend", 403, to="stranger", verbs=["approve"], until=TOMORROW, reason="Away")
    desk.post("ops", f"{HERE}/lend", to="stranger", verbs=["tune"], until=TOMORROW, reason="Away")
    loan = Delegation.objects.get()

    assert "lent by ops" in desk.get("stranger", HERE)
    desk.get("stranger", "/use-cases/claims/")
    desk.post("risk", f"{HERE}/loans/{loan.pk}/end", 403)
    desk.people["ops"].groups.clear()
    assert "ops does not hold this now" in desk.get("risk", HERE)
    desk.people["ops"].groups.add(Group.objects.get(name="operations"))
    desk.post("stranger", f"{HERE}/loans/{loan.pk}/end")
    desk.get("stranger", HERE, 404)
    desk.post("ops", f"{HERE}/loans/9999/end", 404)


def test_a_business_unit_is_made_filled_and_given_a_use_case(desk: Desk, use_case: UseCase) -> None:
    for who in ("ops", "risk"):
        desk.get(who, "/units", 403)
        desk.post(who, "/units", 403, slug="x", name="X")
    assert "There is a group" not in desk.get("admin", "/units")
    assert "lower-case" in desk.post("admin", "/units", 422, slug="No slug", name="Claims")
    desk.post("admin", "/units", slug="claims-unit", name="Claims")
    page = desk.post("admin", "/units/claims-unit/add", 422, role="operations", person="nobody")
    field = re.findall(r'<input[^>]+value="nobody"[^>]*>', page)[0]
    assert 'aria-invalid="true"' in field
    assert "autofocus" in field
    assert "There is no account “nobody”." in page
    page = desk.post("admin", "/units/claims-unit/rename", 422, name="")
    assert re.search(r"<details open><summary>Rename", page)
    desk.post("admin", "/units/claims-unit/add", role="operations", person="stranger")
    desk.post("admin", "/units/claims-unit/rename", name="Claims, north")
    desk.post("admin", "/units/claims-unit/burn", 404)
    desk.post("admin", f"{HERE}/unit", unit="claims-unit", reason="Theirs")

    assert may("stranger", use_case) == ["view", "tune", "kill", "review"]
    assert may("ops", use_case) == []
    shown = desk.get("stranger", HERE)
    assert "operations of the unit Claims, north" in shown
    assert "Operations, Claims, north" in shown
    assert "Guest" not in shown
    assert "Claims summarisation" in desk.get("admin", "/units")
    desk.post("admin", "/units/claims-unit/remove", role="operations", person="stranger")
    desk.get("stranger", HERE, 404)
    desk.post("admin", f"{HERE}/unit", unit="")
    assert may("ops", use_case) == ["view", "tune", "kill", "review"]
    desk.post("admin", f"{HERE}/unit", 422, unit="nowhere")
    assert BusinessUnit.objects.count() == 1


def test_an_access_review_is_gone_through_and_closed(desk: Desk, use_case: UseCase) -> None:
    desk.post("ops", f"{HERE}/lend", to="stranger", verbs=["tune"], until=TOMORROW, reason="Away")
    assert "Choose a day to come." in desk.post("admin", "/access-reviews", 422, due_at="2020-01-01")
    desk.post("admin", "/access-reviews", 422, due_at=TOMORROW, scope="use_case:nowhere")
    desk.post("admin", "/access-reviews", due_at=TOMORROW, scope="use_case:claims", reason="Every quarter")
    lines = {row.holder: f"{row.pk}:{','.join(row.verbs)}" for row in AccessReview.objects.get().lines.all()}
    there = "/access-reviews/1"
    assert "Review 1" in desk.get("ops", "/access-reviews")
    assert 'name="lines"' not in desk.get("ops", there)
    desk.post("ops", f"{there}/lines", 403, lines=[lines["risk"]], verdict="confirmed")
    assert "Needs another reviewer" in desk.get("risk", there)  # its group of one

    desk.post("risk", f"{there}/lines", lines=[lines["operations"], lines["admin"]], verdict="confirmed")
    page = desk.post(
        "admin", f"{there}/lines", 422, lines=[f"{lines['risk'].split(':')[0]}:view"], verdict="revoked"
    )
    assert "Nothing was decided." in page
    desk.post("admin", f"{there}/lines", 422, verdict="confirmed")
    desk.post("admin", f"{there}/lines", 422, lines=["x"], verdict="confirmed")
    assert "wait for a word" in desk.post("admin", f"{there}/close", 422)
    AccessReview.objects.update(due_at=timezone.now() - timedelta(days=1))
    assert "Overdue" in desk.get("admin", there)
    assert "Overdue" in desk.get("admin", "/access-reviews")
    desk.post("admin", f"{there}/lines", lines=[lines["risk"]], verdict="confirmed")
    desk.post("risk", f"{there}/lines", lines=[lines["ops → stranger"]], verdict="revoked", comment="Back")
    desk.get("stranger", HERE, 404)
    desk.post("admin", f"{there}/close")

    closed = desk.get("admin", there)
    assert "by admin," in closed
    assert "3 confirmed, 1 taken back" in closed
    assert "evoked<" not in closed
    assert "ops → stranger" not in desk.get("admin", f"{there}?verdict=confirmed")
    rows = list(csv.DictReader(desk.get("risk", f"{there}.csv?verdict=revoked").splitlines()))
    assert [(row["holder"], row["decided_by"], row["comment"]) for row in rows] == [
        ("ops → stranger", "risk", "Back")
    ]


def test_enter_beside_a_comment_takes_no_right_back_and_taking_back_asks_first(desk: Desk) -> None:
    desk.post("admin", "/access-reviews", due_at=TOMORROW, scope="use_case:claims")
    page = desk.get("admin", "/access-reviews/1")
    form = page[page.index('action="/access-reviews/1/lines"') :]
    buttons = re.findall(r'<button(?! type="button")[^>]*value="(\w+)"', form)
    assert buttons == ["confirmed", "revoked"], "a browser sends the first one on Enter"
    assert re.search(r'popovertarget="take-back">Take back<', form)


def test_what_is_gone_needs_no_word_before_a_review_is_closed(desk: Desk, use_case: UseCase) -> None:
    desk.post("admin", f"{HERE}/grant", person="stranger", verbs=["tune"], reason="Joins")
    desk.post("admin", "/access-reviews", due_at=TOMORROW, scope="use_case:claims")
    desk.post("admin", f"{HERE}/revoke", person="stranger", reason="Gone")
    lines = {row.holder: f"{row.pk}:{','.join(row.verbs)}" for row in AccessReview.objects.get().lines.all()}
    there = "/access-reviews/1"
    desk.post("risk", f"{there}/lines", lines=[lines["operations"], lines["admin"]], verdict="confirmed")
    assert "Close the review" not in desk.get("admin", there)
    desk.post("admin", f"{there}/lines", lines=[lines["risk"]], verdict="confirmed")

    assert "Close the review" in desk.get("admin", there)
    desk.post("admin", f"{there}/close")
    assert "3 confirmed, 1 gone" in desk.get("admin", there)


def test_a_long_review_is_gone_through_page_by_page(
    desk: Desk, use_case: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.views.access.LINES", 2)
    desk.post("admin", "/access-reviews", due_at=TOMORROW, scope="use_case:claims")
    there = "/access-reviews/1"
    first, second = desk.get("admin", there), desk.get("admin", f"{there}?page=2")
    refused = desk.post("admin", f"{there}/lines", 422, verdict="confirmed", query="page=2")

    assert "1 to 2 of 3" in first
    for page in (second, refused):
        assert "3 to 3 of 3" in page
        assert "Lines before" in page
