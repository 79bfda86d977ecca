"""How pages on the way in, and of one's own account, lead on after a mistake. Django's parts come late."""

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.signing_in import come_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


def test_after_a_wrong_password_the_name_stays_and_the_password_is_typed_next(
    client: "Client", ops: "User"
) -> None:
    fresh = client.get("/sign-in").content.decode()
    told = client.post("/sign-in", {"username": "ops", "password": "wrong"}).content.decode()

    def field(page: str, name: str) -> str:
        return str(re.findall(rf'<input[^>]+id="id_{name}"[^>]*>', page)[0])

    assert "autofocus" in field(fresh, "username")
    assert "aria-invalid" not in fresh
    assert 'value="ops"' in field(told, "username")
    assert "autofocus" not in field(told, "username")
    assert "autofocus" in field(told, "password")
    for name in ("username", "password"):
        assert 'aria-invalid="true" aria-describedby="sign-in-error"' in field(told, name)


def test_an_address_that_leads_nowhere_is_no_part_of_the_portfolio(client: "Client", ops: "User") -> None:
    client.force_login(ops)
    assert "aria-current" not in client.get("/nowhere").content.decode()
    assert "aria-current" in client.get("/").content.decode()


def test_a_refused_password_leads_to_the_first_field_that_is_wrong(client: "Client", ops: "User") -> None:
    ops.set_password("a password of twelve")
    ops.save()
    come_in(client, ops)

    def led_to(**form: str) -> list[str]:
        page = client.post("/account/password", form).content.decode()
        return re.findall(r'<input[^>]+name="(\w+)"[^>]+aria-invalid="true"[^>]+autofocus', page)

    assert led_to(oldpassword="wrong", password1="short", password2="short") == ["oldpassword"]
    right = {"oldpassword": "a password of twelve"}
    assert led_to(**right, password1="short", password2="short") == ["password1"]
    assert led_to(**right, password1="another password", password2="one more password") == ["password2"]


@pytest.mark.django_db(transaction=True)
def test_who_sets_up_a_second_factor_is_not_told_of_codes_from_before(client: "Client", ops: "User") -> None:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    ops.set_password("a password of twelve")
    ops.save()
    come_in(client, ops)
    secret = re.findall(r"secret\">(\w+)<", client.get("/account/second-factor").content.decode())[0]
    code = str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    client.post("/account/second-factor", {"code": code})

    page = client.get("/account/recovery-codes").content.decode()
    assert "Your second factor is set up." in page
    assert "from before" not in page
    client.post("/account/recovery-codes/new")
    assert "from before no longer work" in client.get("/account/recovery-codes").content.decode()


def test_the_session_that_looks_comes_first(client: "Client", ops: "User") -> None:
    from django.test import Client

    ops.set_password("a password of twelve")
    ops.save()
    for browser, agent in ((client, "Firefox Windows"), (Client(), "Chrome Linux")):
        browser.post(
            "/sign-in",
            {"username": "ops", "password": "a password of twelve"},
            headers={"User-Agent": agent},
        )
        browser.get("/", headers={"User-Agent": agent})
    page = client.get("/account", headers={"User-Agent": "Firefox Windows"}).content.decode()
    assert page.index("Firefox on Windows") < page.index("This one") < page.index("Chrome on Linux")
