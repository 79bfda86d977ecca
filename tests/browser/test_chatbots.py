"""The main job on real customers' questions: turn a knob in the browser, and what the authors published comes out.

Two live chatbots, five engines each, recorded answers over HTTP (see `tests.chatbot_server`). “Answer from” is moved
on the Tune page; two running assistants confirm; every question goes through them; Accuracy and out-of-scope recall
are computed from the decision records and held against the published ones.
"""

import csv
import io
import time

import pytest
from playwright.sync_api import Page, expect

from tests import chatbots
from tests.chatbot_server import DECISIONS, MISSING, NO_INTENT, Row
from tests.ports import own_port
from tests.stack import Stack

pytestmark = [pytest.mark.timeout(420), pytest.mark.skipif(not DECISIONS.exists(), reason=MISSING)]

STACK = {"assistants": 0, "worker": True}
ASSISTANTS = ("assistant-1", "assistant-2")
SLUGS = {"curekart": "shop", "powerplay11": "gaming"}


@pytest.fixture(scope="module")
def urls(stack: Stack) -> list[str]:
    """Two running assistants of both chatbots, asking recorded engines over HTTP."""
    port = own_port()
    stack.run("chatbots", "-m", "tests.chatbot_server", "--port", str(port))
    for bot, slug in SLUGS.items():
        document = chatbots.document("dialogflow", 0.45, f"http://127.0.0.1:{port}/v1")
        body = {"slug": slug, "name": bot.title(), "owner": "chat-desk", "document": document}
        assert stack.api("POST", "/api/v1/use-cases", json=body).status_code == 201
    return [stack.start_assistant(name, list(SLUGS.values())) for name in ASSISTANTS]


def set_engine(page: Page, engine: str) -> None:
    """Choose the engine on the Models tab; the draft keeps it."""
    page.goto("/use-cases/shop/models")
    field = page.get_by_label("LiteLLM name")
    if field.input_value() == f"openai/{engine}":
        return
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.ok):
        field.fill(f"openai/{engine}")
        field.press("Tab")


def move_threshold(page: Page, to: float) -> None:
    """Move the handle by keyboard, as somebody without a mouse does, a hundredth at a time."""
    page.goto("/use-cases/shop/tune")
    handle = page.get_by_role("slider", name="Answer from")
    now = float(handle.input_value())
    handle.focus()
    for _ in range(abs(round((to - now) * 100))):
        handle.press("ArrowRight" if to > now else "ArrowLeft")
    expect(page.locator("#bands-words")).to_contain_text(f"Answer from {to:.2f}")
    expect(page.get_by_role("button", name="Apply to 2 assistants")).to_be_enabled()


def apply(page: Page, reason: str) -> None:
    """Apply the draft, and see both assistants confirm it."""
    page.get_by_label("Why this change").fill(reason)
    page.get_by_role("button", name="Apply to 2 assistants").click()
    expect(page.locator("#verdict")).to_contain_text("2 of 2 confirmed")


def decided(page: Page, stack: Stack, slug: str, version: int, expected: int) -> list[tuple[str, str, str]]:
    """Download the decision records of one version as its owner would, once all have arrived."""
    deadline = time.monotonic() + 30
    query = "SELECT count(*) FROM routing_decision WHERE use_case = %s AND version = %s"
    while stack.rows(query, slug, version)[0][0] < expected and time.monotonic() < deadline:
        time.sleep(0.2)
    answer = page.request.get(f"/use-cases/{slug}/decisions.csv?version={version}")
    assert answer.ok
    rows = csv.DictReader(io.StringIO(answer.text().removeprefix("\ufeff")))
    return [(row["request_id"], row["action"], row["answer"]) for row in rows]


def check(
    found: list[tuple[str, str, str]], rows: list[Row], bot: str, engine: str, threshold: float
) -> None:
    """Hold the record against the publication, to nine digits, every question exactly once."""
    assert sorted(request for request, _, _ in found) == sorted(row["request_id"] for row in rows)
    ours = chatbots.metrics(found, rows)
    assert ours == pytest.approx(chatbots.published(bot, engine, threshold), abs=5e-10, rel=0)


@pytest.mark.parametrize(
    ("engine", "threshold"),
    [
        ("dialogflow", 0.3),
        ("dialogflow", 0.5),
        ("dialogflow", 0.7),
        ("bert", 0.5),
        ("bert", 0.8),
        ("bert", 0.9),
    ],
)
def test_a_moved_threshold_gives_the_published_results(
    page: Page, stack: Stack, urls: list[str], engine: str, threshold: float
) -> None:
    rows = chatbots.questions("curekart")
    set_engine(page, engine)
    move_threshold(page, threshold)
    apply(page, f"{engine} from {threshold}")
    version = stack.api("GET", "/api/v1/use-cases/shop").json()["version"]

    assert chatbots.ask_all(urls, "shop", rows) == len(rows)

    check(decided(page, stack, "shop", version, len(rows)), rows, "curekart", engine, threshold)


def test_the_second_chatbot_gives_its_published_results(page: Page, stack: Stack, urls: list[str]) -> None:
    rows = chatbots.questions("powerplay11")
    document = stack.api("GET", "/api/v1/use-cases/gaming").json()["document"]
    document["bands"][0]["from"] = 0.5
    version = stack.api("POST", "/api/v1/use-cases/gaming/changes", json={"document": document}).json()[
        "version"
    ]
    page.goto("/use-cases/gaming/")
    expect(page.locator("#state")).to_contain_text(f"r{version} on 2 of 2")

    assert chatbots.ask_all(urls, "gaming", rows) == len(rows)

    check(decided(page, stack, "gaming", version, len(rows)), rows, "powerplay11", "dialogflow", 0.5)


def test_the_boundary_itself_is_answered(stack: Stack, urls: list[str]) -> None:
    rows = chatbots.questions("curekart")
    row = next(row for row in rows if row["bert__predicted"] != NO_INTENT and row["bert__confidence"])
    document = stack.api("GET", "/api/v1/use-cases/shop").json()["document"]
    document["models"][0]["litellm"] = "openai/bert"
    document["bands"][0]["from"] = float(row["bert__confidence"])
    version = stack.api("POST", "/api/v1/use-cases/shop/changes", json={"document": document}).json()[
        "version"
    ]
    deadline = time.monotonic() + 10
    while stack.api("GET", "/api/v1/use-cases/shop/convergence").json()["converged_at"] is None:
        assert time.monotonic() < deadline

    answer = stack.chat("assistant-1", "shop", row["text"], request_id=row["request_id"]).json()

    assert (answer["decision"]["version"], answer["decision"]["action"]) == (version, "answer")
    assert answer["decision"]["confidence"] == float(row["bert__confidence"])
