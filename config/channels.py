"""Channels for messages besides e-mail, as an operator writes them: one `name = address` on each line."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from config.environment import ConfigurationError

NAME = re.compile(r"[a-z][a-z0-9-]{0,15}\Z")
TAKEN = ("inbox", "email")


def read(text: str) -> dict[str, str]:
    """Templates by name. Raises ConfigurationError naming the line, never its secret."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, template = (part.strip() for part in line.partition("="))
        problem = _problem(name, template) if separator else "is not of the form name = address"
        if not problem and name in found:
            problem = f"names {name} a second time"
        if problem:
            raise ConfigurationError(f"APPRISE_URLS: line {number} {problem}.")
        found[name] = template
    return found


def _problem(name: str, template: str) -> str:
    if not NAME.match(name):
        return "has no name of up to 16 small letters, digits and hyphens"
    if name in TAKEN:
        return f"takes the name {name}, which is ours"
    try:
        parts = urlsplit(template)
    except ValueError:
        return "holds an address that cannot be read"
    if not parts.scheme or not template.startswith(f"{parts.scheme}://"):
        return "holds an address without ://"
    if "{address}" in parts.scheme + parts.netloc:
        return "lets a person choose the host; {address} belongs behind it"
    return ""
