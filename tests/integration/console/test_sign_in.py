"""Signing in: password, second factor, guesses, and what the record says of each."""

import re
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django.fixtures import Settings

PASSWORD = "a password of twelve"


@pytest.fixture
def person(ops: "User") -> "User":
    """`ops`, with a password that tests know."""
    ops.set_password(PASSWORD)
    ops.save()
    return ops


@pytest.fixture
def secret(person: "User") -> str:
    """The secret of the second factor that `ops` has."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    made = str(generate_totp_secret())
    TOTP.activate(person, made)
    RecoveryCodes.activate(person)
    return made


def code(secret: str, steps: int = 0) -> str:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def sign_in(client: "Client", password: str = PASSWORD, name: str = "ops", **more: Any) -> Any:
    return client.post("/sign-in", {"username": name, "password": password}, **more)


def kinds() -> list[str]:
    from audit.models import Event

    return list(
        Event.objects.exclude(kind__startswith="use_case").order_by("id").values_list("kind", flat=True)
    )


def test_a_sign_in_and_a_sign_out_are_in_the_record(client: "Client", person: "User") -> None:
    from audit.models import Event

    sign_in(client)
    client.post("/sign-out")

    came, left = Event.objects.order_by("id")
    assert (came.kind, came.actor, came.sentence) == (
        "person.signed_in",
        "ops",
        "ops signed in with password.",
    )
    assert came.new == {"with": ["password"], "address": "127.0.0.1"}
    assert (left.kind, left.sentence) == ("person.signed_out", "ops signed out.")
    assert client.get("/").status_code == 302


def test_a_page_that_was_asked_for_comes_after_signing_in_and_a_foreign_one_never(
    client: "Client", person: "User"
) -> None:
    there = client.post("/sign-in", {"username": "ops", "password": PASSWORD, "next": "/audit"})
    assert there.headers["Location"] == "/audit"
    client.post("/sign-out")
    away = client.post("/sign-in", {"username": "ops", "password": PASSWORD, "next": "https://evil.example/"})
    assert away.headers["Location"] == "/"


def test_signing_out_takes_a_button(client: "Client", person: "User") -> None:
    sign_in(client)
    assert client.get("/sign-out").headers["Location"] == "/"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "sign-up",
        "signup",
        "accounts/signup",
        "accounts/login",
        "account/email",
        "password/reset",
        "3rdparty/",
    ],
)
def test_pages_that_this_product_has_not_are_nowhere(client: "Client", person: "User", path: str) -> None:
    assert client.get(f"/{path}").status_code == 404


def test_five_wrong_passwords_lock_a_name_to_one_address_for_a_while(
    client: "Client", person: "User", settings: "Settings"
) -> None:
    settings.AXES_COOLOFF_TIME = timedelta(seconds=1.5)
    for _ in range(4):
        assert sign_in(client, "wrong").status_code == 200
    locked = sign_in(client, "wrong")
    assert locked.status_code == 429
    assert "Try again" in locked.content.decode()
    assert 1 <= int(locked.headers["Retry-After"]) <= 2
    assert sign_in(client).status_code == 429
    assert sign_in(client, REMOTE_ADDR="192.0.2.7").status_code == 302, "elsewhere the person comes in"
    assert kinds() == ["sign_in.failed"] * 5 + ["sign_in.locked", "person.signed_in"]

    time.sleep(1.6)
    assert sign_in(client).status_code == 302


def test_guesses_during_a_lock_do_not_make_it_longer(
    client: "Client", person: "User", settings: "Settings"
) -> None:
    settings.AXES_COOLOFF_TIME = timedelta(seconds=2)
    for _ in range(5):
        sign_in(client, "wrong")
    time.sleep(1.2)
    assert sign_in(client, "wrong").status_code == 429
    time.sleep(0.9)
    assert sign_in(client).status_code == 302


def test_many_machines_guessing_together_lock_strange_addresses_only(
    client: "Client", person: "User", monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils import timezone

    from console import lockout
    from console.models import SignInPlace

    monkeypatch.setattr(lockout, "NAME_LIMIT", 6)
    assert sign_in(client).status_code == 302
    client.post("/sign-out")
    for number in range(6):
        sign_in(client, "wrong", REMOTE_ADDR=f"192.0.2.{number}")

    assert sign_in(client, REMOTE_ADDR="198.51.100.1").status_code == 429
    assert sign_in(client).status_code == 302, "from where its owner always comes the account stays open"
    client.post("/sign-out")
    SignInPlace.objects.update(last_at=timezone.now() - lockout.KNOWN_FOR - timedelta(minutes=1))
    assert sign_in(client).status_code == 429, "from where they have not come for a month it does not"


def test_what_is_typed_as_a_name_is_kept_nowhere_unless_an_account_has_it(
    client: "Client", person: "User"
) -> None:
    from axes.models import AccessAttempt, AccessFailureLog

    from audit.models import Event

    sign_in(client, "ops", name="my secret password")

    rows = [str(row) for model in (AccessAttempt, AccessFailureLog, Event) for row in model.objects.values()]
    assert len(rows) == 3
    assert not any("secret" in row for row in rows)


def test_the_second_factor_is_asked_after_the_password(client: "Client", person: "User", secret: str) -> None:
    asked = sign_in(client)
    assert asked.headers["Location"] == "/sign-in/code"
    assert client.get("/").status_code == 302, "a password alone opens nothing"

    wrong = client.post("/sign-in/code", {"code": "000000"})
    assert "The code is wrong" in wrong.content.decode()
    right = code(secret)
    assert client.post("/sign-in/code", {"code": right}).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert kinds() == ["sign_in.code_failed", "person.signed_in"]

    client.post("/sign-out")
    sign_in(client)
    assert client.post("/sign-in/code", {"code": right}).status_code == 200, "a code works once"


def test_codes_cannot_be_guessed_for_long(client: "Client", person: "User", secret: str) -> None:
    sign_in(client)
    for _ in range(5):
        client.post("/sign-in/code", {"code": "000000"})
    refused = client.post("/sign-in/code", {"code": code(secret)})
    assert "Too many wrong codes" in refused.content.decode()


def test_a_recovery_code_opens_the_account_once(client: "Client", person: "User", secret: str) -> None:
    from allauth.mfa.models import Authenticator

    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    sign_in(client)
    assert client.post("/sign-in/code", {"code": codes[0]}).headers["Location"] == "/"
    client.post("/sign-out")
    sign_in(client)
    assert client.post("/sign-in/code", {"code": codes[0]}).status_code == 200
    assert kinds()[:2] == ["second_factor.recovery_used", "person.signed_in"]


def test_a_second_factor_is_set_up_by_a_code_and_its_secret_is_stored_encrypted(
    client: "Client", person: "User"
) -> None:
    from allauth.mfa.models import Authenticator

    sign_in(client)
    page = client.get("/account/second-factor").content.decode()
    secret = re.search(r'<code class="secret">([A-Z2-7]+)</code>', page)
    assert secret is not None
    assert "data:image/svg+xml;base64," in page

    assert client.post("/account/second-factor", {"code": "1"}).status_code == 200
    done = client.post("/account/second-factor", {"code": code(secret[1])})
    assert done.headers["Location"] == "/account/recovery-codes"
    assert "10 of 10 left" in client.get("/account/recovery-codes").content.decode()
    text = client.get("/account/recovery-codes.txt")
    assert len(re.findall(r"^\d{8}$", text.content.decode(), re.MULTILINE)) == 10
    assert secret[1] not in str(list(Authenticator.objects.values("data")))
    assert "second_factor.set_up" in kinds()


def test_a_failing_audit_row_leaves_no_second_factor(client: "Client", person: "User") -> None:
    from allauth.mfa.models import Authenticator

    from tests.record import failing_record

    sign_in(client)
    page = client.get("/account/second-factor").content.decode()
    secret = re.search(r'<code class="secret">([A-Z2-7]+)</code>', page)
    assert secret is not None

    with failing_record():
        client.post("/account/second-factor", {"code": code(secret[1])})
    assert not Authenticator.objects.exists()


def test_sensitive_pages_ask_again_after_a_while(
    client: "Client", person: "User", settings: "Settings"
) -> None:
    sign_in(client)
    assert client.get("/account/second-factor").status_code == 200
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    asked = client.get("/account/second-factor")
    assert asked.headers["Location"].startswith("/account/confirm?next=")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
    page = asked.headers["Location"]
    assert "The password is wrong" in client.post(page, {"password": "wrong"}).content.decode()
    assert client.post(page, {"password": PASSWORD}).headers["Location"] == "/account/second-factor"


def test_a_changed_password_ends_other_sessions(client: "Client", person: "User") -> None:
    from allauth.usersessions.models import UserSession
    from django.test import Client

    other = Client()
    sign_in(client)
    sign_in(other)
    new = "another password of mine"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    refused = client.post("/account/password", form | {"oldpassword": "wrong"})
    assert "That is not your password" in refused.content.decode()
    assert client.post("/account/password", form).headers["Location"] == "/account"

    assert client.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert UserSession.objects.filter(user=person).count() == 1, "what is open in others closes at once"
    assert kinds()[-1] == "person.password_changed"


@pytest.mark.parametrize(
    ("who", "required", "led"),
    [
        ("ops", "nobody", False),
        ("ops", "approvers", False),
        ("risk", "approvers", True),
        ("admin", "approvers", True),
        ("stranger", "everybody", True),
    ],
)
def test_who_must_have_a_second_factor_is_led_to_set_it_up(
    client: "Client",
    people: "dict[str, User]",
    use_case: Any,
    settings: "Settings",
    who: str,
    required: str,
    led: bool,
) -> None:
    settings.REQUIRE_MFA = required
    client.force_login(people[who])
    answer = client.get("/audit")
    assert (answer.status_code == 302) is led
    if led:
        assert answer.headers["Location"] == "/account/second-factor"
        assert client.post("/sign-out").headers["Location"] == "/sign-in"


def test_streams_and_large_uploads_ask_for_the_second_factor_and_the_sessions_age_too(
    client: "Client",
    people: "dict[str, User]",
    use_case: Any,
    settings: "Settings",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from console.live import _visible
    from console.uploading import _sender

    # Beside Django connections are given back after each question; this test has but one.
    monkeypatch.setattr("console.live.connection", SimpleNamespace(close=lambda: None))

    client.force_login(people["risk"])
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    asked: Any = {"path": "/use-cases/claims/import", "headers": [(b"cookie", cookie)]}
    assert _visible(asked)
    assert _sender(asked) == people["risk"]

    settings.REQUIRE_MFA = "approvers"
    assert (_visible(asked), _sender(asked)) == (None, None)
    settings.REQUIRE_MFA = "nobody"
    session = client.session
    session["began"] = time.time() - settings.SESSION_MAX_AGE - 1
    session.save()
    assert (_visible(asked), _sender(asked)) == (None, None)


def test_a_token_is_no_way_around_the_second_factor(
    client: "Client", person: "User", secret: str, people: "dict[str, User]", settings: "Settings"
) -> None:
    from console import tokens
    from console.uploading import _sender

    texts = {
        name: tokens.issue(name=name, by=people[name], user=people[name])[1]
        for name in ("ops", "risk", "stranger")
    }
    settings.REQUIRE_MFA = "everybody"

    def status(name: str) -> int:
        headers = {"Authorization": f"Bearer {texts[name]}"}
        return client.get("/api/v1/use-cases", headers=headers).status_code

    def sender(name: str) -> "User | None":
        bearer = (b"authorization", f"Bearer {texts[name]}".encode())
        return _sender({"path": "/api/v1/use-cases/claims/imports", "headers": [bearer]})

    assert [status(name) for name in texts] == [200, 403, 403]
    assert [sender(name) for name in texts] == [person, None, None]
    settings.OIDC_ASKS_SECOND_FACTOR = True
    assert status("stranger") == 200, "who has no password here was asked by the provider"
    settings.REQUIRE_MFA = "nobody"
    assert status("risk") == 200


def test_who_must_have_a_second_factor_cannot_remove_it(
    client: "Client", person: "User", secret: str, settings: "Settings"
) -> None:
    sign_in(client)
    client.post("/sign-in/code", {"code": code(secret)})
    settings.REQUIRE_MFA = "everybody"
    assert client.get("/").status_code == 200
    refused = client.post("/account/second-factor/remove")
    assert "must have a second factor" in refused.content.decode()
    settings.REQUIRE_MFA = "nobody"
    assert client.post("/account/second-factor/remove").headers["Location"] == "/account"
    assert kinds()[-1] == "second_factor.removed"


@pytest.mark.parametrize(
    ("remote", "forwarded", "trusted", "found"),
    [
        ("192.0.2.1", "", [], "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", [], "192.0.2.1"),
        ("10.0.0.1", "198.51.100.66, 203.0.113.9", ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", "198.51.100.66, 203.0.113.9, 10.0.0.2", ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", "nonsense", ["10.0.0.0/8"], "10.0.0.1"),
        ("::ffff:192.0.2.1", "", [], "192.0.2.1"),
    ],
)
def test_an_address_is_taken_from_trusted_proxies_alone(
    settings: "Settings", remote: str, forwarded: str, trusted: list[str], found: str
) -> None:
    from django.test import RequestFactory

    from console import addresses

    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert addresses.of(request) == found
