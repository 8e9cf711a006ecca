"""How many statements each flow sends: a number that stands here, the same for a new patient and for one of many years.

A number that went down belongs into the table; one that went up needs a reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pathway import flow
from pathway.models import Proposal
from tests import builders
from tests.builders import Clinic

# Where a due day is set, one of them asks what the site does otherwise than the release says: by itself and under the
# lock, so that a ladder that was changed a moment ago counts.
BASELINE = {
    "record a plain value": 19,
    "record a value that raises alerts": 25,
    "accept a stage": 20,
    "pass a day": 11,
    "complete a task": 16,
}
PLAIN, ALARMING = "71.8", "67.5"  # kg; the usual weight is 72, so the second one is a loss of more than 5 %
HISTORIES = (1, 300)  # results before the measured action
TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")

pytestmark = pytest.mark.usefixtures("loaded")


def patient_with(results: int) -> Clinic:
    """A patient with so many weights, one a day, the last one at the enrolment."""
    facts = [builders.result("height", "178", "cm"), builders.result("usual-weight", "72", "kg")]
    facts += [
        builders.result("weight", PLAIN, "kg", effective=builders.on() - timedelta(days=back))
        for back in range(results)
    ]
    return builders.clinic(facts=facts)


Action = Callable[[], object]


def weighing(clinic: Clinic, kilograms: str) -> Action:
    form = [builders.result("weight", kilograms, "kg")]
    return lambda: flow.record(clinic.enrollment.pk, form, at=builders.at(30), by=clinic.people["dietitian"])


def accepting(clinic: Clinic) -> Action:
    weighing(clinic, ALARMING)()
    proposal = Proposal.objects.get(enrollment=clinic.enrollment, track="nutrition", status="open")
    return lambda: flow.accept(proposal.pk, at=builders.at(31), by=clinic.people["neurologist"])


def passing_a_day(clinic: Clinic) -> Action:
    return lambda: flow.pass_day(clinic.enrollment.pk, at=builders.at(30))


def completing(clinic: Clinic) -> Action:
    task = clinic.task("dietitian-review")
    return lambda: flow.complete(task.pk, at=builders.at(30), by=clinic.people["dietitian"])


ACTIONS: dict[str, Callable[[Clinic], Action]] = {
    "record a plain value": lambda clinic: weighing(clinic, PLAIN),
    "record a value that raises alerts": lambda clinic: weighing(clinic, ALARMING),
    "accept a stage": accepting,
    "pass a day": passing_a_day,
    "complete a task": completing,
}


def statements_of(action: Action) -> list[str]:
    """The verb and the table of each, those that only mark the transaction aside."""
    with CaptureQueriesContext(connection) as captured:
        action()
    sent = [one["sql"] for one in captured.captured_queries]
    return [f"{sql.split()[0]} {TABLE.findall(sql)[:1]}" for sql in sent if not sql.startswith(TRANSACTION)]


@pytest.mark.parametrize("name", BASELINE)
def test_a_flow_sends_a_fixed_number_of_statements(name: str) -> None:
    counts = {}
    for results in HISTORIES:
        statements = statements_of(ACTIONS[name](patient_with(results)))
        counts[results] = len(statements)
    assert counts == dict.fromkeys(HISTORIES, BASELINE[name]), "\n".join(statements)
