"""The list of accounts as an admin goes through it. Django's parts come late."""

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


@pytest.fixture
def browser(client: "Client", admin: "User", ops: "User") -> "Client":
    """An admin's, in a console of sixty people more."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    User.objects.bulk_create(
        User(username=f"person-{number:02}", last_login=timezone.now() - timedelta(days=number))
        for number in range(60)
    )
    return come_in(client, admin)


def names(browser: "Client", query: str = "") -> list[str]:
    answer = browser.get(f"/people{query}")
    assert answer.status_code == 200
    return re.findall(r'class="title" href="/people/\d+">([^<]+)<', answer.content.decode())


def test_people_are_found_by_name_by_group_and_by_what_is_amiss(browser: "Client", ops: "User") -> None:
    from django.contrib.auth.models import User

    User.objects.filter(username="person-07").update(is_active=False)

    assert names(browser, "?q=PERSON-3") == [f"person-3{number}" for number in range(10)]
    assert names(browser, "?group=operations") == ["ops"]
    assert names(browser, "?state=off") == ["person-07"]
    assert "person-07" not in names(browser, "?state=bare&q=person-0")
    assert "person-01" not in names(browser, "?state=never")
    assert "Nobody fits this filter" in browser.get("/people?q=nobody-at-all").content.decode()


def test_people_are_sorted_by_the_head_that_was_clicked_and_shown_in_parts(browser: "Client") -> None:
    everybody = names(browser) + names(browser, "?page=2")
    assert len(names(browser)) == 50
    assert everybody == sorted(everybody)
    assert names(browser, "?sort=seen&q=person")[:2] == ["person-00", "person-01"]
    assert names(browser, "?sort=nonsense&page=nonsense") == everybody[:50]
    assert 'aria-sort="descending"' in browser.get("/people?sort=seen").content.decode()


def test_people_are_taken_along_as_csv_as_the_filter_finds_them(browser: "Client", ops: "User") -> None:
    def rows(query: str) -> list[dict[str, str]]:
        answer = browser.get(f"/people.csv{query}")
        assert answer.status_code == 200
        text = b"".join(answer).decode()
        return list(csv.DictReader(io.StringIO(text)))

    assert len(rows("?q=person")) == 60
    assert [(row["account"], row["groups"], row["second_factor"]) for row in rows("?group=operations")] == [
        ("ops", "operations", "False")
    ]
    come_in(browser, ops)
    assert browser.get("/people.csv").status_code == 403


def test_what_somebody_did_is_one_click_from_their_page(browser: "Client", ops: "User") -> None:
    from audit import log

    log.record(kind="person.signed_in", sentence="ops came by.", by=ops)
    shown = browser.get(f"/people/{ops.pk}").content.decode()
    there = re.findall(r'href="(/audit[^"]+)">What they did', shown)[0]
    assert "ops came by." in browser.get(there).content.decode()
