"""A company starts with its history: a log with bad rows is dropped into the browser and read by a real worker."""

import gzip
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from tests.browser.conftest import Look
from tests.faults.watching import until
from tests.history import ladder
from tests.history import log as real
from tests.logs import REFUSED, written
from tests.stack import Stack

STACK = {"assistants": 0}
SLUG = "desk"
IMPORT = f"/use-cases/{SLUG}/import"


@pytest.fixture(autouse=True)
def quick_choices(expected_errors: list[str]) -> None:
    """A choice that comes before the preview of the last one replaces it; htmx tells of that as of an error."""
    expected_errors.extend(("htmx:sendAbort", "htmx:afterRequest"))


@pytest.fixture(scope="module", autouse=True)
def use_case(stack: Stack) -> None:
    body = {"slug": SLUG, "name": "Claims desk", "owner": "ops", "document": ladder("small", "large")}
    assert stack.api("POST", "/api/v1/use-cases", json=body).status_code == 201


def count(stack: Stack) -> int:
    return int(stack.rows("SELECT count(*) FROM routing_decision WHERE use_case = %s", SLUG)[0][0])


def give(page: Page, path: Path) -> None:
    """Upload a file as an owner does; the page of its columns opens."""
    page.goto(IMPORT)
    page.get_by_label("Decision log").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#mapping")).to_be_visible()


def choose(page: Page, name: str, value: str) -> None:
    """Choose what a column is, and look at the fresh preview before the next choice."""
    with page.expect_response(re.compile("/map$")):
        page.get_by_label(f"{name} is", exact=True).select_option(value)
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def refused(page: Page) -> list[tuple[int, str, str]]:
    rows = page.locator("#refused tbody tr")
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    return [(int(line), field, reason) for line, field, reason in cells]


def told_exactly(found: list[tuple[int, str, str]]) -> bool:
    return len(found) == len(REFUSED) and all(
        (line, field) == (wanted, name) and reason.startswith(words)
        for (line, field, reason), (wanted, name, words) in zip(found, REFUSED, strict=True)
    )


def text_of(download: Download) -> str:
    return download.path().read_text()


def test_a_log_with_bad_rows_is_understood_imported_and_nothing_is_doubled(
    page: Page, axe: Callable[[Page], None], stack: Stack, tmp_path: Path
) -> None:
    source = written(tmp_path / "march.csv.gz", 3000, models=("small", "gpt-4o"), text="question")
    give(page, source)
    expect(page.locator("#faults")).to_contain_text("“gpt-4o” is no model of this use case")
    expect(page.get_by_role("button", name="Import")).to_be_disabled()
    axe(page)

    choose(page, "gpt-4o", "large")
    choose(page, "question", "text")
    expect(page.locator("#first-rows")).to_contain_text("A pipe burst in my kitchen, claim 0")
    name = page.get_by_label("Name of the attribute made of topic")
    name.fill("peril")
    # The button brings what was typed last, though the field was never left.
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#checked")).to_contain_text("2,996")
    assert told_exactly(refused(page))
    assert count(stack) == 0
    axe(page)

    page.get_by_role("button", name="Import 2,996 rows").click()
    expect(page.locator("#upload")).to_contain_text("2,996 stored, 0 there already, 4 refused.")
    assert told_exactly(refused(page))
    with page.expect_download() as download:
        page.get_by_role("link", name="All as CSV").click()
    assert [line.split(",")[0] for line in text_of(download.value).splitlines()] == [
        "line",
        *(str(line) for line, _, _ in REFUSED),
    ]
    assert count(stack) == 2996
    kept = stack.rows("SELECT attributes FROM routing_decision WHERE request_id = 'r-000000'")
    assert kept == [({"peril": "fire"},)]
    axe(page)

    page.get_by_role("link", name="Import another file").click()
    page.get_by_label("Decision log").set_input_files(source)
    page.get_by_role("button", name="Upload").click()
    choose(page, "gpt-4o", "large")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#upload")).to_contain_text("0 stored, 2,996 there already, 4 refused.")
    assert told_exactly(refused(page))
    assert count(stack) == 2996
    page.goto(IMPORT)
    expect(page.locator("#former tbody tr")).to_have_count(2)


def test_a_worker_that_dies_half_way_costs_and_doubles_nothing(
    page: Page, stack: Stack, tmp_path: Path
) -> None:
    before = count(stack)
    source = written(tmp_path / "year.csv", 40_000)
    source.write_text(source.read_text().replace("r-", "y-"))
    give(page, source)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#upload")).to_contain_text(
        re.compile(r"[1-9][\d,]* rows of 40,001 lines, [\d,]+ rows/s")
    )
    stack.kill("worker")
    stored = count(stack) - before
    assert 0 < stored < 40_000 - 4

    # A minute passes.
    stack.rows(
        "UPDATE usecases_upload SET progressed_at = now() - interval '61 seconds' WHERE status = 'running' RETURNING 1"
    )
    page.reload()
    expect(page.locator("#upload")).to_contain_text("No progress for 61 s: its worker has died.")
    page.get_by_role("button", name="Start again").click()
    expect(page.locator("#upload")).to_contain_text("It starts as soon as a worker is free.")
    stack.start_worker()
    expect(page.locator("#upload")).to_contain_text(
        f"{40_000 - 4 - stored:,} stored, {stored:,} there already, 4 refused.", timeout=60_000
    )
    assert count(stack) - before == 40_000 - 4
    double = "SELECT request_id FROM routing_decision WHERE use_case = %s GROUP BY 1 HAVING count(*) > 1"
    assert stack.rows(double, SLUG) == []


def test_stop_keeps_what_is_stored_and_without_redis_the_page_says_what_it_waits_for(
    page: Page, stack: Stack, tmp_path: Path
) -> None:
    before = count(stack)
    source = written(tmp_path / "more.csv", 40_000, bad=False)
    source.write_text(source.read_text().replace("r-", "z-"))
    give(page, source)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#upload")).to_contain_text("rows/s")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#upload")).to_contain_text(re.compile("Stopped after [1-9]"))
    stored = count(stack) - before
    assert 0 < stored < 40_000

    stack.stop_redis()
    page.get_by_role("button", name="Import the rest").click()
    expect(page.locator("#upload")).to_contain_text("No worker has taken it", timeout=30_000)
    stack.start_redis()
    if not stack.alive("worker"):
        stack.start_worker()  # Kombu may end with Redis; a supervisor starts it again
    expect(page.locator("#upload")).to_contain_text(
        f"{40_000 - stored:,} stored, {stored:,} there already", timeout=60_000
    )
    assert count(stack) - before == 40_000


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    page.goto(IMPORT)
    page.locator("[data-upload]").evaluate("form => { form.dataset.most = '1000'; }")
    page.get_by_label("Decision log").set_input_files(written(tmp_path / "log.csv"))
    expect(page.get_by_role("alert")).to_contain_text("A file may be 2 GiB at most here. Pack it with gzip")
    page.get_by_role("button", name="Upload").click()
    expect(page).to_have_url(re.compile("/import$"))


def test_real_requests_are_dropped_on_the_page_and_their_decisions_answer(
    open_page: Callable[..., Page], axe: Callable[[Page], None], stack: Stack
) -> None:
    source = real("llm_cascades")
    page = open_page(by="ops", look=Look(390, "dark"))
    page.goto(IMPORT)
    dropped = page.evaluate_handle(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([Uint8Array.from(bytes)], "decisions.csv.gz"));
            return files;
        }""",
        list(source.read_bytes()),
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": dropped})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("63 columns of models")).to_be_visible()
    with gzip.open(source, "rt") as file:
        named = dict.fromkeys(name.rpartition("__")[0] for name in file.readline().split(",") if "__" in name)
    taken = {"llama3.2-1b": "small", "llama3.1-405b": "large"}
    for name in named:
        choose(page, name, taken.get(name, "ignore"))
    axe(page)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#upload")).to_contain_text("3,116 stored, 0 there already, 0 refused.")
    page.get_by_role("link", name="Read the decisions").click()
    expect(page.locator("#decisions tbody tr").first).to_be_visible()
    asked = {"document": ladder("small", "large", answer_from=0.5), "window": {"decisions": 3116}}
    impact = until(lambda: answered(stack, asked), 30, "what-if knows the imported history")
    assert impact["decisions"] == 3116


def answered(stack: Stack, body: Mapping[str, object]) -> dict[str, int] | None:
    answer = stack.api("POST", f"/api/v1/use-cases/{SLUG}/what-if", json=body)
    return dict(answer.json()) if answer.status_code == 200 else None
