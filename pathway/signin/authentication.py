"""Who comes to the API with a token, and what they may do with it. Nothing is open by default.

REST framework imports this module while it is itself imported, so its views are in `pathway.signin.api`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from pathway import clock
from pathway.models import ApiToken, Scope, User
from pathway.signin import tokens

if TYPE_CHECKING:
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`. Cookies are not looked at."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        text = parts[1].decode("ascii", "replace") if len(parts) == 2 else ""
        found = tokens.bearer(text, clock.real_now()) if text.startswith(tokens.PREFIX) else None
        if found is None:
            raise AuthenticationFailed("The token is not valid.")  # expired, revoked, unknown: one answer
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="pathway"'


class HasScope(BasePermission):
    """The view names the scope of each method in `scopes`; a method without one is for nobody.

    A person in a session has no scopes: a view for them lists `SessionAuthentication`, which wants the CSRF token.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed: Scope | None = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        if needed is None:
            return False
        if isinstance(request.auth, ApiToken):
            return needed in request.auth.scopes
        by_session = isinstance(request.successful_authenticator, SessionAuthentication)
        return by_session and bool(request.user.is_authenticated)
