"""Logging: structlog for our own lines and for those of the libraries, as JSON or for a terminal."""

import io
import re
from types import TracebackType
from typing import Any

import structlog

# What PostgreSQL adds to an error quotes the row: a name, a note, a number of a patient.
QUOTED_ROW = re.compile(
    r"(DETAIL|Failing row contains).*?"
    r"(?=(?:\n|\\n)(?:CONTEXT|HINT|STATEMENT|LOCATION):|\n\nThe above exception|\n\nDuring handling|\Z)",
    re.DOTALL,
)
Fault = tuple[type[BaseException], BaseException, TracebackType | None]
WITHOUT_ROW = "(the row is not logged)"
# What follows in an address opens something by itself: a calendar feed, or the setting of a password anew.
SECRET = re.compile(r"(/feeds/|/password/)(?!sent/|set/)[^\s?\"'<>]+")


def configure(form: str, level: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING for it; `form` is `json` or `console`."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.ExceptionRenderer(_trace),
                    without_rows,
                    without_secrets_of_addresses,
                    _last(form),
                ],
            }
        },
        "handlers": {"stream": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stream"], "level": level},
        "loggers": {"django.server": {"handlers": ["stream"], "level": level, "propagate": False}},
    }


def without_rows(logger: Any, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """No text of a line quotes a row of the database, whoever wrote the line."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = QUOTED_ROW.sub(WITHOUT_ROW, value)
    return event


def without_secrets_of_addresses(
    logger: Any, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Nor does one tell an address that opens something by itself."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = without_secrets(value)
    return event


def without_secrets(text: str) -> str:
    return SECRET.sub(r"\1…", text)


def _trace(exc_info: Fault) -> str:
    """Plain traces: the local variables of a frame may hold a patient."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    return text.getvalue()


def _last(form: str) -> structlog.types.Processor:
    return structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
