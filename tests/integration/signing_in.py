"""Browsers of people who have just signed in."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


def come_in(client: "Client", user: "User") -> "Client":
    """Sign somebody in as if by their password, a moment ago; the test client alone leaves no trace of how."""
    from allauth.account.internal.flows import login

    client.force_login(user)
    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()
    return client
