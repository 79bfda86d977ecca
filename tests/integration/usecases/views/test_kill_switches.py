"""The switch as pages show it: one click, who has confirmed, what customers read, and the way back."""

from typing import TYPE_CHECKING

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from tests.integration.usecases.views.conftest import Report
    from usecases.models import UseCase

OVERVIEW = "/use-cases/claims/"


@pytest.fixture
def signed_in(client: "Client", ops: "User", use_case: "UseCase") -> "Client":
    client.force_login(ops)
    return client


def page(client: "Client", address: str = OVERVIEW) -> str:
    return client.get(address).content.decode()


def test_one_click_stops_and_goes_back_to_where_it_was_pressed(signed_in: "Client") -> None:
    answer = signed_in.post(f"{OVERVIEW}kill", {"next": "/use-cases/claims/changes"})

    assert answer.headers["Location"] == "/use-cases/claims/changes"
    shown = page(signed_in)
    assert "On baseline since" in shown
    assert "Customers read: “A colleague is checking your claim.”" in shown
    assert "Restore r1" in shown


def test_a_live_page_stays_and_is_told_to_look_again(signed_in: "Client") -> None:
    answer = signed_in.post(f"{OVERVIEW}kill", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Trigger"]) == (204, "changed")


def test_the_way_back_never_leads_to_another_site(signed_in: "Client") -> None:
    answer = signed_in.post(f"{OVERVIEW}kill", {"next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == OVERVIEW


def test_the_banner_counts_and_names_who_is_missing(signed_in: "Client", report: "Report") -> None:
    report("claims", "assistant-1")
    report("claims", "assistant-2")
    signed_in.post(f"{OVERVIEW}kill")
    report("claims", "assistant-1")

    shown = page(signed_in)

    assert "1 of 2 confirmed the baseline" in shown
    assert "waiting for assistant-2." in shown
    assert "Going to baseline · 1 of 2" in shown
    assert '<noscript><meta http-equiv="refresh"' in shown


def test_the_banner_says_how_long_the_last_one_took(signed_in: "Client", report: "Report") -> None:
    signed_in.post(f"{OVERVIEW}kill")
    report("claims", "assistant-1")
    report("claims", "assistant-2")

    assert "All 2 assistants confirmed the baseline 0.14 s after the switch." in page(signed_in)


def test_the_middle_step_keeps_the_switch_at_hand(signed_in: "Client") -> None:
    signed_in.post(f"{OVERVIEW}kill", {"to": "review_all"})

    shown = page(signed_in)

    assert "Everything reviewed since" in shown
    assert "a person reviews every answer before it is sent" in shown
    assert "To baseline</button>" in shown


def test_editing_the_message_changes_what_customers_read(signed_in: "Client") -> None:
    signed_in.post(f"{OVERVIEW}kill")
    signed_in.post(f"{OVERVIEW}message", {"message": "We call you <today>."})

    assert "Customers read: “We call you &lt;today&gt;.”" in page(signed_in)


def test_a_message_too_long_is_refused_in_words(signed_in: "Client") -> None:
    signed_in.post(f"{OVERVIEW}kill")
    refused = signed_in.post(f"{OVERVIEW}message", {"message": "x" * 2001})

    assert refused.status_code == 422
    assert "The message has 2001 characters" in refused.content.decode()


def test_restoring_takes_one_click_and_keeps_the_reason(signed_in: "Client", use_case: "UseCase") -> None:
    signed_in.post(f"{OVERVIEW}kill")
    signed_in.post(f"{OVERVIEW}restore", {"expected_version": "2", "reason": "False alarm"})

    newest = use_case.versions.first()
    assert newest is not None
    assert (newest.number, newest.state, newest.reason) == (3, "live", "False alarm")
    assert "On baseline since" not in page(signed_in)


def test_restoring_what_somebody_changed_meanwhile_is_told(signed_in: "Client") -> None:
    signed_in.post(f"{OVERVIEW}kill")
    signed_in.post(f"{OVERVIEW}message", {"message": "Newer."})
    refused = signed_in.post(f"{OVERVIEW}restore", {"expected_version": "2"})

    assert refused.status_code == 409
    assert "Somebody else published meanwhile" in refused.content.decode()


def test_a_refusal_on_a_live_page_is_a_notice_on_it(signed_in: "Client") -> None:
    refused = signed_in.post(f"{OVERVIEW}kill", {"to": "nowhere"}, headers={"HX-Request": "true"})

    assert (refused.status_code, refused.headers["HX-Retarget"]) == (422, "#notices")
    assert "There is no step “nowhere”." in refused.content.decode()
    assert "<html" not in refused.content.decode()


def test_all_at_once_and_all_back(signed_in: "Client", admin: "User") -> None:
    from usecases.actions import use_cases
    from usecases.models import Version

    use_cases.create(slug="other", name="Other", owner="desk", document=claims(), by=admin)
    signed_in.post("/use-cases/kill")

    shown = page(signed_in, "/")
    assert "2 use cases are going" in shown or "2 use cases are on their safe state" in shown
    assert "Restore these 2" in shown
    signed_in.post("/use-cases/restore", {"use_case": ["claims", "other"]})
    assert {v.state for v in Version.objects.filter(number=3)} == {"live"}


def test_undoing_all_leaves_use_cases_of_others_alone(
    client: "Client", stranger: "User", ops: "User", use_case: "UseCase"
) -> None:
    client.force_login(ops)
    client.post(f"{OVERVIEW}kill")
    client.force_login(stranger)
    client.post("/use-cases/restore", {"use_case": ["claims"]})

    assert use_case.versions.count() == 2


def test_the_switch_needs_no_worker_and_no_redis(
    signed_in: "Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue that fails at once stands for one that is gone: the click must publish all the same."""
    from routing import tasks

    def gone(*args: object) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(tasks.apply, "delay", gone)

    assert signed_in.post(f"{OVERVIEW}kill").status_code == 302
    assert "On baseline since" in page(signed_in)


def test_what_no_database_holds_stops_no_switch_and_is_no_server_error_elsewhere(
    signed_in: "Client", risk: "User"
) -> None:
    assert signed_in.post(f"{OVERVIEW}kill", {"reason": "Wrong\0"}).status_code == 302
    assert "On baseline since" in page(signed_in)
    assert signed_in.post(f"{OVERVIEW}restore", {"expected_version": "²"}).status_code == 302

    signed_in.raise_request_exception = False
    promised = signed_in.post(f"{OVERVIEW}promise", {"wrong_at_most": "3", "reason": "a\0b"})
    signed_in.force_login(risk)
    limited = signed_in.post(f"{OVERVIEW}guardrails", {"models": "a\0", "reason": "b"})

    assert promised.status_code == 400
    assert "The request made no sense" in promised.content.decode()
    assert limited.status_code in (400, 422)
