"""Signing in through a real OpenID Connect provider: accounts, groups, and what never happens."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.oidc import Provider, provider

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django.fixtures import Settings


@pytest.fixture(scope="module")
def sso() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(autouse=True)
def configured(people: "dict[str, User]", sso: Provider, settings: "Settings") -> None:
    """A console that sends people there; `risk` and `operations` follow from groups of the company."""
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": "Example SSO",
                    "client_id": "console",
                    "secret": "only for tests",
                    "settings": {"server_url": sso.url, "oauth_pkce_enabled": True},
                }
            ]
        }
    }
    settings.OIDC_GROUP_MAP = {"risk": ["corp-risk"], "operations": ["corp-ops", "corp-desk"]}


def come(client: "Client", sso: Provider, sub: str, **form: str) -> Any:
    """Press the button, say at the provider who one is, and come back."""
    leaving = client.post("/sign-in/with", form)
    assert leaving.status_code == 200, leaving.content
    back = sso.authorize(leaving.context["there"], sub)
    return client.get(back.removeprefix("http://testserver"))


def groups(name: str) -> set[str]:
    from django.contrib.auth.models import User

    return set(User.objects.get(username=name).groups.values_list("name", flat=True))


def test_the_first_sign_in_makes_an_account_with_exactly_the_mapped_groups(
    client: "Client", sso: Provider
) -> None:
    from django.contrib.auth.models import User

    from audit.models import Event

    sso.knows("u-1", preferred_username="noor", groups=["corp-risk", "corp-other"], email="noor@example.org")

    assert come(client, sso, "u-1", next="/audit").headers["Location"] == "/audit"

    user = User.objects.get(username="noor")
    assert groups("noor") == {"risk"}
    assert (user.email, user.has_usable_password()) == ("", False)
    made, joined, came = Event.objects.order_by("id")
    assert (made.kind, joined.kind, came.kind) == ("person.created", "person.groups_set", "person.signed_in")
    assert joined.sentence == "noor joined risk."
    assert came.sentence == "noor signed in with Example SSO."
    assert "noor@example.org" not in str(user.socialaccount_set.get().extra_data)  # type: ignore[attr-defined]


def test_each_later_sign_in_brings_groups_up_to_date_removal_included(
    client: "Client", sso: Provider
) -> None:
    from django.contrib.auth.models import Group, User

    sso.knows("u-2", preferred_username="sam", groups=["corp-risk", "corp-desk"])
    come(client, sso, "u-2")
    assert groups("sam") == {"risk", "operations"}
    User.objects.get(username="sam").groups.add(Group.objects.create(name="claims unit"))
    client.post("/sign-out")

    sso.knows("u-2", preferred_username="sam", groups="corp-ops")
    come(client, sso, "u-2")

    assert groups("sam") == {"operations", "claims unit"}


def test_somebody_without_a_mapped_group_is_told_that_an_admin_has_to_give_rights(
    client: "Client", sso: Provider, use_case: Any
) -> None:
    sso.knows("u-3", preferred_username="guest")
    come(client, sso, "u-3")
    page = client.get("/").content.decode()
    assert "have no rights here yet" in page
    assert "Claims summarisation" not in page


def test_a_name_or_an_address_alone_never_opens_an_account_that_was_there(
    client: "Client", sso: Provider, admin: "User"
) -> None:
    admin.email = "boss@example.org"
    admin.save()
    sso.knows("u-4", preferred_username="admin", email="boss@example.org", email_verified=True)

    come(client, sso, "u-4")

    assert client.get("/account").content.decode().count("admin@oidc")
    assert groups("admin@oidc") == set()


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("Admin", "admin@oidc"),
        ("admin", "admin@oidc"),  # full-width letters
        ("\u0430dmin", "dmin"),  # the first one is Cyrillic
        ("ri\u200bsk", "ri-sk"),
        ("console", "console@oidc"),
        ("sign-in", "sign-in@oidc"),
        ("José Núñez", "jose-nunez"),
        ("\u4e16\u754c", "person"),
        ("left", "left@oidc"),
        ("a\0b\n", "a-b"),
    ],
)
def test_nobody_gets_a_name_that_passes_for_another_s_in_the_record(
    people: "dict[str, User]", wanted: str, given: str
) -> None:
    from audit import log
    from console import names

    people["stranger"].username = "left"
    log.record(kind="person.signed_out", sentence="left signed out.", by=people["stranger"])
    assert names.free(wanted) == given


def test_a_signed_in_person_connects_their_account_and_keeps_the_groups_an_admin_gave(
    client: "Client", sso: Provider, ops: "User"
) -> None:
    ops.set_password("a password of twelve")
    ops.save()
    client.post("/sign-in", {"username": "ops", "password": "a password of twelve"})
    sso.knows("u-5", preferred_username="somebody", groups=["corp-risk"])

    assert come(client, sso, "u-5", process="connect").headers["Location"] == "/account"
    assert "As somebody" in client.get("/account").content.decode()
    client.post("/sign-out")
    come(client, sso, "u-5")
    assert "ops, Operations" in client.get("/account").content.decode()
    assert groups("ops") == {"operations"}

    account = ops.socialaccount_set.get()  # type: ignore[attr-defined]
    client.post("/account/connections", {"account": account.pk})
    client.post("/sign-out")
    come(client, sso, "u-5")
    assert groups("somebody") == {"risk"}


def test_a_stranger_cannot_connect_anything(client: "Client", sso: Provider) -> None:
    from allauth.socialaccount.models import SocialAccount

    sso.knows("u-6", preferred_username="nobody")
    come(client, sso, "u-6", process="connect")
    assert not SocialAccount.objects.exists()


def test_a_switched_off_account_stays_out(client: "Client", sso: Provider) -> None:
    from django.contrib.auth.models import User

    sso.knows("u-7", preferred_username="gone")
    come(client, sso, "u-7")
    client.post("/sign-out")
    User.objects.filter(username="gone").update(is_active=False)

    assert come(client, sso, "u-7").headers["Location"] == "/sign-in/inactive"
    assert client.get("/").status_code == 302


def test_an_answer_that_nobody_asked_for_is_refused_and_writes_nothing(client: "Client") -> None:
    from audit.models import Event

    assert client.get("/sign-in/with/oidc?code=x&state=y").status_code == 401
    assert client.get("/sign-in/with").headers["Location"] == "/sign-in"
    assert not Event.objects.exists()


def test_a_provider_that_is_away_is_told(client: "Client", settings: "Settings") -> None:
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = (
        "http://127.0.0.1:9"
    )
    answer = client.post("/sign-in/with")
    assert answer.status_code == 502
    assert "does not answer" in answer.content.decode()


def test_without_a_provider_there_is_no_such_page(client: "Client", settings: "Settings") -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
    assert client.post("/sign-in/with").status_code == 404
    assert "Example SSO" not in client.get("/sign-in").content.decode()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("", {}),
        ("risk=corp-risk, operations=a,operations=b", {"risk": ["corp-risk"], "operations": ["a", "b"]}),
        ('{"risk": "cn=risk,ou=groups"}', {"risk": ["cn=risk,ou=groups"]}),
    ],
)
def test_the_map_of_groups_is_read_from_the_environment(given: str, read: dict[str, list[str]]) -> None:
    from console.env import Env

    assert Env(oidc_group_map=given).group_map == read


def test_a_map_that_cannot_be_read_stops_the_start() -> None:
    from pydantic import ValidationError

    from console.env import Env

    with pytest.raises(ValidationError, match="is not GROUP=VALUE"):
        Env(oidc_group_map="risk")
