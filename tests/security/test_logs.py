"""What is written into the log: no row of the database, no query string, no secret."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from gunicorn.config import Config

from config import gunicorn, logs, places
from config.access_log import AccessLog
from pathway.models import Patient
from tests.web.cast import Cast

CANARY = "ZEBRAFINCH-4711"


def rendered(form: str, record: logging.LogRecord) -> str:
    configured = logs.configure(form, "INFO")["formatters"]["structured"]
    factory = configured.pop("()")
    return str(factory(**configured).format(record))


def record_of(error: Exception, message: str = "failed") -> logging.LogRecord:
    return logging.LogRecord("x", logging.ERROR, __file__, 1, message, None, (type(error), error, error.__traceback__))


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_fault_of_the_database_does_not_quote_the_row(cast: Cast, form: str) -> None:
    rows = Patient.objects.unscoped("test")
    rows.filter(pk=cast.patient.pk).update(identifier=CANARY)
    twin = rows.get(pk=cast.patient.pk)
    twin.pk, twin.uuid, twin.family_name = None, uuid4(), f"{CANARY}\n\nB"
    twin._state.adding = True
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        twin.save()
    assert CANARY in str(caught.value)
    text = rendered(form, record_of(caught.value, f"Task failed: {caught.value!r}"))
    assert CANARY not in text
    assert "IntegrityError" in text and "duplicate key value" in text and logs.WITHOUT_ROW in text
    assert "test_logs.py" in text


def test_lines_after_the_quotation_stay_and_values_with_line_ends_go() -> None:
    text = "E: no\nDETAIL:  Failing row contains (1, a\nb, Zebrafinch).\nCONTEXT:  while planting\n"
    assert logs.QUOTED_ROW.sub("-", text) == "E: no\n-\nCONTEXT:  while planting\n"


def test_local_variables_are_not_logged() -> None:
    try:
        name = CANARY
        raise RuntimeError(f"{len(name)}")
    except RuntimeError as error:
        for form in ("json", "console"):
            assert CANARY not in rendered(form, record_of(error))


def test_a_line_of_json_is_one_line_with_its_time_in_utc() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "one\nforged: two", None, None)
    text = rendered("json", record)
    assert "\n" not in text
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", json.loads(text)["timestamp"])


def test_the_access_log_has_no_query_string_no_headers_and_no_address() -> None:
    parts = set(re.findall(r"%\(([^)]+)\)s", gunicorn.access_log_format))
    assert parts == {"m", "U", "s", "M"}


def test_no_line_tells_an_address_that_opens_something_by_itself() -> None:
    secret = "kTq3xV-9mZ_a"
    for path in (f"/feeds/{secret}.ics", f"/password/4-{secret}/", f"/feeds/{secret}.ics?x=1"):
        record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Not Found: %s", (path,), None)
        for form in ("json", "console"):
            assert secret not in rendered(form, record), path
            assert path[:7] in rendered(form, record)
        asked = dict.fromkeys(("PATH_INFO", "RAW_URI", "REQUEST_METHOD", "SERVER_PROTOCOL"), path)
        nothing = SimpleNamespace(status="404 Not Found", headers={})
        told = AccessLog(Config()).atoms(nothing, nothing, asked | {"REQUEST_METHOD": "GET"}, timedelta(0))
        assert secret not in gunicorn.access_log_format % told and path[:7] in told["U"]
    assert logs.without_secrets("GET /patients/123/ and /password/sent/") == "GET /patients/123/ and /password/sent/"
    assert gunicorn.logger_class == f"{AccessLog.__module__}.{AccessLog.__name__}"


def test_gunicorn_believes_no_header_about_the_scheme() -> None:
    assert gunicorn.forwarded_allow_ips == "" and gunicorn.secure_scheme_headers == {}
    command = [sys.executable, "-m", "gunicorn", "--check-config", "--config", "python:config.gunicorn"]
    target = "django.core.wsgi:get_wsgi_application"
    done = subprocess.run(
        [*command, target], cwd=places.BASE_DIR, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
