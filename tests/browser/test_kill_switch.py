"""The switch as somebody on call presses it: one click, every assistant obeys, the page says how long it took."""

import re
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.stack import Stack

STACK = {"samples": True, "assistants": 2, "worker": True}
ASSISTANTS = ("assistant-1", "assistant-2")
PHONE = Look(390, "light")
TOOK = re.compile(r"confirmed .*?[0-9.]+ (ms|s)\b")


@pytest.fixture(autouse=True)
def everything_live(stack: Stack) -> None:
    """Each story begins with all use cases live on both assistants."""
    for use_case in stack.api("GET", "/api/v1/use-cases").json():
        stack.api("POST", f"/api/v1/use-cases/{use_case['slug']}/restore")
    settle(stack, "refund-answers")


def settle(stack: Stack, slug: str) -> None:
    """Wait until every assistant has confirmed the newest version."""
    deadline = time.monotonic() + 20
    while stack.api("GET", f"/api/v1/use-cases/{slug}/convergence").json()["converged_at"] is None:
        assert time.monotonic() < deadline, "the assistants did not converge"
        time.sleep(0.1)


def answers(stack: Stack, slug: str = "refund-answers") -> list[httpx.Response]:
    """Ask each assistant once."""
    return [stack.chat(name, slug, "Can I return shoes that I have worn once?") for name in ASSISTANTS]


def decisions(stack: Stack, slug: str = "refund-answers") -> list[dict[str, object]]:
    return [answer.json()["decision"] for answer in answers(stack, slug)]


def expect_one_click_to_stop_and_one_to_restore(page: Page, stack: Stack) -> None:
    """Press the switch on a use case's page, see both assistants obey, and bring the version back."""
    page.goto("/use-cases/refund-answers/")
    live = stack.api("GET", "/api/v1/use-cases/refund-answers").json()
    page.get_by_role("button", name="To baseline").click()

    expect(page.locator("#banner")).to_contain_text(TOOK)
    expect(page.locator("#state")).to_contain_text("On baseline since")
    message = live["message"]
    for answer in answers(stack):
        body = answer.json()
        assert body["choices"][0]["message"]["content"] == message
        assert (body["decision"]["reason"], body["decision"]["model"]) == ("DISABLED", None)
    expect(page.locator("#banner")).to_contain_text(message)

    page.wait_for_timeout(
        800
    )  # the second half of a double click must not undo the first; a person reads first
    page.get_by_placeholder("Why? (optional)").fill("Checked")
    page.get_by_role("button", name=re.compile("Restore r")).click()
    expect(page.locator("#state")).to_contain_text("on 2 of 2")
    expect(page.locator("#state")).to_contain_text("Live")
    restored = stack.api("GET", "/api/v1/use-cases/refund-answers").json()
    assert restored["digest"] == live["digest"]
    assert {decision["digest"] for decision in decisions(stack)} == {live["digest"]}


def test_one_click_reaches_both_assistants_and_restore_brings_the_version_back(
    page: Page, stack: Stack
) -> None:
    expect_one_click_to_stop_and_one_to_restore(page, stack)

    page.goto("/use-cases/refund-answers/changes")
    expect(page.get_by_role("main")).to_contain_text("Sent to baseline")
    expect(page.get_by_role("main")).to_contain_text(TOOK)


def test_the_switch_works_with_the_worker_and_redis_stopped(page: Page, stack: Stack) -> None:
    stack.kill("worker")
    stack.kill("beat")
    stack.stop_redis()
    try:
        expect_one_click_to_stop_and_one_to_restore(page, stack)
    finally:
        stack.start_redis()
        stack.start_worker()
        stack.start_beat()


def test_a_double_click_stops_and_nothing_else(page: Page, stack: Stack) -> None:
    page.goto("/use-cases/refund-answers/")
    page.get_by_role("button", name="To baseline").dblclick(delay=40)
    page.wait_for_timeout(600)
    expect(page.locator("#state")).to_contain_text("On baseline since")
    assert stack.api("GET", "/api/v1/use-cases/refund-answers").json()["state"] == "baseline"


def test_from_baseline_review_is_one_click_too(page: Page, stack: Stack) -> None:
    page.goto("/use-cases/refund-answers/")
    page.get_by_role("button", name="To baseline").click()
    expect(page.locator("#banner")).to_contain_text(TOOK)
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Review everything").click()
    expect(page.locator("#state")).not_to_contain_text("On baseline")
    assert stack.api("GET", "/api/v1/use-cases/refund-answers").json()["state"] == "review_all"


def test_an_assistant_that_starts_afterwards_begins_on_the_baseline(page: Page, stack: Stack) -> None:
    page.goto("/use-cases/refund-answers/tune")
    page.get_by_role("button", name="To baseline").click()
    expect(page.locator("#banner")).to_contain_text(TOOK)

    stack.start_assistant("assistant-3", ["refund-answers"])
    body = stack.chat("assistant-3", "refund-answers", "Can I return shoes?").json()

    assert body["decision"]["reason"] == "DISABLED"
    page.reload()
    expect(page.locator("#banner")).to_contain_text("3 assistants confirmed")
    stack.kill("assistant-3", 15)


def test_the_middle_step_sends_every_answer_to_a_person(page: Page, stack: Stack) -> None:
    page.goto("/use-cases/refund-answers/")
    page.get_by_role("button", name="Review everything").click()
    expect(page.locator("#banner")).to_contain_text(TOOK)

    assert all(decision["action"] != "answer" for decision in decisions(stack))
    page.get_by_role("button", name="To baseline").click()
    expect(page.locator("#state")).to_contain_text("On baseline")


def test_what_customers_read_can_be_edited_while_it_is_stopped(page: Page, stack: Stack) -> None:
    page.goto("/use-cases/refund-answers/")
    page.get_by_role("button", name="To baseline").click()
    page.get_by_text("Edit message").click()
    page.get_by_label("What customers read").fill("Please call us today.")
    page.get_by_role("button", name="Show this to customers").click()
    expect(page.locator("#banner")).to_contain_text("Please call us today.")
    expect(page.locator("#banner")).to_contain_text(TOOK)

    texts = {answer.json()["choices"][0]["message"]["content"] for answer in answers(stack)}
    assert texts == {"Please call us today."}


def test_all_use_cases_stop_at_one_click_on_a_phone(open_page: Callable[..., Page], stack: Stack) -> None:
    page = open_page(by="admin", look=PHONE)
    page.goto("/")
    page.get_by_role("button", name="All to baseline").click()
    expect(page.get_by_text("On baseline since")).to_have_count(3)

    slugs = [use_case["slug"] for use_case in stack.api("GET", "/api/v1/use-cases").json()]
    for slug in slugs:
        settle(stack, slug)
        assert {decision["reason"] for decision in decisions(stack, slug)} == {"DISABLED"}
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Restore").first.click()
    expect(page.get_by_text("On baseline since")).to_have_count(0)


def test_a_row_of_the_portfolio_is_a_thumbs_width_from_the_switch(
    open_page: Callable[..., Page], stack: Stack
) -> None:
    page = open_page(by="ops", look=PHONE)
    page.goto("/")
    button = page.get_by_role("button", name="To baseline").filter(visible=True).nth(1)
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    button.click()
    expect(page.get_by_text("On baseline since")).to_have_count(1)


def test_the_switch_works_without_javascript(open_page: Callable[..., Page], stack: Stack) -> None:
    page = open_page(by="ops", java_script_enabled=False)
    page.goto("/use-cases/refund-answers/")
    page.get_by_role("button", name="To baseline").click()
    expect(page.locator("#state")).to_contain_text("On baseline since")
    assert {decision["reason"] for decision in decisions(stack)} == {"DISABLED"}
