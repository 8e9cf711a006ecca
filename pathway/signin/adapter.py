"""What allauth asks of us about accounts: who may come in, what is remembered of it, and what people are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from pathway.models import User
from pathway.signin import outgoing, sessions, throttle, trail

# What allauth tells people about by mail, under our names and in our words.
SENTENCES: Mapping[str, Any] = {
    "account/email/password_changed": _("Your password was changed."),
    "account/email/password_reset": _("Your password was set anew by a link that was sent to you."),
    "mfa/email/totp_activated": _("An authenticator app was added to your account."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed from your account."),
    "mfa/email/webauthn_added": _("A security key was added to your account."),
    "mfa/email/webauthn_removed": _("A security key was removed from your account."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made for your account."),
}
# Said by the page that follows, or not worth saying.
SILENT = (
    "account/messages/logged_in.txt",
    "account/messages/logged_out.txt",
    "mfa/messages/recovery_codes_generated.txt",
)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators or by the single sign-on; one message for every way of not getting in."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The user name or the password is not right."),
        "too_many_login_attempts": _("Too many attempts. Wait a quarter of an hour, then try again."),
        "incorrect_code": _("This code is not right, or it was used before. Wait for the next one."),
        "incorrect_password": _("The password is not right."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The same answer after the same work for a wrong name, a wrong password and a disabled account."""
        username = str(credentials.get("username", ""))
        address = throttle.address_of(request)
        attempt = throttle.begin(username, address)
        if attempt is None:
            raise self.validation_error("too_many_login_attempts")
        found = authenticate(request, username=username, password=credentials.get("password"))
        if isinstance(found, User):
            throttle.forgive(attempt)
            return found
        self._failed(username, address, is_last=attempt.is_last)
        return None

    def login(self, request: HttpRequest, user: Any) -> None:
        """Everything asked for has been given: a new session begins."""
        super().login(request, user)
        sessions.begin(request)
        trail.record("signed-in", user, after={"ways": sessions.ways(request), "address": throttle.address_of(request)})

    def set_password(self, user: Any, password: str) -> None:
        """Chosen by the person: nobody else knows it. Other sessions end, as they carry the old one."""
        with transaction.atomic():
            user.set_password(password)
            user.must_change_password = False
            user.save(update_fields=["password", "must_change_password"])
            trail.record("password.changed", user)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor confirms with it: a password that was seen changes no factors."""
        methods = super().get_reauthentication_methods(user)
        stronger = [method for method in methods if method["id"] != "reauthenticate"]
        return stronger or methods

    def is_safe_url(self, url: str | None) -> bool:
        """Only pages of this server under the name by which it was called."""
        hosts = {self.request.get_host()}
        return url_has_allowed_host_and_scheme(url, allowed_hosts=hosts, require_https=self.request.is_secure())

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return "/account/"

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        trail.record("sign-in.failed", user, reason="disabled")
        return cast(HttpResponse, super().respond_user_inactive(request, user))

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if message_template not in SILENT:
            super().add_message(request, level, message_template, *args, **kwargs)

    # mail

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        outgoing.post(self.render_mail(template_prefix, email, {"request": self.request, "email": email, **context}))

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        trail.record("password.reset-asked", user)
        super().send_password_reset_mail(user, email, context)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """To who has an address. What happened is on record already, in the transaction in which it happened."""
        sentence = SENTENCES.get(template_prefix)
        if sentence and user.email:
            self.send_mail("account/email/notice", user.email, {"sentence": sentence, "user": user})

    def _failed(self, username: str, address: str, *, is_last: bool) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            trail.unknown("sign-in.failed", username, address)
            return
        trail.record("sign-in.failed", user, after={"address": address})
        if is_last:
            trail.record("sign-in.throttled", user, after={"address": address})
