"""An owner's promise, from “cannot be promised” through labels and a recommended setting to a certificate."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Looks
from tests.history import ladder
from tests.stack import Stack

STACK = {"samples": False, "assistants": 0, "worker": False}
SLUG = "refunds"
PROMISE = f"/use-cases/{SLUG}/promise"
ROWS = 1500


@pytest.fixture(scope="module", autouse=True)
def use_case(stack: Stack) -> None:
    document = ladder("small", "large", accept_from=0.9, answer_from=0.95)
    wish = {"slug": SLUG, "name": "Refunds", "owner": "refund-desk", "document": document}
    assert stack.api("POST", "/api/v1/use-cases", by="admin", json=wish).status_code == 201


def labelled(folder: Path) -> Path:
    """Write a log in which the surer half is nearly always right, and the other half wrong every tenth time."""
    source = folder / "log.csv"
    with source.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        heads = ("confidence", "correct", "cost_usd")
        writer.writerow(["request_id", *(f"{m}__{head}" for m in ("small", "large") for head in heads)])
        for number in range(ROWS):
            sure = 0.5 + number / ROWS / 2
            right = int(number % (10 if sure < 0.75 else 200) > 0)
            writer.writerow([f"r{number}", f"{sure:.3f}", right, 0.001, f"{sure:.3f}", right, 0.01])
    return source


def test_a_promise_is_stated_kept_by_a_recommended_setting_and_certified(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    stack: Stack,
    tmp_path: Path,
    expected_errors: list[str],
) -> None:
    expected_errors.append("status of 422")  # a confidence that is no number
    page = open_page(by="ops")
    page.goto(PROMISE)
    expect(page.locator("#certificate")).to_contain_text("149 clean labels")
    expect(page.locator("#threshold")).to_contain_text("Cannot be promised.")
    expect(page.locator("#ladders")).to_contain_text("Cannot be promised.")
    axe(page)

    page.get_by_label("Wrong among answered, at most").fill("3,5")
    page.get_by_label("With confidence").fill("sure")
    page.get_by_role("button", name="State this promise").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("With confidence").fill("95")
    page.get_by_role("button", name="State this promise").click()
    expect(page.get_by_text("This is promised from now on.")).to_be_visible()
    assert stack.api("GET", f"/api/v1/use-cases/{SLUG}/promise").json()["wrong_at_most"] == 0.035

    stack.manage("import_decisions", SLUG, str(labelled(tmp_path)))
    page.reload()
    threshold = page.locator("#threshold")
    # The first question after an import reads the history anew; a busy machine takes its time for that.
    expect(threshold).to_contain_text("cheapest with at most 3.5% wrong among answered", timeout=45_000)
    expect(threshold.locator(".js-plotly-plot")).to_be_visible()
    expect(page.locator("#ladders .js-plotly-plot")).to_be_visible()
    edge = re.search(r"Use (0\.\d+)", threshold.inner_text())
    assert edge
    threshold.get_by_role("button", name="Put into my draft").click()

    expect(page).to_have_url(re.compile("/tune$"))
    expect(page.get_by_role("slider", name="Answer from")).to_have_value(re.compile(edge[1].rstrip("0")))
    page.get_by_role("button", name=re.compile("^Apply")).click()
    expect(page.get_by_role("main")).to_contain_text("r2")
    assert stack.api("GET", f"/api/v1/use-cases/{SLUG}").json()["document"]["bands"][0]["from"] == float(
        edge[1]
    )

    page.goto(PROMISE)
    page.get_by_role("button", name=f"Certify answers from {float(edge[1]):.2f}").click()
    expect(page.locator("#certificate")).to_contain_text("Holds")
    expect(page.locator("#certificate")).to_contain_text("At most 3.5% wrong among answered")


def test_the_whole_page_is_accessible_and_fits(
    open_page: Callable[..., Page], looks: Callable[..., Looks]
) -> None:
    page = open_page(by="ops")
    page.goto(PROMISE)
    expect(page.locator("#ladders .js-plotly-plot")).to_be_visible()
    for table in page.get_by_text("As a table").all():
        table.click()
    looks(page).fits_every_way()


def test_without_scripts_every_part_has_a_page(open_page: Callable[..., Page]) -> None:
    page = open_page(by="ops", java_script_enabled=False)
    page.goto(PROMISE)
    page.get_by_role("link", name="See what the labels say").click()
    expect(page.locator("#threshold")).to_contain_text("cheapest with")
    page.get_by_role("link", name="Back to the promise").click()
    page.get_by_role("link", name="See which ladder keeps it").click()
    expect(page.locator("#ladders")).to_contain_text("Use this ladder")
