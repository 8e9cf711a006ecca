"""Single sign-on by OpenID Connect, as an operator configures it. Off until a server is named."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from config.environment import ConfigurationError, Environment

PROVIDER = "sso"  # subjects are kept under this name
PLACE = re.compile("[a-z0-9-]+@[a-z0-9-]+")


@dataclasses.dataclass(frozen=True)
class SingleSignOn:
    """`places` says for each value of the claim at which sites it gives which role, as (role, site)."""

    server: str
    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    name: str
    claim: str
    places: Mapping[str, tuple[tuple[str, str], ...]]


def read(env: Environment) -> SingleSignOn | None:
    """None when it is off; raises ConfigurationError naming what is missing or cannot be understood."""
    server = env.text("PATHWAY_OIDC_SERVER")
    if not server:
        return None
    parts = urlsplit(server)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(f"PATHWAY_OIDC_SERVER={server!r} is no https address without a query.")
    client_id, secret = env.text("PATHWAY_OIDC_CLIENT_ID"), env.secret("PATHWAY_OIDC_CLIENT_SECRET")
    if not client_id or not secret:
        raise ConfigurationError(
            "PATHWAY_OIDC_SERVER needs PATHWAY_OIDC_CLIENT_ID and PATHWAY_OIDC_CLIENT_SECRET (or …_FILE)."
        )
    return SingleSignOn(
        server=server.rstrip("/"),
        client_id=client_id,
        client_secret=secret,
        name=env.text("PATHWAY_OIDC_NAME", "single sign-on"),
        claim=env.text("PATHWAY_OIDC_CLAIM", "groups"),
        places=_places(env.listing("PATHWAY_OIDC_ROLES")),
    )


def providers(found: SingleSignOn | None) -> dict[str, Any]:
    """The settings of allauth."""
    if found is None:
        return {}
    app = {
        "provider_id": PROVIDER,
        "name": found.name,
        "client_id": found.client_id,
        "secret": found.client_secret,
        # The ID token comes straight from the server over TLS; its subject is who it is.
        "settings": {"server_url": found.server, "fetch_userinfo": False, "oauth_pkce_enabled": True},
    }
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}


def _places(entries: list[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """From entries like `als-nurses=nurse-coordinator@north`; a value may stand in several of them."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for entry in entries:
        value, equals, place = (part.strip() for part in entry.rpartition("="))
        if not equals or not value or not PLACE.fullmatch(place):
            raise ConfigurationError(
                f"PATHWAY_OIDC_ROLES: {entry!r} is not written as value=role@site, such as nurses=dietitian@north."
            )
        role, _, site = place.partition("@")
        found[value] = (*found.get(value, ()), (role, site))
    if not found:
        raise ConfigurationError("PATHWAY_OIDC_ROLES is missing: without it nobody has a role, and nobody gets in.")
    return found
