"""Whole stories of coming in: a second factor, a recovery code, a provider, guesses, and being thrown out."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LOOKS, Look, sign_in
from tests.oidc import Provider, provider
from tests.stack import Stack

LOCKED_SECONDS = 6.0


@pytest.fixture(scope="module")
def sso() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def stack(sso: Provider) -> Iterator[Stack]:
    """A console that knows a provider, and whose locks last seconds."""
    extra = sso.env(OIDC_GROUP_MAP="operations=corp-ops", LOCKOUT_MINUTES=str(LOCKED_SECONDS / 60))
    with Stack(samples=True, assistants=0, worker=False, extra=extra) as running:
        yield running


def code(secret: str, steps: int = 0) -> str:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def give_password(page: Page, name: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_second_factor_is_set_up_asked_for_and_replaced_by_a_recovery_code_once(
    open_page: Callable[..., Page], axe: Callable[[Page], None], stack: Stack
) -> None:
    page = open_page(look=Look(390, "dark"))
    sign_in(page, "risk", stack.password("risk"))
    page.goto("/account")
    axe(page)
    page.get_by_role("link", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_text("I cannot scan it").click()
    secret = page.locator("code.secret").inner_text()
    axe(page)
    page.get_by_label("Code").fill(code(secret))
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="10 of 10 left")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Your second factor is set up")
    axe(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as text").click()
    recovery = re.findall(r"^\d{8}$", download.value.path().read_text(), re.MULTILINE)[0]

    browser = open_page()
    give_password(browser, "risk", stack.password("risk"))
    expect(browser.get_by_role("heading", name="Your code")).to_be_visible()
    axe(browser)
    browser.get_by_label("Code").fill("000000")
    browser.get_by_role("button", name="Sign in").click()
    expect(browser.get_by_role("alert")).to_contain_text("wrong")
    browser.get_by_label("Code").fill(code(secret, 1))
    browser.get_by_role("button", name="Sign in").click()
    expect(browser.get_by_role("heading", name="Portfolio")).to_be_visible()

    for opens in (True, False):
        other = open_page()
        give_password(other, "risk", stack.password("risk"))
        other.get_by_label("Code").fill(recovery)
        other.get_by_role("button", name="Sign in").click()
        if opens:
            expect(other.get_by_role("heading", name="Portfolio")).to_be_visible()
        else:
            expect(other.get_by_role("alert")).to_contain_text("used already")


def test_somebody_comes_through_the_provider_and_gets_the_rights_of_their_group(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    sso: Provider,
    stack: Stack,
    expected_errors: list[str],
) -> None:
    expected_errors += ["cdn.jsdelivr.net", "ERR_"]  # the provider's own page asks for a style from elsewhere
    sso.knows("u-1", preferred_username="noor", groups=["corp-ops"])
    page = open_page()
    page.route("**/cdn.jsdelivr.net/**", lambda route: route.abort())
    page.goto("/audit")
    axe(page)
    page.get_by_role("button", name="Sign in with Example SSO").click()
    page.get_by_placeholder("sub").fill("u-1")
    page.get_by_role("button", name="Authorize").click()
    expect(page).to_have_url(re.compile("/audit$"))
    expect(page.get_by_role("main")).to_contain_text("noor signed in with Example SSO")
    joined = "SELECT reason FROM audit_event WHERE sentence = 'noor joined operations.'"
    assert stack.rows(joined) == [("What Example SSO says of them.",)]
    page.goto("/use-cases/claims-summary/tune")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_who_guesses_is_locked_out_for_a_while_and_others_are_not(
    open_page: Callable[..., Page], axe: Callable[[Page], None], stack: Stack, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 429")
    page = open_page()
    for _ in range(5):
        give_password(page, "admin", "wrong")
    expect(page.get_by_role("heading", name="Too many wrong passwords")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Try again")
    axe(page)
    other = open_page()
    sign_in(other, "ops", stack.password("ops"))
    give_password(page, "admin", stack.password("admin"))
    expect(page.get_by_role("heading", name="Too many wrong passwords")).to_be_visible()

    time.sleep(LOCKED_SECONDS)
    give_password(page, "admin", stack.password("admin"))
    expect(page.get_by_role("heading", name="Portfolio")).to_be_visible()


def test_a_session_that_is_ended_elsewhere_is_thrown_out_and_a_switched_off_person_too(
    open_page: Callable[..., Page], axe: Callable[[Page], None], stack: Stack, expected_errors: list[str]
) -> None:
    expected_errors += ["401", "ERR_"]  # the closed stream asks again, and is refused
    here, there = open_page(), open_page(look=LOOKS[2])
    for page in (here, there):
        sign_in(page, "ops", stack.password("ops"))
    here.goto("/account")
    axe(here)
    here.get_by_role("button", name="End all others").click()
    expect(here.get_by_text("This one", exact=True)).to_be_visible()
    there.goto("/audit")
    expect(there.get_by_label("Password")).to_be_visible()

    admin = open_page(by="admin")
    admin.goto("/people")
    axe(admin)
    admin.get_by_role("link", name="ops", exact=True).click()
    axe(admin)
    admin.get_by_label("Why?").fill("Has left")
    admin.get_by_role("button", name="Switch it off").click()
    expect(admin.get_by_role("main")).to_contain_text("Switched off")
    here.goto("/")
    expect(here.get_by_label("Password")).to_be_visible()
    assert stack.rows("SELECT reason FROM audit_event WHERE kind = 'person.deactivated'") == [("Has left",)]
