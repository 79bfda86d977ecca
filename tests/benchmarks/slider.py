"""From a move of the slider to new numbers on the page, at a million decisions, in Chromium.

An installation of its own is filled by one statement. The handle is moved by key presses and by the mouse; the next
move waits for the numbers of the last one. Timed in the page, from the input event to the changed text; beside it, in
the same run, the bare request: the same session and rights, over the same connection, without a replay.
"""

import re
import statistics
from collections.abc import Callable
from typing import Any, Final

import psycopg
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, INSTALLED, sign_in
from tests.documents import claims
from tests.stack import Stack

COUNT: Final = 1_000_000
STEPS: Final = 30
AIM_MS: Final = 150.0
LOAD_MS: Final = 300_000
SLUG: Final = "claims"
# What assistants of the claims document would have sent in the last week: the small model first, the large one where
# that was not sure; every twentieth answer audited.
DECISIONS: Final = """
INSERT INTO routing_decision (id, request_id, use_case, version, digest, state, instance, at, received_at, attributes,
       text, answer, model, tried, confidence, signal, band, action, rule, queue, reason, detail, audited, audit_share,
       holdout, cost_usd, latency_ms, tokens_in, tokens_out, prompt, retrieval_index, sources, input_digest, trace_id,
       signals)
SELECT (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || '7' || substr(mark, 1, 3) || '8'
        || substr(mark, 4, 15))::uuid,
       mark, 'claims', 1, '', 'live', 'assistant-1', made, made + interval '2 seconds',
       jsonb_build_object('topic', (ARRAY['refund', 'delivery', 'invoice', 'contract'])[1 + n %% 4],
                          'tier', (ARRAY['basic', 'silver', 'gold'])[1 + n %% 3], 'amount', n %% 9000),
       '', '', CASE WHEN small >= 0.85 THEN 'small' ELSE 'large' END,
       CASE WHEN small >= 0.85 THEN jsonb_build_array(asked) ELSE jsonb_build_array(asked,
            jsonb_build_object('model', 'large', 'confidence', large, 'cost_usd', 0.01, 'latency_ms', 1900)) END,
       stands, 'verbalised', acts, acts, '', '', 'DEFAULT', '', acts = 'answer' AND n %% 20 = 1, 0.05, false,
       0.001, 800, 300, 40, 'claims-summary@12', 'policies@2026-11-01', '[]', mark, '', '{}'
  FROM (SELECT *, CASE WHEN stands >= 0.85 THEN 'answer' WHEN stands >= 0.6 THEN 'review' ELSE 'escalate' END AS acts,
               jsonb_build_object('model', 'small', 'confidence', small, 'cost_usd', 0.001, 'latency_ms', 800) AS asked
          FROM (SELECT *, CASE WHEN small >= 0.85 THEN small ELSE large END AS stands
                  FROM (SELECT n, md5(n::text) AS mark, sqrt(random()) AS small, 0.4 + 0.6 * random() AS large,
                               date_trunc('milliseconds', now() - (%(count)s + 1 - n) * interval '0.5 seconds') AS made
                          FROM generate_series(1, %(count)s) n) drawn) judged) given
"""
VERDICTS: Final = """
INSERT INTO routing_outcome
       (decision_id, request_id, use_case, correct, source, corrected_answer, bucket, at, received_at)
SELECT id, request_id, use_case, random() < confidence, 'audit', '', '', at, at + interval '1 minute'
  FROM routing_decision WHERE audited OR action = 'review'
"""
# Times in the page: the input event is stamped when it happened, the numbers when they stand in the document.
WATCH = """() => {
  window.moved = 0; window.times = [];
  const stamp = (event) => { window.moved = event.timeStamp; };
  for (const kind of ["keydown", "pointermove"]) addEventListener(kind, stamp, true);
  const cell = document.querySelector("#impact tr.answered td.draft");
  const seen = () => { window.times.push(performance.now() - window.moved); window.told?.(); };
  new MutationObserver(seen).observe(cell, { characterData: true, childList: true, subtree: true });
}"""
# Not by polling a predicate: the page's policy forbids evaluating text.
FIRST = """() => new Promise((done, failed) => {
  window.told = () => done(window.times[0]);
  if (window.times.length) window.told();
  setTimeout(() => failed(new Error("no new numbers in 30 s")), 30000);
})"""
BARE = """async (url) => {
  const times = [];
  for (let n = 0; n < 20; n += 1) {
    const begun = performance.now();
    await (await fetch(url)).text();
    times.push(performance.now() - begun);
  }
  return times;
}"""


def run() -> None:
    """Print medians, 95th percentiles and the aim."""
    with Stack(assistants=0, worker=False) as stack:
        _fill(stack)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium(), args=[*FLAGS, "--no-sandbox"])
            page = browser.new_page(base_url=stack.web_url, viewport={"width": 1440, "height": 1000})
            sign_in(page, "admin", stack.password("admin"))
            _report(page)
            browser.close()


def _chromium() -> str | None:
    import shutil

    return next((path for name in INSTALLED if (path := shutil.which(name))), None)


def _fill(stack: Stack) -> None:
    body = {"slug": SLUG, "name": "Claims", "owner": "Claims", "document": claims()}
    assert stack.api("POST", "/api/v1/use-cases", json=body).status_code == 201
    stack.manage("shell", "-c", "from routing.actions import partitions; partitions.ensure()")
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(DECISIONS.encode(), {"count": COUNT})
        connection.execute(VERDICTS.encode())
        connection.execute("VACUUM ANALYZE")
    stack.manage("shell", "-c", f"from routing.actions import blocks; blocks.seal({SLUG!r})")


def _report(page: Page) -> None:
    page.goto(f"/use-cases/{SLUG}/tune?window=all")
    drawn = page.locator("#impact tr.answered td.draft", has_text="%")
    drawn.wait_for(timeout=LOAD_MS)
    page.locator("#impact-chart .main-svg").first.wait_for(timeout=LOAD_MS)
    page.wait_for_timeout(2_000)
    head = page.locator("#impact-head").inner_text()
    page.evaluate(WATCH)
    print(f"{head}; {STEPS} moves each; times in ms\n")
    print(f"{'':<24}{'median':>8}{'p95':>8}")
    bare = page.evaluate(BARE, f"/use-cases/{SLUG}/tune/impact/progress")
    reference = _row("bare request", bare)
    for name, move in (("by keyboard", _keys(page)), ("by mouse", _mouse(page))):
        median = _row(name, [_step(page, number, move) for number in range(STEPS)])
        kept = "kept" if median < AIM_MS else "MISSED"
        print(f"{'':<24}{median / reference:>8.1f} times the bare request; under {AIM_MS:.0f} ms: {kept}")
        page.mouse.up()
        page.wait_for_timeout(2_500)
    took = re.search(r"in (.+)", page.locator("#impact-head").inner_text())
    print(f"\nthe last replay took {took[1] if took else '?'}")


def _row(name: str, times: list[float]) -> float:
    median, late = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    print(f"{name:<24}{median:>8.1f}{late:>8.1f}")
    return median


def _step(page: Page, number: int, move: Callable[[int], None]) -> float:
    """Move once, and return how long the new numbers took."""
    page.evaluate("window.times = []")
    move(number)
    found: float = page.evaluate(FIRST)
    return found


def _keys(page: Page) -> Callable[[int], None]:
    handle = page.get_by_role("slider", name="Answer from")
    handle.focus()
    return lambda number: page.keyboard.press("ArrowLeft" if number < STEPS // 2 else "ArrowRight")


def _mouse(page: Page) -> Callable[[int], None]:
    state: dict[str, Any] = {}

    def move(number: int) -> None:
        if not state:
            axis = page.locator("#axis").bounding_box()
            strip = page.locator("#axis .strip").bounding_box()
            assert axis is not None
            assert strip is not None
            at = float(page.get_by_role("slider", name="Answer from").input_value())
            state.update(axis=axis, y=strip["y"] + 17, at=at)
            page.mouse.move(axis["x"] + axis["width"] * at, state["y"])
            page.mouse.down()
        axis = state["axis"]
        page.mouse.move(axis["x"] + axis["width"] * (state["at"] - 0.01 * (number % 15 + 1)), state["y"])

    return move
