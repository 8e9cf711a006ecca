"""Questions for patients of everybody are few, and each is listed here with where it is asked."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

CALL = re.compile(r"""\.unscoped\(\s*(?:["']([^"']*)["']|(\w+))\s*\)""")
MENTION = re.compile(r"\.unscoped\(")
NAMED = re.compile(r"""^REASON = "([^"]+)"$""", re.MULTILINE)
# The other way past the manager: Django's own managers of a model, which nothing but these may use.
PLAIN = re.compile(r"\b_(?:base|default)_manager\b")

# Reason → where. A new one needs a line here, and with it somebody who asks why.
ALLOWED: dict[str, set[str]] = {
    # Locks rows by their keys, which the caller has from `access`, or runs the server.
    "lock": {"pathway/services/records/erasing.py", "pathway/services/records/merging.py"},
    # As the audit's role, which reads keys and numbers of patients and no names.
    "audit": {"pathway/selectors/access_reports.py", "pathway/selectors/audit_export.py"},
    # Counts, without reading anybody.
    "count of the demo clinic": {"pathway/selectors/worklists.py"},
    # Commands of those who run the server.
    "import": {"pathway/imports/known.py"},
    "demo": {"pathway/demo/bulk.py", "pathway/demo/clinic.py"},
    "retention": {"pathway/selectors/retention.py", "pathway/services/records/erasing.py"},
    # One whole record, for whoever may take it out, and the records that were merged into it.
    "export and erasure": {
        "pathway/management/commands/export_record.py",
        "pathway/selectors/reach.py",
        "pathway/selectors/record_export.py",
    },
    "bench": {"bench/originals.py", "bench/readers.py"},
}
PLAIN_MANAGERS = {
    "config/serving.py",  # whether there is any patient, before people are served
    "pathway/admin/auditing.py",  # of models of the administration, which are none of patients
    "pathway/selectors/reach.py",  # one whole record, as above
    "pathway/selectors/record_export.py",
}


def sources() -> dict[str, str]:
    base = Path(settings.BASE_DIR)
    files = [path for folder in ("pathway", "config", "bench") for path in sorted((base / folder).rglob("*.py"))]
    return {path.relative_to(base).as_posix(): path.read_text() for path in files}


def found_in(files: dict[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, text in files.items():
        named = NAMED.search(text)
        for literal, word in CALL.findall(text):
            if word == "reason" and name == "pathway/models/people.py":
                continue  # in what the manager says to whoever forgets it
            reason = literal or (named[1] if named and word == "REASON" else f"? {word}")
            found.setdefault(reason, set()).add(name)
    return found


def test_every_question_for_patients_of_everybody_is_on_the_list() -> None:
    assert found_in(sources()) == ALLOWED


def test_no_question_hides_its_reason() -> None:
    """What the list cannot read, it cannot know."""
    for name, text in sources().items():
        assert len(MENTION.findall(text)) == len(CALL.findall(text)), name


def test_nothing_goes_around_the_manager() -> None:
    found = {name for name, text in sources().items() if PLAIN.search(text)}
    assert {name for name in found if not name.startswith("bench/")} == PLAIN_MANAGERS


def test_a_new_question_is_found() -> None:
    planted = {"pathway/web/new.py": 'Patient.objects.unscoped("because").count()\nPatient.objects.unscoped(why)'}
    assert found_in(planted) == {"because": {"pathway/web/new.py"}, "? why": {"pathway/web/new.py"}}
