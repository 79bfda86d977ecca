"""Whole stories of agreeing: past the lane, past everybody for an hour, and out of a safe state."""

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.stack import Stack

STACK = {"samples": True, "assistants": 1, "worker": True}
SLUG = "claims-summary"
HERE = f"/use-cases/{SLUG}"
PHONE = Look(390, "dark")


@pytest.fixture(autouse=True)
def one_approval(stack: Stack) -> None:
    """Past the lane it takes one approval; to leave a safe state one too."""
    guarded = stack.api("GET", f"/api/v1/use-cases/{SLUG}/guardrails").json()
    asked = guarded | {"approvals": 1, "approvals_to_restore": 1}
    assert stack.api("PUT", f"/api/v1/use-cases/{SLUG}/guardrails", by="risk", json=asked).is_success


def live(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.api("GET", f"/api/v1/use-cases/{SLUG}").json()
    return found


def answers_from(stack: Stack) -> float:
    found: float = live(stack)["document"]["bands"][0]["from"]
    return found


def enforced(stack: Stack) -> dict[str, Any]:
    """What the running assistant says it decided by."""
    found: dict[str, Any] = stack.chat("assistant-1", SLUG, "Water came in.").json()["decision"]
    return found


def until_enforced(stack: Stack) -> None:
    """Wait until the assistant decides by the newest version."""
    deadline = time.monotonic() + 20
    while enforced(stack)["digest"] != live(stack)["digest"]:
        assert time.monotonic() < deadline, "the assistant kept to another version"
        time.sleep(0.1)


def answer_handle(page: Page) -> Any:
    return page.get_by_role("slider", name="Answer from")


def submit_past_the_lane(owner: Page, why: str) -> str:
    """Propose to answer from the lowest confidence that the handle reaches; return the change's address."""
    owner.goto(f"{HERE}/tune")
    answer_handle(owner).focus()
    answer_handle(owner).press("Home")
    owner.get_by_label("Why this change").fill(why)
    owner.get_by_role("button", name="Needs 1 approval: Submit").click()
    expect(owner.get_by_role("heading", name="Answer from 0.65 instead of 0.80")).to_be_visible()
    return owner.url


def test_past_the_lane_others_have_to_agree(
    open_page: Callable[..., Page], stack: Stack, axe: Callable[[Page], None]
) -> None:
    """The owner submits, risk asks for less, the owner amends, the first approval is void, a second lets it live."""
    owner, risk, admin = open_page(by="ops"), open_page(by="risk"), open_page(by="admin", look=PHONE)
    where = submit_past_the_lane(owner, "Backlog at peak")
    expect(owner.get_by_role("button", name="Apply to 1 assistant")).to_be_disabled()

    admin.goto("/approvals")
    admin.get_by_role("region", name="Waiting for you").get_by_role("link").first.click()
    admin.get_by_role("button", name="Approve").click()
    expect(admin.locator("#reviewers")).to_contain_text("Approved admin")
    risk.goto(where)
    axe(risk)
    risk.get_by_role("heading", name="Gates").click()
    risk.keyboard.press("c")
    expect(risk.get_by_role("button", name="Ask for changes")).to_be_focused()
    risk.get_by_label("Say why").fill("0.70 is far enough")
    risk.get_by_role("button", name="Ask for changes").click()
    expect(risk.get_by_role("main")).to_contain_text("waits for its author")

    owner.goto(where)
    owner.get_by_role("button", name="Amend it on Tune").click()
    answer_handle(owner).focus()
    for _ in range(5):
        owner.keyboard.press("ArrowRight")
    expect(owner.locator("#bands-words")).to_contain_text("Answer from 0.70 (was 0.80)")
    owner.get_by_role("button", name=re.compile("Amend change")).click()
    expect(owner.get_by_role("heading", name="Answer from 0.70 instead of 0.80")).to_be_visible()
    expect(owner.locator("#reviewers")).to_contain_text("Void: the change was amended")

    risk.goto(where)
    risk.get_by_role("button", name="Approve").click()
    expect(risk.locator("#reviewers")).to_contain_text("1 of 1 approvals")
    owner.reload()
    owner.get_by_role("button", name="Apply to 1 assistant").click()
    expect(owner.get_by_role("main")).to_contain_text(re.compile(r"Live as r\d+"))
    assert answers_from(stack) == 0.7
    until_enforced(stack)
    begin_again(stack)


def test_an_override_goes_live_at_once_and_ends_by_itself(
    open_page: Callable[..., Page], stack: Stack, expected_errors: list[str]
) -> None:
    """At night nobody is there to approve: admin overrides for an hour, and the worker takes it back on time."""
    expected_errors.append("status of 4")  # nine hours are refused
    before = live(stack)
    where = submit_past_the_lane(open_page(by="ops"), "The desk is closed")
    admin = open_page(by="admin", look=PHONE)
    admin.goto(where)
    admin.get_by_text("Emergency: override…").click()
    admin.get_by_label("For how many hours").fill("9")
    admin.get_by_label("Why", exact=True).fill("Nobody answers the telephone")
    admin.get_by_role("button", name="Override now").click()
    expect(admin.get_by_role("alert")).to_contain_text("Choose up to 8 hours.")
    assert answers_from(stack) == 0.8

    expect(admin.get_by_label("Why", exact=True)).to_have_value("Nobody answers the telephone")
    expect(admin.get_by_label("For how many hours")).to_have_attribute("aria-invalid", "true")
    admin.get_by_label("For how many hours").fill("1")
    admin.get_by_role("button", name="Override now").click()
    expect(admin.get_by_role("main")).to_contain_text(re.compile(r"Live as r\d+; it ends by itself"))
    assert answers_from(stack) == 0.65
    until_enforced(stack)
    risk = open_page(by="risk")
    risk.goto("/approvals")
    overrides = risk.get_by_role("region", name="Overrides to look at")
    expect(overrides).to_contain_text("Ends by itself")

    with psycopg.connect(stack.database_url) as connection:  # an hour later
        connection.execute("UPDATE usecases_override SET ends_at = now() WHERE ended_at IS NULL")
    expect(overrides).to_contain_text(f"back to the document of r{before['version']}")
    expect(overrides).not_to_contain_text("Ends by itself")
    assert answers_from(stack) == 0.8
    until_enforced(stack)
    assert enforced(stack)["digest"] == before["digest"]

    overrides.get_by_label("What you found").fill("It was needed")
    overrides.get_by_role("button", name="Looked at it").click()
    expect(overrides).to_have_count(0)
    risk.goto("/audit")
    for told in ("Override until", "Override ended: back to the document of", "looked at"):
        expect(risk.get_by_role("main")).to_contain_text(told)


def test_who_stopped_it_does_not_start_it_again_alone(open_page: Callable[..., Page], stack: Stack) -> None:
    """ops stops at one click and asks for the way back; it stays stopped until risk has agreed."""
    before = live(stack)
    owner, risk = open_page(by="ops", look=PHONE), open_page(by="risk")
    owner.goto(f"{HERE}/")
    owner.get_by_role("button", name="To baseline").click()
    expect(owner.locator("#banner")).to_contain_text("confirmed the baseline")
    owner.wait_for_timeout(800)  # the second half of a double click asks for nothing
    owner.get_by_placeholder("Why? (optional)").fill("The index is mended")
    owner.get_by_role("button", name=re.compile("Ask for 1 approval to restore")).click()
    expect(
        owner.get_by_role("heading", name="Restore: assistants answer by the document again")
    ).to_be_visible()
    where = owner.url
    expect(owner.get_by_role("button", name="Leave the safe state")).to_be_disabled()
    expect(owner.get_by_role("button", name="Approve")).to_have_count(0)
    assert live(stack)["state"] == "baseline"
    assert enforced(stack)["reason"] == "DISABLED"

    risk.goto(f"{HERE}/")
    risk.get_by_role("link", name=re.compile("waits for approval")).click()
    expect(risk).to_have_url(re.compile(re.escape(where.split("?")[0])))
    risk.get_by_role("button", name="Approve").click()
    expect(risk.locator("#reviewers")).to_contain_text("1 of 1 approvals")
    assert live(stack)["state"] == "baseline"

    owner.reload()
    owner.get_by_role("button", name="Leave the safe state").click()
    expect(owner.get_by_role("main")).to_contain_text(re.compile(r"Live as r\d+"))
    assert (live(stack)["state"], live(stack)["digest"]) == ("live", before["digest"])
    until_enforced(stack)
    assert enforced(stack)["reason"] != "DISABLED"


def begin_again(stack: Stack) -> None:
    """Return to the document that the sample came with: inside the lane, so that nobody has to agree."""
    path = f"/api/v1/use-cases/{SLUG}/versions/1/revert"
    assert stack.api("POST", path, json={"reason": "Begin again"}).is_success
