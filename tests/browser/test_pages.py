"""Every page, wide and narrow, light and dark: nothing for axe-core to find, nothing wider than the screen."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from uuid6 import uuid7

from tests.browser.conftest import Look, Looks
from tests.faults.watching import until
from tests.stack import Stack

STACK = {"samples": True, "assistants": 1, "worker": False}
USE_CASE = "/use-cases/claims-summary"
PAGES = [
    "/",
    "/use-cases/new",
    "/approvals",
    "/access-reviews",
    "/access-reviews/1",
    "/units",
    "/audit",
    "/audit?knob=bands&period=this-month",
    "/assistants",
    "/tokens",
    "/tokens?of=assistants",
    "/account",
    "/account/password",
    "/account/second-factor",
    "/account/confirm",
    "/people",
    "/people?state=never&q=nobody",
    "/people/1",
    f"{USE_CASE}/",
    f"{USE_CASE}/tune",
    f"{USE_CASE}/tune/impact",
    f"{USE_CASE}/tune/rule",
    f"{USE_CASE}/models",
    f"{USE_CASE}/calibration",
    "/use-cases/dispute-triage/calibration",
    f"{USE_CASE}/escalation",
    f"{USE_CASE}/promise",
    f"{USE_CASE}/changes",
    f"{USE_CASE}/changes/1",
    f"{USE_CASE}/approvals/1",
    f"{USE_CASE}/changes/2",
    f"{USE_CASE}/changes/2/effect",
    f"{USE_CASE}/cases?live=escalate&draft=escalate",
    f"{USE_CASE}/what-if",
    f"{USE_CASE}/decisions",
    f"{USE_CASE}/import",
    f"{USE_CASE}/assistants",
    f"{USE_CASE}/guardrails",
    f"{USE_CASE}/access",
    "/lanes",
    "/lanes/new",
    "/lanes/customer-facing",
    f"{USE_CASE}/golden-sets",
    f"{USE_CASE}/golden-sets/1",
    f"{USE_CASE}/one-pager",
    f"{USE_CASE}/one-pager/edit",
    f"{USE_CASE}/settings",
    f"{USE_CASE}/evidence",
]


@pytest.fixture(scope="module", autouse=True)
def something_to_show(stack: Stack) -> None:
    """A few decisions, one known to be wrong, a change, and a use case on baseline."""
    stack.chat("assistant-1", "claims-summary", "A marten has bitten through the cables, $700.")
    for number in range(6):
        stack.chat(
            "assistant-1",
            "claims-summary",
            f"A pipe burst in my kitchen, claim {number}",
            amount=100 * number,
        )
    use_case = stack.api("GET", "/api/v1/use-cases/claims-summary").json()
    use_case["document"]["bands"][0]["from"] = 0.82
    change = {"document": use_case["document"], "reason": "Peak season"}
    assert (
        stack.api("POST", "/api/v1/use-cases/claims-summary/changes", by="ops", json=change).status_code
        == 200
    )
    loose = use_case["document"] | {"bands": [use_case["document"]["bands"][0] | {"from": 0.7}]}
    loose["bands"] += use_case["document"]["bands"][1:]
    proposed = stack.api(
        "POST", "/api/v1/use-cases/claims-summary/changes", by="ops", json={"document": loose}
    )
    assert proposed.status_code == 202
    stack.api("POST", "/api/v1/use-cases/refund-answers/kill", by="ops", json={"reason": "Wrong answers"})


@pytest.fixture(scope="module", autouse=True)
def a_shared_lane_and_a_golden_set(stack: Stack) -> None:
    """A lane that holds on the use case, and a golden set of which one case does not come out."""
    step = {"limit": [0.3, 1.0], "step": {"at_most": 0.5, "hours": 24}, "reason": "Customers read it."}
    lane = {"name": "Customer-facing", "knobs": {"bands.answer.from": step}}
    assert stack.api("PUT", "/api/v1/lanes/customer-facing", by="risk", json=lane).status_code == 200
    home = "/api/v1/use-cases/claims-summary"
    held = stack.api("GET", f"{home}/guardrails", by="risk").json() | {"lanes": ["customer-facing"]}
    assert stack.api("PUT", f"{home}/guardrails", by="risk", json=held).status_code == 200
    cases = [
        {
            "id": str(number),
            "signals": {"models": {name: {"confidence": 0.99} for name in ("small", "large")}},
            "expected": {"action": action},
        }
        for number, action in enumerate(("answer", "review"), 1)
    ]
    kept = stack.api("PUT", f"{home}/golden-sets/core", by="risk", json={"cases": cases})
    assert kept.status_code == 200


@pytest.fixture(scope="module", autouse=True)
def audits_of_a_model_that_boasts(stack: Stack) -> None:
    """Answers that say 0.95 or 0.99 and are right two times of three, audited at random."""
    token = stack.assistant_token("elsewhere", ["dispute-triage"])
    document = stack.api("GET", "/api/v1/use-cases/dispute-triage").json()["document"]
    model, now = document["models"][0]["name"], datetime.now(UTC).isoformat()
    decisions = [
        {
            "id": str(uuid7()),
            "request_id": f"audited-{number}",
            "use_case": "dispute-triage",
            "at": now,
            "model": model,
            "tried": [
                {"model": model, "confidence": (0.95, 0.99)[number % 2], "cost_usd": 0.001, "latency_ms": 40}
            ],
            "confidence": (0.95, 0.99)[number % 2],
            "signal": document["confidence"]["source"],
            "action": "answer",
            "audited": True,
            "audit_share": 0.05,
        }
        for number in range(240)
    ]
    verdicts = [
        {"decision_id": one["id"], "correct": number % 3 > 0, "source": "audit"}
        for number, one in enumerate(decisions)
    ]
    assert stack.api("POST", "/api/v1/decisions", token=token, json=decisions).status_code < 300
    assert stack.api("POST", "/api/v1/outcomes", token=token, json=verdicts).status_code < 300


@pytest.fixture(scope="module", autouse=True)
def rights_to_go_through(stack: Stack) -> None:
    """A right given to a person, one that is lent, and an access review of both."""
    stack.manage("grant", "claims-summary", "--to", "risk", "--right", "review", "--reason", "Helps out")
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    loan = {"to": "ops", "rights": ["approve"], "until": until, "reason": "On leave"}
    made = stack.api("POST", "/api/v1/use-cases/claims-summary/delegations", by="risk", json=loan)
    assert made.status_code == 201
    stack.manage("start_access_review", "--reason", "Every quarter")


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits(
    open_page: Callable[..., Page], looks: Callable[..., Looks], path: str
) -> None:
    page = open_page(by="admin")
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    looks(page).fits_every_way()


def test_sign_in_page_is_accessible(open_page: Callable[..., Page], looks: Callable[..., Looks]) -> None:
    page = open_page()
    page.goto("/")
    expect(page.get_by_label("Password")).to_be_visible()
    looks(page).fits_every_way()


def test_a_page_that_is_not_there_says_so(
    open_page: Callable[..., Page], looks: Callable[..., Looks], expected_errors: list[str]
) -> None:
    expected_errors.append("404")
    page = open_page(by="ops")
    page.goto("/use-cases/nowhere/tune")
    expect(page.get_by_role("main")).to_contain_text("no")
    looks(page).fits_every_way()


def test_a_wrong_password_is_told_without_saying_which_part_is_wrong(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto("/")
    page.get_by_label("Name", exact=False).first.fill("ops")
    page.get_by_label("Password").fill("wrong")
    page.get_by_label("Password").press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def test_the_audit_page_filters_and_exports(open_page: Callable[..., Page]) -> None:
    page = open_page(by="ops")
    page.goto("/audit")
    page.get_by_label("Use case").select_option("refund-answers")
    page.get_by_label("Person").select_option("ops")
    page.get_by_role("button", name="Find").click()
    main = page.get_by_role("main")
    # A full first page may look the same before and after: the link says when both filters are in force.
    link = main.get_by_role("link", name="These as CSV")
    expect(link).to_have_attribute("href", re.compile("person=ops.*use_case=refund-answers"))
    expect(main).to_contain_text("Sent to baseline")
    expect(main).not_to_contain_text("created.")

    with page.expect_download() as download:
        link.click()
    text = download.value.path().read_text()
    assert "Wrong answers" in text
    assert "created" not in text


def test_an_auditor_asks_who_turned_a_knob_and_takes_the_proof_along(
    open_page: Callable[..., Page], axe: Callable[[Page], None], stack: Stack, tmp_path: Path
) -> None:
    stack.manage("shell", "-c", "from audit import checkpoints; checkpoints.make()")
    page = open_page(by="ops")
    page.goto("/audit")
    main = page.get_by_role("main")
    page.get_by_label("What was turned").select_option(label="Answer from")
    page.get_by_label("When", exact=True).select_option(label="This month")
    expect(page).to_have_url(re.compile("knob=bands.answer.from.*period=this-month"))
    expect(main.locator("#events")).to_contain_text("Answer from 0.82")
    expect(main.locator("#events")).not_to_contain_text("Sent to baseline")

    main.get_by_text("Keep this filter").click()
    main.get_by_label("Name", exact=True).fill("Answer from, lately")
    main.get_by_role("button", name="Keep it").click()
    expect(main.get_by_role("link", name="Answer from, lately")).to_have_attribute("aria-current", "true")
    axe(page)

    main.locator("summary").filter(has_text="Answer from 0.82").click()
    main.get_by_role("link", name=re.compile("The whole event.*0.82")).click()
    expect(main.get_by_role("heading", level=1)).to_contain_text("Answer from 0.82")
    expect(main).to_contain_text("Peak season")
    axe(page)
    with page.expect_download() as download:
        main.get_by_role("link", name="Download proof").click()
    proof = tmp_path / "proof.json"
    download.value.save_as(proof)
    verify = [sys.executable, "-m", "audit.verify", str(proof)]
    told = subprocess.run(verify, capture_output=True, text=True, check=True)
    assert "Answer from 0.82" in told.stdout

    main.get_by_role("link", name="Decisions made under r2").click()
    expect(main.get_by_role("heading", name="Decisions made under r2")).to_be_visible()


def test_versions_are_compared_and_taken_back(open_page: Callable[..., Page], stack: Stack) -> None:
    page = open_page(by="ops")
    page.goto(f"{USE_CASE}/changes/2")
    expect(page.get_by_role("main")).to_contain_text("0.82")
    page.goto(f"{USE_CASE}/changes/1")
    page.get_by_role("button", name="Revert").first.click()
    expect(page.get_by_role("main")).to_contain_text("Back to r1")
    assert stack.api("GET", "/api/v1/use-cases/claims-summary").json()["version"] == 3


def test_a_decision_can_be_read_from_its_row(open_page: Callable[..., Page]) -> None:
    page = open_page(by="ops")
    page.goto(f"{USE_CASE}/decisions")
    page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("A pipe burst")
    main.get_by_label("Decide it under").select_option("1")
    main.get_by_role("button", name="Show").click()
    expect(main.get_by_role("region", name="Side by side")).to_be_visible()


def test_what_would_move_is_read_and_the_result_kept(
    open_page: Callable[..., Page], axe: Callable[[Page], None], stack: Stack
) -> None:
    asked = "SELECT 1 FROM routing_decision WHERE text ^@ 'A marten'"
    until(lambda: stack.rows(asked), 30, "the assistant's report")
    page = open_page(by="ops")
    page.goto(f"{USE_CASE}/tune")
    page.get_by_role("slider", name="Answer from").press("End")
    expect(page.locator(".changes")).to_contain_text("Answer from 1.00")  # saved; the panel is faster
    moved = page.locator("#impact .matrix td.moved a").first
    count = moved.inner_text()
    moved.click()
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", name="From answer to review")).to_be_visible()
    expect(page.locator("#cell")).to_contain_text(count)
    main.get_by_label("Verdict").select_option("right")
    expect(main).to_contain_text("Nothing fits this filter")
    main.get_by_role("link", name="Show all of this cell").click()
    expect(main.get_by_role("link", name="A marten has bitten").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(main.get_by_role("heading", name="The request")).to_be_visible()

    page.goto(f"{USE_CASE}/tune")
    expect(page.locator("#impact-head")).to_contain_text("replayed")
    page.get_by_text("Keep this result").click()
    page.get_by_label("What is it for?").fill("For the board")
    page.get_by_role("button", name="Keep it").click()
    expect(main.get_by_role("heading", name="For the board")).to_be_visible()
    page.get_by_role("button", name="Compute again").click()
    expect(main.get_by_role("heading", name="The same numbers again")).to_be_visible()
    axe(page)


def test_a_map_that_audits_propose_goes_into_the_draft(
    open_page: Callable[..., Page], axe: Callable[[Page], None]
) -> None:
    page = open_page(by="ops")
    page.goto("/use-cases/dispute-triage/models")
    page.get_by_role("link", name="As sure as right?").first.click()
    card = page.locator("#signal-0")
    expect(card).to_contain_text("240 audited at random")
    expect(card.locator(".chart .scatterlayer .point")).to_have_count(2)  # 0.95 and 0.99
    card.get_by_role("button", name="Put into my draft").click()
    expect(page).to_have_url(re.compile("/dispute-triage/tune$"))
    expect(page.locator(".changes")).to_contain_text("its confidence is recalibrated")
    expect(page.locator("#impact-head")).to_contain_text("replayed")

    page.goto("/use-cases/dispute-triage/calibration")
    expect(card).to_contain_text("In your draft")
    axe(page)
    card.get_by_role("button", name="Remove the map").click()
    expect(page.locator(".changes")).to_contain_text("Nothing yet")


def test_what_has_the_focus_is_never_under_the_dock(open_page: Callable[..., Page]) -> None:
    under = """() => {
        const focused = document.activeElement;
        const box = focused.getBoundingClientRect();
        const dock = document.querySelector(".dock").getBoundingClientRect();
        return !focused.closest(".dock") && box.bottom > dock.top && box.top < dock.bottom;
    }"""
    for look in (Look(1440, "light"), Look(390, "light")):
        page = open_page(by="risk", look=look)
        page.goto(f"{USE_CASE}/guardrails")
        page.get_by_label("Answer from, lane from").focus()
        for _ in range(70):
            page.keyboard.press("Tab")
            where = page.evaluate("document.activeElement.name")
            assert not page.evaluate(under), f"{where} at {look}"


def test_find_is_a_key_away_and_all_keys_are_told(open_page: Callable[..., Page]) -> None:
    page = open_page(by="ops")
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("refund")
    expect(page.get_by_role("main")).not_to_contain_text("Card dispute intake")
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
