"""Addresses of signing in and of the own account.

Each is named here, and what allauth offers besides (signing up, managing addresses) has none. The names with
underscores are those by which allauth finds its pages.
"""

from __future__ import annotations

from allauth.account import views as accounts
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as apps
from allauth.mfa.webauthn import views as keys
from allauth.socialaccount import views as elsewhere
from allauth.socialaccount.providers.openid_connect import views as openid
from django.conf import settings
from django.db import transaction
from django.urls import path, re_path

from config.single_sign_on import PROVIDER
from pathway.signin import views
from pathway.signin.watching import watched

# What changes an account stands or falls together with its entry in the audit.
whole = transaction.atomic

urlpatterns = [
    path("sign-in/", accounts.login, name="account_login"),
    path("sign-in/", accounts.login, name="login"),
    path("sign-in/code/", factors.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", keys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/disabled/", accounts.account_inactive, name="account_inactive"),
    path("sign-out/", views.sign_out, name="account_logout"),
    path("sign-out/", views.sign_out, name="logout"),
    path("password/", accounts.password_reset, name="account_reset_password"),
    path("password/sent/", accounts.password_reset_done, name="account_reset_password_done"),
    path("password/set/", accounts.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        whole(accounts.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("account/", views.account, name="account"),
    path("account/password/", whole(views.ChangePassword.as_view()), name="account_change_password"),
    path("account/confirm/", accounts.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("account/confirm/key/", keys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/factors/", factors.index, name="mfa_index"),
    path("account/factors/app/", watched(apps.activate_totp), name="mfa_activate_totp"),
    path("account/factors/app/remove/", watched(apps.deactivate_totp), name="mfa_deactivate_totp"),
    path("account/factors/keys/", keys.list_webauthn, name="mfa_list_webauthn"),
    path("account/factors/keys/add/", watched(keys.add_webauthn), name="mfa_add_webauthn"),
    path("account/factors/keys/<int:pk>/", keys.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/factors/keys/<int:pk>/remove/", watched(keys.remove_webauthn), name="mfa_remove_webauthn"),
    path("account/factors/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/factors/codes/new/", watched(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("account/sessions/", views.own_sessions, name="account-sessions"),
    path("account/sessions/others/end/", views.end_other_sessions, name="account-end-others"),
    path("account/sessions/<int:pk>/end/", views.end_session, name="account-end-session"),
    path("admin/login/", views.to_the_sign_in),
    path("admin/logout/", views.sign_out),
    path("admin/password_change/", views.to_the_own_password),
]

if settings.SINGLE_SIGN_ON is not None:
    urlpatterns += [
        path("sso/", openid.login, {"provider_id": PROVIDER}, name="openid_connect_login"),
        path("sso/back/", openid.callback, {"provider_id": PROVIDER}, name="openid_connect_callback"),
        path("sso/cancelled/", elsewhere.login_cancelled, name="socialaccount_login_cancelled"),
        path("sso/failed/", elsewhere.login_error, name="socialaccount_login_error"),
    ]
