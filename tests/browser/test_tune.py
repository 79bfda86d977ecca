"""Turning the knobs as an owner does: by mouse, by keyboard and by touch, alone and beside somebody else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import uuid6
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import LOOKS, Look, Looks
from tests.stack import Stack

STACK = {"samples": True, "assistants": 1, "worker": False}
SLUG = "claims-summary"
TUNE = f"/use-cases/{SLUG}/tune"


@pytest.fixture(autouse=True)
def fresh(stack: Stack) -> dict[str, Any]:
    """Each story begins without drafts, at the document that the sample came with; returns the use case."""
    drafts = "TRUNCATE usecases_draft CASCADE"  # waits for what an earlier page is still saving
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(drafts)
    stack.api("POST", f"/api/v1/use-cases/{SLUG}/versions/1/revert", json={"reason": "Begin again"})
    found: dict[str, Any] = stack.api("GET", f"/api/v1/use-cases/{SLUG}").json()
    return found


def answer_handle(page: Page) -> Locator:
    return page.get_by_role("slider", name="Answer from")


def words(page: Page) -> Locator:
    return page.locator("#bands-words")


def live(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack.api("GET", f"/api/v1/use-cases/{SLUG}").json()
    return found


def answered(page: Page, side: str = "draft") -> Locator:
    """The share answered without a person, in the panel."""
    return page.locator(f"#impact tr.answered td.{side}")


@pytest.mark.usefixtures("past")
def test_a_handle_is_dragged_by_mouse(page: Page) -> None:
    page.goto(TUNE)
    expect(answered(page, "live")).to_contain_text("%")
    before = answered(page).inner_text()
    axis = page.locator("#axis").bounding_box()
    assert axis is not None
    y = page.locator("#axis .strip").bounding_box()["y"] + 17  # type: ignore[index]
    page.mouse.move(axis["x"] + axis["width"] * 0.80, y)
    page.mouse.down()
    page.mouse.move(axis["x"] + axis["width"] * 0.87, y, steps=6)
    expect(words(page)).to_contain_text(re.compile(r"Answer from 0\.8[678]"))
    expect(answered(page)).not_to_have_text(before)  # the button is still down, and nothing was saved
    assert page.evaluate("document.getElementById('verdict').textContent.includes('No changes')")
    page.mouse.up()
    expect(page.locator("#verdict")).to_contain_text("Inside guardrails")
    page.reload()
    expect(words(page)).to_contain_text(re.compile(r"Answer from 0\.8[678] \(was 0\.80\)"))


@pytest.mark.usefixtures("past")
def test_a_handle_is_dragged_by_touch(open_page: Callable[..., Page]) -> None:
    page = open_page(by="ops", look=Look(390, "light"), has_touch=True)
    page.goto(TUNE)
    expect(answered(page, "live")).to_contain_text("%")
    before = answered(page).inner_text()
    strip = page.locator("#axis .strip")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)

    def touch(kind: str, share: float | None) -> None:
        points = [] if share is None else [{"x": box["x"] + box["width"] * share, "y": box["y"] + 17}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.80)
    for share in (0.82, 0.85, 0.88):
        touch("touchMove", share)
    expect(answered(page)).not_to_have_text(before)  # the finger is still down
    touch("touchEnd", None)
    expect(words(page)).to_contain_text(re.compile(r"Answer from 0\.8[6789]"))


def test_handles_never_cross_and_stop_at_the_hard_limit(page: Page) -> None:
    page.goto(TUNE)
    handle = answer_handle(page)
    handle.focus()
    handle.press("Home")
    expect(words(page)).to_contain_text("Answer from 0.65")
    expect(page.locator("#verdict")).to_contain_text("needs approval")
    expect(page.get_by_role("button", name="Needs 1 approval: Submit")).to_be_enabled()


def test_thresholds_are_typed_with_their_units(page: Page, stack: Stack) -> None:
    page.goto(TUNE)
    field = page.get_by_role("textbox", name=re.compile("Passage match"))
    field.fill("0.4")
    field.press("Tab")
    expect(page.locator("#verdict")).to_contain_text("Inside guardrails")
    page.get_by_label("Why this change").fill("Fewer weak citations")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#verdict")).to_contain_text("1 of 1 confirmed")
    assert live(stack)["document"]["thresholds"]["retrieval_score"] == 0.4


def test_nonsense_is_kept_and_told_beside_its_field(page: Page, stack: Stack) -> None:
    page.goto(TUNE)
    before = live(stack)["version"]
    field = page.get_by_role("textbox", name=re.compile("Sensitivity"))
    field.fill("very")
    field.press("Tab")
    expect(page.locator("#verdict")).to_contain_text("1 fault")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    page.reload()
    expect(field).to_have_value("very")
    assert live(stack)["version"] == before


def test_undo_and_redo_by_keyboard(page: Page) -> None:
    page.goto(TUNE)
    handle = answer_handle(page)
    handle.focus()
    for _ in range(5):
        handle.press("ArrowRight")
    expect(words(page)).to_contain_text("Answer from 0.85 (was 0.80)")
    expect(page.locator("#verdict")).to_contain_text("Inside guardrails")
    page.keyboard.press("Control+z")
    expect(words(page)).not_to_contain_text("0.85")
    page.keyboard.press("Control+Shift+z")
    expect(words(page)).to_contain_text(re.compile(r"Answer from 0\.8[1-5] \(was"))


def test_a_rule_is_built_moved_switched_off_and_applied(page: Page, stack: Stack) -> None:
    page.goto(TUNE)
    page.get_by_role("link", name="Add a rule").click()
    builder = page.locator("#builder-form")
    builder.get_by_label("Name", exact=True).fill("Flood goes to seniors")
    builder.get_by_label("Attribute").fill("topic")
    builder.get_by_label("Value").fill("flood")
    builder.get_by_label("What happens").select_option("escalate")
    expect(builder.locator(".reads-as")).to_contain_text("topic is flood → Person")
    builder.get_by_role("button", name="Add the rule").click()
    rules = page.locator("#f-rules")
    expect(rules).to_contain_text("flood")

    grips = rules.get_by_role("button", name=re.compile(r"Rule \d+|drag", re.I))
    grips.last.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#verdict")).to_contain_text("Inside guardrails")
    page.get_by_label("Why this change").fill("Floods are for seniors")
    page.get_by_role("button", name="Apply to 1 assistant").click()
    expect(page.locator("#verdict")).to_contain_text("1 of 1 confirmed")

    document = live(stack)["document"]
    names = [rule["name"] for rule in document["rules"]]
    assert names.index("Flood goes to seniors") == len(names) - 2
    decision = stack.chat("assistant-1", SLUG, "Water everywhere", topic="flood").json()["decision"]
    assert (decision["action"], decision["reason"]) == ("escalate", "TARGETING_MATCH")


def test_the_second_of_two_people_is_told_and_loses_nothing(
    open_page: Callable[..., Page], stack: Stack
) -> None:
    first, second = open_page(by="ops"), open_page(by="admin")
    for page, presses in ((first, 4), (second, 2)):
        page.goto(TUNE)
        answer_handle(page).focus()
        for _ in range(presses):
            page.keyboard.press("ArrowRight")
        expect(page.locator("#verdict")).to_contain_text("Inside guardrails")
    second.get_by_role("textbox", name=re.compile("Passage match")).fill("0.42")
    second.get_by_role("textbox", name=re.compile("Passage match")).press("Tab")
    expect(second.get_by_text(re.compile("ops .*(editing|draft)", re.I)).first).to_be_visible()

    first.get_by_role("button", name="Apply to 1 assistant").click()
    expect(first.locator("#verdict")).to_contain_text("1 of 1 confirmed")

    expect(second.get_by_text(re.compile("ops published r"))).to_be_visible()
    second.get_by_role("button", name=re.compile("Carry")).click()
    expect(second.get_by_role("textbox", name=re.compile("Passage match"))).to_have_value(re.compile("0.42"))
    expect(words(second)).to_contain_text("Answer from 0.82 (was 0.84)")
    second.get_by_role("button", name="Apply to 1 assistant").click()
    expect(second.locator("#verdict")).to_contain_text("1 of 1 confirmed")
    assert live(stack)["document"]["thresholds"]["retrieval_score"] == 0.42


def test_who_may_only_look_finds_nothing_to_turn(open_page: Callable[..., Page]) -> None:
    page = open_page(by="risk")
    page.goto(TUNE)
    expect(answer_handle(page)).to_be_disabled()
    expect(page.locator("#dock")).to_have_count(0)


def test_the_knobs_turn_without_javascript(open_page: Callable[..., Page], stack: Stack) -> None:
    page = open_page(by="ops", java_script_enabled=False)
    page.goto(TUNE)
    page.get_by_role("textbox", name=re.compile("Passage match")).fill("0.41")
    page.locator("#f-thresholds").get_by_role("button", name="Keep these values").click()
    page.get_by_role("button", name="Apply to 1 assistant").click()
    assert live(stack)["document"]["thresholds"]["retrieval_score"] == 0.41


@pytest.fixture(scope="module")
def past(stack: Stack) -> None:
    """Audited answers, twenty of them close to the handle and often wrong."""
    decided(stack, 0.83, 20, wrong=8)
    decided(stack, 0.95, 400, wrong=1)


def decided(stack: Stack, confidence: float, count: int, *, wrong: int = 0) -> None:
    """Let an assistant report answers of one confidence by the large model, all audited, some judged wrong."""
    tried = [{"model": "large", "confidence": confidence, "cost_usd": 0.01, "latency_ms": 900.0}]
    plain: dict[str, Any] = {
        "use_case": SLUG,
        "at": datetime.now(UTC).isoformat(),
        "model": "large",
        "tried": tried,
    }
    plain |= {"attributes": {"language": "fr"}, "confidence": confidence, "signal": "verbalised"}
    plain |= {"action": "answer", "band": "answer", "audited": True, "audit_share": 1.0}
    records = [plain | {"id": str(uuid6.uuid7()), "request_id": f"{confidence} {n}"} for n in range(count)]
    token = stack.assistant_token(f"past-{confidence}", [SLUG])
    assert stack.api("POST", "/api/v1/decisions", token=token, json=records).json()["stored"] == count
    words = [
        {"decision_id": record["id"], "correct": number >= wrong, "source": "audit"}
        for number, record in enumerate(records)
    ]
    assert stack.api("POST", "/api/v1/outcomes", json=words).json()["recorded"] == count


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize("ways", [LOOKS[:2], LOOKS[2:]], ids=["wide", "narrow"])
def test_the_panel_says_what_would_change_while_the_slider_moves(
    open_page: Callable[..., Page], stack: Stack, ways: list[Look], looks: Callable[..., Looks]
) -> None:
    page = open_page(by="ops", look=ways[0])
    held: list[Route] = []
    page.route("**/tune/impact", lambda route: held.append(route))
    page.goto(TUNE)
    panel = page.get_by_role("region", name="What would change")
    expect(panel).to_contain_text("Replaying…")
    places = boxes(page)
    held[0].continue_()
    page.unroute("**/tune/impact")
    expect(panel).to_contain_text("nothing moves")
    live = answered(page, "live").inner_text()
    expect(answered(page)).to_have_text(live)
    assert boxes(page) == places, "something moved when the numbers came"
    expect(page.locator("#impact-chart .main-svg").first).to_be_visible()
    expect(page.locator("#impact-advice")).to_contain_text("cheapest with errors under 2%")
    assert boxes(page) == places, "something moved when the curve came"

    answer_handle(page).focus()
    page.keyboard.press("ArrowRight")
    expect(panel.locator("#impact-moves")).not_to_contain_text("nothing moves")
    assert boxes(page) == places, "something moved while the handle did"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text(re.compile(r"2\d decisions would move from answer to review"))
    expect(answered(page, "live")).to_have_text(live)
    expect(answered(page)).not_to_have_text(live)
    expect(panel.locator("tr.wrong td.draft")).to_contain_text(re.compile(r"0\.\d%"))
    expect(page.locator("#impact-said")).to_contain_text("decisions would move")
    assert boxes(page) == places
    for summary in panel.locator("#impact-more summary").all():
        summary.click()
    expect(panel.locator("#impact-segments")).to_contain_text("100.0%")
    looks(page, ways).fits_every_way()

    page.keyboard.press("Control+z")
    expect(panel).to_contain_text("nothing moves")


def boxes(page: Page) -> list[Any]:
    """Where the panel and everything in it that could move is, from the panel's own corner."""
    found: list[Any] = page.evaluate(
        """() => {
          const corner = document.getElementById("impact").getBoundingClientRect();
          const parts = ["#impact .card", "#impact :is(.compare, .matrix) :is(tr, th, td)", "#impact-moves",
                         "#impact-chart", "#impact-advice", "#impact-more summary"];
          return [...document.querySelectorAll(parts)].map((part) => {
            const { left, top, width, height } = part.getBoundingClientRect();
            const place = [left - corner.left, top - corner.top, width, height];
            return [part.tagName, ...place.map((px) => Math.round(px * 10) / 10)];
          });
        }"""
    )
    assert len(found) > 40
    return found


@pytest.mark.usefixtures("past")
def test_the_advised_threshold_is_put_into_the_draft_and_taken_back(page: Page) -> None:
    page.goto(TUNE)
    page.get_by_role("button", name=re.compile(r"^Use 0\.84 cheapest with errors under 2%")).click()
    expect(words(page)).to_contain_text("Answer from 0.84 (was 0.80)")
    expect(page.locator("#verdict")).to_contain_text("Inside guardrails")
    expect(page.locator("#impact-advice")).to_contain_text("The draft answers from 0.84")
    expect(answered(page)).not_to_have_text(answered(page, "live").inner_text())
    page.keyboard.press("Control+z")
    expect(words(page)).not_to_contain_text("0.84")


@pytest.mark.usefixtures("past")
def test_the_cases_of_a_move_are_those_of_the_edit_that_is_still_being_saved(page: Page) -> None:
    page.goto(TUNE)
    expect(answered(page)).to_contain_text("%")
    saving: list[Route] = []
    page.route("**/tune/edit", lambda route: saving.append(route))
    answer_handle(page).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    read = page.get_by_role("link", name=re.compile("^Read them"))
    expect(read).to_have_accessible_name(re.compile(r"2\d from answer to review"))
    read.click()
    page.wait_for_timeout(300)
    assert len(saving) == 1
    expect(page).to_have_url(re.compile(TUNE))
    saving[0].continue_()
    expect(page.get_by_role("heading", name="From answer to review")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("0.83")).first).to_be_visible()


@pytest.mark.usefixtures("past")
def test_a_value_that_cannot_be_replayed_greys_the_last_numbers_and_says_why(page: Page) -> None:
    page.goto(TUNE)
    expect(answered(page)).to_contain_text("%")
    before = answered(page).inner_text()
    field = page.get_by_role("textbox", name=re.compile("Sensitivity"))
    field.fill("very")
    field.press("Tab")
    expect(page.locator("#impact-moves")).to_contain_text("Put the faults right first.")
    expect(page.locator("#impact")).to_have_class(re.compile("old"))
    expect(answered(page)).to_have_text(before)


@pytest.mark.usefixtures("past")
def test_what_would_change_is_a_page_without_javascript(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(by="ops", java_script_enabled=False)
    page.goto(TUNE)
    page.get_by_role("link", name="See what would change").click()
    expect(page.locator("tr.answered td.draft")).to_be_visible()
    page.get_by_role("link", name="Back to the draft").click()
    expect(page.get_by_role("heading", name="Confidence bands")).to_be_visible()
