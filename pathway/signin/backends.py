"""Whom Django knows by name and password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from pathway.models import User


class AccountBackend(ModelBackend):
    """Active accounts of people. It is asked again at each request: who is disabled is out with the next click."""

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and user.is_active and not user.is_service
