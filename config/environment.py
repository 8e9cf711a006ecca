"""Strict reading of environment variables: a value that cannot be understood stops the start and is named."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


class ConfigurationError(SystemExit):
    """A start that is refused.

    It is a SystemExit so that every door (manage.py, gunicorn, celery) prints the one line and no traceback.
    """


class Environment:
    """Reads typed values; an empty variable counts as unset."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding blanks."""
        return self._variables.get(name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """The value of NAME, or the content of the file that NAME_FILE points to; both at once are refused."""
        direct, path = self.text(name), self.text(f"{name}_FILE")
        if direct and path:
            raise ConfigurationError(f"{name} and {name}_FILE are both set; keep one of them.")
        return self._content_of(f"{name}_FILE", path) if path else direct or default

    def boolean(self, name: str, default: bool) -> bool:
        """One of 1/true/yes/on or 0/false/no/off, in any case."""
        word = self.text(name).lower()
        if not word:
            return default
        if word in TRUE_WORDS | FALSE_WORDS:
            return word in TRUE_WORDS
        raise ConfigurationError(f"{name}={word!r} is neither true nor false; write 1 or 0.")

    def integer(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """A whole number inside [minimum, maximum]."""
        word = self.text(name)
        if not word:
            return default
        if not word.isascii() or not word.isdigit() or not minimum <= int(word) <= maximum:
            raise ConfigurationError(f"{name}={word!r} is not a whole number from {minimum} to {maximum}.")
        return int(word)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed words."""
        word = self.text(name, default)
        if word not in allowed:
            raise ConfigurationError(f"{name}={word!r} is not one of {', '.join(allowed)}.")
        return word

    def identifier(self, name: str) -> str:
        """A plain name of the database: small letters, digits and underscores; empty when unset."""
        word = self.text(name)
        if word and not re.fullmatch("[a-z_][a-z0-9_]{0,62}", word):
            raise ConfigurationError(f"{name}={word!r} is not a plain name; write small letters, digits and _.")
        return word

    def url(self, name: str, default: str) -> str:
        """The address of a web server, without a slash at its end."""
        word = self.text(name, default).rstrip("/")
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", word):
            raise ConfigurationError(f"{name}={word!r} is not an address such as https://pathway.example.org.")
        return word

    def listing(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Words separated by commas."""
        words = [word.strip() for word in self.text(name).split(",")]
        return [word for word in words if word] or list(default)

    @staticmethod
    def _content_of(name: str, path: str) -> str:
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}={path!r} cannot be read: {error}.") from error
        if not content:
            raise ConfigurationError(f"{name}={path!r} is an empty file.")
        return content
