"""Further channels, which an operator configures by name as addresses of the Apprise library.

A template is such as `ntfys://push.example.org/{address}`. The person's own part is put into it encoded and is plain to
begin with, so it can name neither a host nor an option; `{key}` becomes the key of the message, for services that can
tell repeats by it.
"""

from __future__ import annotations

import importlib
import logging
from functools import cache
from typing import Any
from urllib.parse import quote

from django.conf import settings

from pathway.delivery.parcels import Parcel, Undelivered
from pathway.models import PLAIN_ADDRESS

# It would log addresses, and its own errors say no more than ours.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


def send(channel: str, parcel: Parcel) -> None:
    """Raises Undelivered."""
    template = settings.MESSAGE_CHANNELS.get(channel)
    library = _library()
    if template is None or ("{address}" in template and not PLAIN_ADDRESS.match(parcel.address)):
        raise Undelivered
    asset = library.AppriseAsset(storage_mode=library.PersistentStoreMode.MEMORY)
    asset.async_mode = False
    asset.http_redirects = False
    target = library.Apprise(asset=asset)
    if not target.add(filled(template, parcel)) or not target.notify(body=parcel.body, title=parcel.subject):
        raise Undelivered


def filled(template: str, parcel: Parcel) -> str:
    """The address of one message."""
    return template.replace("{address}", quote(parcel.address, safe="")).replace("{key}", str(parcel.key))


@cache
def _library() -> Any:
    """Imported by who sends: it is large, and pages need nothing of it."""
    return importlib.import_module("apprise")
