"""A real Chromium against real processes.

A page fails its test when the browser reports an error: a script's, a refused resource, a breach of the content
security policy. Tests that provoke one say so with `expected_errors.append("status of 403")`.

Whoever wants a page seen wide and narrow, light and dark loads it once and turns it about, since loading is what takes
time: `looks(page)`, whose `fits_every_way()` holds axe-core and the screen's width against all four and names the look
that fails. A test asks for a `look` of its own (`@pytest.mark.parametrize("look", LOOKS, ids=str)`) only where what a
person *does* differs with the screen. Modules whose `STACK` is the same still have stacks of their own: what one test
leaves behind would be found by the next.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.conftest import FAILED
from tests.stack import Stack

FAILURES = Path(__file__).parent / "failures"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long a page may take to show what a test waits for: a busy machine is slow, a broken page never gets there.
PATIENCE_MS = 15_000
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Look:
    """How a page is looked at: width in CSS pixels, and the colour scheme."""

    width: int
    scheme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.width}px-{self.scheme}"

    @property
    def size(self) -> ViewportSize:
        return {"width": self.width, "height": 900 if self.width > 600 else 844}


LOOKS = [Look(1440, "light"), Look(1440, "dark"), Look(390, "light"), Look(390, "dark")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules with the most tests first: whichever comes last, a worker is alone with it."""
    here = [place for place, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    tests = Counter(items[place].path for place in here)
    mine = sorted((items[place] for place in here), key=lambda item: (-tests[item.path], item.path))
    for place, item in zip(here, mine, strict=True):
        items[place] = item


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running installation: `STACK = {"samples": True}` at the top of a module is passed to `Stack`."""
    with Stack(**getattr(request.module, "STACK", {})) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium, else the one that Playwright has installed."""
    executable = next((path for name in INSTALLED if (path := shutil.which(name))), None)
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    running = playwright.chromium.launch(executable_path=executable, headless=True, args=flags)
    yield running
    running.close()


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of error messages that a test provokes on purpose."""
    return []


@pytest.fixture
def open_page(
    browser: Browser, stack: Stack, request: pytest.FixtureRequest, expected_errors: list[str]
) -> Iterator[Callable[..., Page]]:
    """Open pages, each in a browser session of its own: `open_page(by="ops", look=Look(390, "dark"))`.

    `by` is signed in already, with a session that other tests of the module share: who means to sign out takes
    `sign_in` instead. Paths (`page.goto("/audit")`) count from the console's address.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_one(*, by: str = "", look: Look = LOOKS[0], **options: Any) -> Page:
        context = browser.new_context(
            base_url=stack.web_url,
            viewport=look.size,
            color_scheme=look.scheme,
            reduced_motion="reduce",
            storage_state=_session(browser, stack, by) if by else None,
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: _note(message, errors))
        page.on("pageerror", lambda error: errors.append(f"script error: {error}"))
        return page

    yield open_one
    if request.node.stash.get(FAILED, False):
        _photograph(contexts, request.node.name)
    for context in contexts:
        context.close()
    surprises = [error for error in errors if not any(part in error for part in expected_errors)]
    assert not surprises, "The browser reported errors:\n" + "\n".join(surprises)


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of `ops`, signed in, 1440 px wide, light."""
    return open_page(by="ops")


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Assert that axe-core finds nothing wrong with a page: `axe(page)`."""

    def check(page: Page) -> None:
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"

    return check


@dataclass(frozen=True)
class Looks:
    """One loaded page, to be seen each way."""

    page: Page
    axe: Callable[[Page], None]
    ways: Sequence[Look]

    def each(self) -> Iterator[Look]:
        """Turn the page to each look in turn, and wait until it has been laid out and painted anew."""
        for look in self.ways:
            self.page.set_viewport_size(look.size)
            self.page.emulate_media(color_scheme=look.scheme)
            self.page.evaluate(SETTLED)
            yield look

    def fits_every_way(self) -> None:
        """Assert of each look that axe-core finds nothing and that nothing is wider than the screen; tell all."""
        faults = []
        for look in self.each():
            try:
                self.axe(self.page)
            except AssertionError as found:
                faults.append(f"{look}: {found}")
            if (over := self.page.evaluate(OVERFLOW)) > 0:
                faults.append(f"{look}: {self.page.url} is {over} px wider than the screen")
        assert not faults, "\n\n".join(faults)


# Style, layout and charts follow a new size within two frames; what moves then is asked to end first.
SETTLED = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    await frame();
    const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(moving.map((one) => one.finished));
    await frame();
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def looks(axe: Callable[[Page], None]) -> Callable[..., Looks]:
    """See a loaded page each way: `looks(page).fits_every_way()`, or `for look in looks(page).each(): …`."""

    def turned(page: Page, ways: Sequence[Look] = LOOKS) -> Looks:
        return Looks(page, axe, ways)

    return turned


def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in as a person does, from whatever page asks for it."""
    page.goto("/")
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.locator("input[name=password]").wait_for(state="detached")


def _session(browser: Browser, stack: Stack, username: str) -> Any:
    """Cookies of somebody who has signed in: once a stack, since checking a password is slow on purpose."""
    if (stack.web_url, username) not in _SESSIONS:
        context = browser.new_context(base_url=stack.web_url)
        sign_in(context.new_page(), username, stack.password(username))
        _SESSIONS[stack.web_url, username] = context.storage_state()
        context.close()
    return _SESSIONS[stack.web_url, username]


_SESSIONS: dict[tuple[str, str], Any] = {}


def _note(message: ConsoleMessage, errors: list[str]) -> None:
    if message.type == "error":
        errors.append(f"{message.text} ({message.location.get('url', '')})")


def _photograph(contexts: list[BrowserContext], name: str) -> None:
    """Keep what a failed test saw, in a folder that git ignores."""
    FAILURES.mkdir(exist_ok=True)
    for number, page in enumerate(page for context in contexts for page in context.pages):
        safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
        page.screenshot(path=FAILURES / f"{safe}-{number}.png", full_page=True)
