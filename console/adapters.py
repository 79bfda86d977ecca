"""What this installation answers where allauth asks: who may come in, in which words, and with which groups."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse

from console import addresses, claims, names, second_factor, sign_in_record

# Who never saw a page change wants no notice of it; the rest is said in our words.
GENERATED = "mfa/messages/recovery_codes_generated.txt"
NOTICES = {
    "mfa/messages/totp_activated.txt": "Your second factor is set up. Keep these codes for the day you lose it.",
    "mfa/messages/totp_deactivated.txt": "Your second factor is removed. A password alone opens your account.",
    GENERATED: "New recovery codes are made. Those from before no longer work.",
    "account/messages/password_changed.txt": "Your password is changed.",
    "socialaccount/messages/account_connected.txt": "From now on you can sign in that way too.",
    "socialaccount/messages/account_connected_other.txt": "That account there belongs to somebody else here already.",
    "socialaccount/messages/account_disconnected.txt": "You can no longer sign in that way.",
}


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Local accounts: made by an admin, never by whoever comes along."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "The name or the password is wrong.",
        "incorrect_password": "The password is wrong.",
        "enter_current_password": "That is not your password.",
        "too_many_login_attempts": "Too many wrong codes. Try again in five minutes.",
        "rate_limited": "Too many tries. Wait a minute, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        return ["allauth.mfa.stages.AuthenticateStage"]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count nothing here: axes does, by name and address. By name alone a stranger could lock anybody out."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return addresses.of(request) or "127.0.0.1"

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            sign_in_record.signed_out(request.user)
        super().logout(request)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        words = message or NOTICES.get(message_template or "")
        match = request.resolver_match
        if message_template == GENERATED and match and match.view_name == "mfa_activate_totp":
            return  # these are the first ones: there are none from before
        if words:
            messages.add_message(request, level, words, extra_tags=extra_tags)


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]
    """Codes of an app, and codes on paper. What they are made from is stored encrypted."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "The code is wrong, or was used already.",
        "cannot_delete_authenticator": "Your account must have a second factor.",
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises InvalidToken under another `SECRET_KEY`: an empty secret would be one that everybody knows."""
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        return not second_factor.must_have(authenticator.user)


def _cipher() -> Fernet:
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"second factors").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))


class Providers(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """People of an OpenID Connect provider. An account here is found by the provider's own id of them, nothing else."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Keep of what the provider told only what is needed; bring groups up to date."""
        told = claims.read(sociallogin.account.extra_data)
        sociallogin.email_addresses = []
        sociallogin.account.extra_data = told.kept
        sociallogin.told = told
        if sociallogin.is_existing:
            sociallogin.account.save(update_fields=["extra_data"])
            claims.apply(sociallogin.user, told)

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("account")

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        """Name the account that may be made; an e-mail address is not kept."""
        user: User = sociallogin.user
        user.username = names.free(data.get("username") or data.get("name") or sociallogin.account.uid)
        return user

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Make the account of somebody who came for the first time."""
        user: User = sociallogin.user
        user.set_unusable_password()
        sociallogin.save(request)
        claims.welcome(user, sociallogin.told)
        return user

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        # Without a state of ours anybody could have called the address, as often as they like.
        if extra_context and extra_context.get("state"):
            sign_in_record.provider_failed(str(provider.name), exception)
