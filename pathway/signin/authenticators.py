"""Secrets of second factors are sealed: a copy of the database alone makes no codes."""

from __future__ import annotations

import base64

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.translation import gettext_lazy as _

PURPOSE = b"pathway: secrets of second factors"
SEALED = ("secret", "seed")  # of an authenticator app, of recovery codes


def seal() -> MultiFernet:
    """Seals with the present key and opens with earlier ones."""
    return MultiFernet([_key(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(text: str | bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(force_bytes(text))
    return Fernet(base64.urlsafe_b64encode(derived))


class AuthenticatorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or it was used before. Wait for the next one."),
    }

    def encrypt(self, text: str) -> str:
        return seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return seal().decrypt(encrypted_text.encode()).decode()


@transaction.atomic
def reseal() -> int:
    """Seal everything with the present key, before an earlier one is forgotten; how many there are."""
    keys, rows = seal(), list(Authenticator.objects.select_for_update())
    for row in rows:
        sealed = {name: keys.rotate(row.data[name].encode()).decode() for name in SEALED if name in row.data}
        row.data = {**row.data, **sealed}
        row.save(update_fields=["data"])
    return len(rows)
