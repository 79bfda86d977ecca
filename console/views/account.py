"""A person's own account: password, second factor, other ways in, sessions."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as allauth_account
from allauth.account.adapter import get_adapter
from allauth.mfa.base import views as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache

from audit import log
from console import second_factor, sessions
from console.views.sign_in import provider
from usecases.views.kill_switches import person as user_of

OWN = reverse_lazy("account")
View = Callable[[HttpRequest], HttpResponse]


@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show what opens one's account, and where it is open."""
    user = user_of(request)
    held = {one.type: one for one in Authenticator.objects.filter(user=user)}
    recovery = held.get(Authenticator.Type.RECOVERY_CODES)
    open_ones = [(one, sessions.device(one), one.is_current()) for one in sessions.of(user)]
    context = {
        "totp": held.get(Authenticator.Type.TOTP),
        "codes_left": len(recovery.wrap().get_unused_codes()) if recovery else 0,
        "must": second_factor.must_have(user),
        "provider": provider(),
        "connections": SocialAccount.objects.filter(user=user),
        "sessions": sorted(open_ones, key=lambda one: not one[2]),
    }
    return render(request, "account/account.html", context)


@login_required
def end_sessions(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """End one of one's own sessions, or all but this one."""
    if request.method != "POST":
        return redirect("account")
    user = user_of(request)
    rows = UserSession.objects.filter(user=user)
    if pk is None:
        rows = rows.exclude(session_key=request.session.session_key)
    elif not rows.filter(pk=pk).exists():
        raise Http404("There is no such session.")
    else:
        rows = rows.filter(pk=pk)
    ended = sessions.end(sessions=rows, person=user, by=user)
    messages.success(request, f"{ended} session{'s are' if ended != 1 else ' is'} ended.")
    return redirect("account")


class Recorded:
    """A form of allauth's that changes how an account is opened: change and event are written together."""

    kind = ""
    did = ""
    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        user = user_of(self.request)
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]
            log.record(kind=self.kind, sentence=f"{user.get_username()} {self.did}.", by=user)
        return answer


class Password(Recorded, allauth_account.PasswordChangeView):  # type: ignore[misc]
    """Change one's password; other sessions end with it."""

    kind, did = "person.password_changed", "changed their password"
    success_url = OWN

    def form_valid(self, form: Any) -> HttpResponse:
        user = user_of(self.request)
        with transaction.atomic():
            answer = super().form_valid(form)
            # This session has another key by now; what is open in all others closes at once.
            sessions.close(
                UserSession.objects.filter(user=user).exclude(session_key=self.request.session.session_key)
            )
        return answer

    def get_default_success_url(self) -> str:
        return str(OWN)


class SetUpCodes(Recorded, totp.ActivateTOTPView):  # type: ignore[misc]
    """Set up codes of an app."""

    kind, did = "second_factor.set_up", "set up a second factor"


class RemoveCodes(Recorded, totp.DeactivateTOTPView):  # type: ignore[misc]
    """Remove the second factor."""

    kind, did = "second_factor.removed", "removed their second factor"
    success_url = OWN


class NewRecoveryCodes(Recorded, codes.GenerateRecoveryCodesView):  # type: ignore[misc]
    """Make new recovery codes; the ones before are void."""

    kind, did = "second_factor.codes_renewed", "made new recovery codes"


class Connections(Recorded, social.ConnectionsView):  # type: ignore[misc]
    """Disconnect from a provider. What is connected is told on the account's page."""

    kind, did = "person.disconnected", "disconnected their account from its provider"
    success_url = OWN

    def get(self, *_: Any, **__: Any) -> HttpResponse:
        return redirect("account")

    def form_invalid(self, form: Any) -> HttpResponse:
        for error in form.errors.get("__all__", ["Choose what to disconnect."]):
            messages.error(self.request, error)
        return redirect("account")


@never_cache
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """Change the password of a local account; who comes through a provider has none here."""
    if not user_of(request).has_usable_password():
        messages.error(request, "Your password is not kept here, but by whom you sign in through.")
        return redirect("account")
    answer: HttpResponse = Password.as_view()(request)
    return answer


set_up_codes = never_cache(login_required(SetUpCodes.as_view()))
remove_codes = login_required(RemoveCodes.as_view())
recovery_codes = never_cache(codes.view_recovery_codes)
new_recovery_codes = login_required(NewRecoveryCodes.as_view())
disconnect = login_required(Connections.as_view())


def _confirming(view: View) -> View:
    """Make allauth's question a page of ours; who has neither password nor code here cannot be asked."""

    @never_cache
    @login_required
    def handle(request: HttpRequest) -> HttpResponse:
        if not get_adapter().get_reauthentication_methods(user_of(request)):
            return redirect("account")
        return view(request)

    return handle


confirm = _confirming(allauth_account.reauthenticate)
confirm_by_code = _confirming(mfa.reauthenticate)
