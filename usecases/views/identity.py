"""Ask whoever sits at an open session who they are, before what would outlast it: tokens, accounts, rights."""

import time

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows import login, reauthentication
from django.conf import settings
from django.http import HttpRequest

from usecases.permissions import Forbidden


def check_recent(request: HttpRequest) -> None:
    """Refuse unless this person has shown who they are within the last quarter of an hour.

    Raises allauth's `ReauthenticationRequired`, which leads to where they are asked and back to what they sent, and
    `Forbidden` where only their provider can ask them. Called once the right was checked: strangers learn nothing.
    """
    if get_adapter().get_reauthentication_methods(request.user):
        reauthentication.raise_if_reauthentication_required(request, app="")
        return
    # allauth lets these people pass, since nobody here can ask them; a session that was taken over would last.
    known = login.get_authentication_records(request, request.user)
    if not known or time.time() - known[-1]["at"] >= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
        raise Forbidden(
            "This decides who gets in: sign out and in again first. That lasts a quarter of an hour."
        )
