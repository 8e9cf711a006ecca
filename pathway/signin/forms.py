"""The forms of allauth with what is particular here."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP
from django.utils.translation import gettext_lazy as _

from pathway.models import User
from pathway.signin import trail


class SignInForm(LoginForm):  # type: ignore[misc]
    """By user name; the field is called so, for password managers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("User name")

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else str(super().add_prefix(field_name))


class AskForLinkForm(ResetPasswordForm):  # type: ignore[misc]
    """Sends a link to people with a password here: no back door around the single sign-on, none for programs."""

    users: list[Any]

    def clean_email(self) -> str:
        email = str(super().clean_email())
        self.users = [
            user for user in self.users if isinstance(user, User) and not user.is_service and user.has_usable_password()
        ]
        return email


class CodeForm(AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)
        trail.record("sign-in.code-failed", self.user)


class CodeAgainForm(ReauthenticateForm):  # type: ignore[misc]
    """Before something is changed that protects the account."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        super()._emit_authentication_failed(authenticator)
        trail.record("sign-in.code-failed", self.user)


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    """The code that activates an app is used up, like any other."""

    def clean_code(self) -> str:
        code = str(super().clean_code())
        TOTP(Authenticator(user=self.user, type=Authenticator.Type.TOTP))._mark_code_used(code)
        return code
