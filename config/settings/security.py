"""What production checks before it starts, and the policy that browsers get. Pure functions over the environment."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

MINIMUM_KEY_LENGTH = 50
MINIMUM_TOKEN_LENGTH = 32
REPORT_GROUP = "csp"
# Words of keys that were copied from an example instead of made.
KNOWN_KEY_PARTS = ("changeme", "change-me", "django-insecure", "only-for-tests", "secret-key", "example", "xxxxxxxx")
# Passwords that come with a server or stand in its manual.
KNOWN_PASSWORDS = frozenset(
    {"admin", "change-me", "changeme", "guest", "password", "pathway", "postgres", "root", "secret", "test", "valkey"}
)


def content_security_policy(report_url: str = "") -> dict[str, Any]:
    """Everything from this server, nothing inline; the nonce stands in the policy of answers that have a script."""
    directives: dict[str, Any] = {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
    if report_url:
        # The second is for browsers that do not know the first; the endpoint is named in a header of its own.
        directives |= {"report-to": [REPORT_GROUP], "report-uri": [report_url]}
    return {"DIRECTIVES": directives}


def weakness_of_key(key: str) -> str:
    """What is wrong with a secret key; empty when nothing is."""
    if not key:
        return "SECRET_KEY (or SECRET_KEY_FILE) is missing"
    if any(part in key.lower() for part in KNOWN_KEY_PARTS):
        return "SECRET_KEY is a known example"
    if len(key) < MINIMUM_KEY_LENGTH or len(set(key)) < 10:
        return f"SECRET_KEY is too weak: at least {MINIMUM_KEY_LENGTH} random characters"
    return ""


def weakness_of_hosts(hosts: list[str]) -> str:
    """What is wrong with the allowed hosts; empty when nothing is."""
    if not hosts:
        return "ALLOWED_HOSTS is missing"
    return "ALLOWED_HOSTS must name hosts, not '*'" if any(host.strip(".") == "*" for host in hosts) else ""


def weakness_of_login(name: str, url: str) -> str:
    """What is wrong with the URL of a server that asks who comes; empty when nothing is.

    A socket of this machine asks the kernel, and a client certificate needs no password.
    """
    if not url:
        return f"{name} (or {name}_FILE) is missing"
    try:
        parts = urlsplit(url)
        host, password = unquote(parts.hostname or ""), unquote(parts.password or "")
    except ValueError:
        return f"{name} is no URL"
    if not host or host.startswith("/") or "sslcert" in parse_qs(parts.query):
        return ""
    if not password:
        return f"{name} has no password"
    return f"the password in {name} is a known default" if password.lower() in KNOWN_PASSWORDS else ""


def weakness_of_mail(host: str, user: str, password: str, is_encrypted: bool) -> str:
    """What is wrong with how mail is sent; empty when nothing is."""
    if bool(user) != bool(password):
        return "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD belong together"
    if password.lower() in KNOWN_PASSWORDS:
        return "EMAIL_HOST_PASSWORD is a known default"
    if password and not is_encrypted and host not in ("localhost", "127.0.0.1", "::1"):
        return "EMAIL_HOST_PASSWORD would travel unencrypted: set EMAIL_USE_TLS=1"
    return ""


def wrong_networks(name: str, networks: Sequence[str]) -> str:
    """What is wrong with a list of networks; empty when nothing is."""
    for text in networks:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            return f"{name}: {text!r} is no network such as 10.0.0.0/8"
    return ""


def weakness_of_monitor(networks: Sequence[str], token: str) -> str:
    """What is wrong with who may read the state of the machinery; empty when nothing is."""
    if token and len(token) < MINIMUM_TOKEN_LENGTH:
        return f"PATHWAY_MONITOR_TOKEN is too short: at least {MINIMUM_TOKEN_LENGTH} random characters."
    wrong = wrong_networks("PATHWAY_MONITOR_NETWORKS", networks)
    return f"{wrong}." if wrong else ""


def shared_secrets(secrets: Sequence[tuple[str, str]]) -> list[str]:
    """Pairs of names that hold the same secret: who learns one has the other."""
    found = []
    for place, (name, value) in enumerate(secrets):
        for other, same in secrets[place + 1 :]:
            if value and value == same:
                found.append(f"{name} and {other} are the same secret")
    return found


def password_of(url: str) -> str:
    """The password in a URL; empty where there is none."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
