"""The page of tokens: what is on it, in which order, and what a refused form keeps. Django's parts come late."""

import csv
import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.signing_in import come_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase


@pytest.fixture
def browser(client: "Client", ops: "User") -> "Client":
    """That of somebody with sixty tokens: one revoked, one that has ended, the rest work."""
    from django.utils import timezone

    from console.models import Token

    now = timezone.now()
    for number in range(60):
        token = Token.objects.create(
            name=f"script-{number:02}",
            prefix="oc_aaaaaa",
            digest=str(number),
            user=ops,
            expires_at=now + timedelta(days=200 - number),
            revoked_at=now if number == 1 else None,
        )
        Token.objects.filter(pk=token.pk).update(created_at=now - timedelta(days=number))
    Token.objects.filter(name="script-02").update(expires_at=now - timedelta(days=1))
    return come_in(client, ops)


def names(browser: "Client", query: str = "") -> list[str]:
    answer = browser.get(f"/tokens{query}")
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"><b>([^<]+)<', answer.content.decode())


def test_tokens_that_work_come_first_and_the_others_when_asked_for(browser: "Client") -> None:
    assert names(browser)[:3] == ["script-00", "script-03", "script-04"], "newest first, none that is over"
    assert len(names(browser)) == 50
    assert len(names(browser, "?page=2")) == 8
    assert names(browser, "?state=over") == ["script-01", "script-02"]
    assert names(browser, "?state=all&q=SCRIPT-0")[:2] == ["script-00", "script-01"]
    assert names(browser, "?sort=ends")[0] == "script-59"
    assert "No token fits this filter" in browser.get("/tokens?q=nothing").content.decode()


def test_tokens_are_taken_along_as_csv_without_a_text(browser: "Client", ops: "User") -> None:
    answer = browser.get("/tokens.csv?state=over")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [(row["name"], bool(row["revoked"])) for row in rows] == [
        ("script-01", True),
        ("script-02", False),
    ]
    assert "digest" not in rows[0]


def test_an_admin_has_the_tokens_of_assistants_on_a_page_of_their_own(
    browser: "Client", ops: "User", admin: "User", use_case: "UseCase"
) -> None:
    from console import tokens

    tokens.issue(name="desk", by=admin, use_cases=["claims"])
    assert "desk" not in names(browser, "?of=assistants"), "ops makes none, so sees none"
    come_in(browser, admin)

    assert names(browser) == []
    page = browser.get("/tokens?of=assistants").content.decode()
    assert names(browser, "?of=assistants") == ["desk"]
    assert page.count(">Create</button>") == 1
    assert "claims" in b"".join(browser.get("/tokens.csv?of=assistants")).decode()


def test_a_refused_form_says_beside_the_field_what_is_wrong_and_keeps_what_was_typed(
    browser: "Client", admin: "User", use_case: "UseCase"
) -> None:
    form = {"name": "script-05", "scope": "read", "days": "365"}
    page = browser.post("/tokens", form).content.decode()
    field = re.findall(r'<input[^>]+id="name"[^>]*>', page)[0]
    assert all(
        part in field for part in ('value="script-05"', 'aria-invalid="true"', "name-why", "autofocus")
    )
    assert "There is a token named “script-05” already" in page
    assert re.search(r'value="read" checked', page)
    assert re.search(r'value="365" selected', page)

    come_in(browser, admin)
    page = browser.post("/tokens", {"kind": "assistant", "name": "desk"}).content.decode()
    assert 'id="use-cases-why"' in page
    assert 'value="desk"' in page


def test_whoever_revokes_comes_back_to_the_page_it_was_done_on(
    browser: "Client", ops: "User", admin: "User"
) -> None:
    from console.models import Token

    one, other = Token.objects.filter(name__in=["script-05", "script-06"])
    back = browser.post(f"/tokens/{one.pk}/revoke", {"next": "/tokens?q=script&page=2"})
    assert back.headers["Location"] == "/tokens?q=script&page=2"
    come_in(browser, admin)
    assert f'value="/people/{ops.pk}"' in browser.get(f"/people/{ops.pk}").content.decode()
    back = browser.post(f"/tokens/{other.pk}/revoke", {"next": "https://elsewhere.example/"})
    assert back.headers["Location"] == "/tokens"


def test_a_token_that_was_just_rotated_does_not_count_as_unused(ops: "User") -> None:
    from django.utils import timezone

    from console import tokens
    from console.models import Token

    old = tokens.issue(name="old", by=ops, user=ops)[0]
    Token.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    old.refresh_from_db()
    assert tokens.worry(old) == "Unused for a month: revoke it"
    assert tokens.worry(tokens.rotate(token=old, by=ops)[0]) == ""
