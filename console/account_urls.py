"""Addresses of signing in and of one's own account, under the names by which allauth asks for them.

Each of allauth's pages that this product has is named here; all others (signing up, e-mail addresses, forgotten
passwords) are nowhere.
"""

from allauth.mfa.recovery_codes import views as codes
from django.urls import path

from console.views import account, sign_in

urlpatterns = [
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in", sign_in.sign_in, name="account_login"),
    path("sign-in/code", sign_in.code, name="mfa_authenticate"),
    path("sign-in/with", sign_in.leave, name="sign-in-with"),
    path("sign-in/with/oidc", sign_in.come_back, {"provider_id": "oidc"}, "openid_connect_callback"),
    path("sign-in/failed", sign_in.failed, name="socialaccount_login_error"),
    path("sign-in/cancelled", sign_in.cancelled, name="socialaccount_login_cancelled"),
    path("sign-in/inactive", sign_in.inactive, name="account_inactive"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("sign-out", sign_in.sign_out, name="account_logout"),
    path("account", account.account, name="account"),
    path("account", account.account, name="mfa_index"),
    path("account/password", account.change_password, name="account_change_password"),
    path("account/confirm", account.confirm, name="account_reauthenticate"),
    path("account/confirm-code", account.confirm_by_code, name="mfa_reauthenticate"),
    path("account/second-factor", account.set_up_codes, name="mfa_activate_totp"),
    path("account/second-factor/remove", account.remove_codes, name="mfa_deactivate_totp"),
    path("account/recovery-codes", account.recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new", account.new_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/recovery-codes.txt", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/connections", account.disconnect, name="socialaccount_connections"),
    path("account/sessions/end", account.end_sessions, name="sessions-end"),
    path("account/sessions/<int:pk>/end", account.end_sessions, name="session-end"),
]
