"""How pages on the way in look after a mistake. Django's parts come late."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


def test_after_a_wrong_password_the_name_stays_and_the_password_is_typed_next(
    client: "Client", ops: "User"
) -> None:
    fresh = client.get("/sign-in").content.decode()
    told = client.post("/sign-in", {"username": "ops", "password": "wrong"}).content.decode()

    def field(page: str, name: str) -> str:
        return re.findall(rf'<input[^>]+id="id_{name}"[^>]*>', page)[0]

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
