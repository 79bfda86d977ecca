"""Sign in and out: password, second factor, provider. Built on allauth's views; ours say where, and how it looks."""

import logging

import requests
from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.socialaccount.providers.openid_connect import views as openid
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from console.claims import app, provider_name

logger = logging.getLogger(__name__)
PROVIDER = "oidc"


def provider() -> dict[str, str] | None:
    """Return what the sign-in page offers beside a password."""
    return {"id": PROVIDER, "name": provider_name()} if app() else None


class SignIn(account.LoginView):  # type: ignore[misc]
    """Ask for name and password; somebody signed in already goes straight to the portfolio."""

    template_name = "registration/sign_in.html"
    extra_context = {"provider": provider}


class Code(mfa.AuthenticateView):  # type: ignore[misc]
    """Ask for the second factor."""

    template_name = "mfa/authenticate.html"


sign_in = SignIn.as_view()
code = Code.as_view()


def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session. By a button alone: a picture on a foreign page must not do it."""
    if request.method != "POST":
        return redirect("portfolio")
    answer: HttpResponse = account.LogoutView.as_view()(request)
    return answer


@never_cache
def leave(request: HttpRequest) -> HttpResponse:
    """Send somebody to the provider, by a page that leads there.

    A redirect would be the shorter way, but forms may lead nowhere else: our content security policy counts where a
    form's answer redirects to, and the provider's own redirects after that.
    """
    if provider() is None:
        raise Http404
    if request.method != "POST":
        return redirect("sign-in")
    try:
        answer: HttpResponse = openid.login(request, PROVIDER)
    except requests.RequestException as error:
        logger.warning("the OpenID Connect provider does not answer: %s", type(error).__name__)
        return render(request, "socialaccount/unreachable.html", {"provider": provider()}, status=502)
    if "Location" not in answer.headers:
        return answer
    return render(
        request, "registration/leaving.html", {"there": answer.headers["Location"], "provider": provider()}
    )


@never_cache
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take in whom the provider sends. Account, groups and record are written together, or not at all."""
    if provider() is None:
        raise Http404
    with transaction.atomic():
        answer: HttpResponse = openid.callback(request, provider_id)
    return answer


def failed(request: HttpRequest) -> HttpResponse:
    """Say that the provider sent nobody."""
    return render(request, "socialaccount/authentication_error.html", {}, status=400)


def cancelled(request: HttpRequest) -> HttpResponse:
    """Say that nothing happened."""
    return render(request, "socialaccount/login_cancelled.html", {})


def inactive(request: HttpRequest) -> HttpResponse:
    """Tell somebody whom the provider knows that their account here is switched off."""
    return render(request, "account/account_inactive.html", {}, status=403)
