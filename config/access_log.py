"""The access log of the web server. An address in it may hold a secret, which is left out."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from config import logs


class AccessLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    def atoms(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().atoms(*args, **kwargs)
        return found | {"U": logs.without_secrets(str(found.get("U", "")))}
