"""The base of the views of the API."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pathway import actor
from pathway.models import ApiToken, Scope, User


class ScopedView(APIView):
    """A view of the API: the database is told for whom it works, as it is for pages."""

    scopes: ClassVar[Mapping[str, Scope]] = {}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        with ExitStack() as stack:
            self.until_answered = stack
            return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.until_answered.enter_context(actor.acting(actor.person(cast(User, request.user).pk)))


def sites_of(request: Request) -> set[int] | None:
    """The sites to which the token is bound; None for a session, which is bound to none."""
    return set(request.auth.sites.values_list("pk", flat=True)) if isinstance(request.auth, ApiToken) else None
