"""Whoever waits for a lock sees, once it is free, what the other did: not what it had read before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction

from pathway import errors, flow
from pathway.models import Administration, Alert, Enrollment, Intervention, Observation, Proposal
from pathway.selectors import invariants
from tests import builders
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("committed")

PATIENCE = 20  # seconds
WAITERS = """
    SELECT EXISTS (SELECT 1 FROM pg_locks
    WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))
"""


@pytest.fixture(autouse=True)
def everything_still_holds(committed: None) -> Iterator[None]:
    yield
    assert invariants.violations(builders.at(400)) == []


def one_after_the_other(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """`second` comes while `first` has done its work and not committed; what it returned or was refused with."""
    is_done = threading.Event()

    def lead() -> None:
        try:
            with transaction.atomic():
                first()
                is_done.set()
                wait_for_a_waiter()
        finally:
            connections.close_all()

    def follow() -> Any:
        assert is_done.wait(PATIENCE)
        try:
            return second()
        except errors.Refused as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        leading, following = pool.submit(lead), pool.submit(follow)
        leading.result(PATIENCE * 2)
        return following.result(PATIENCE * 2)


def wait_for_a_waiter() -> None:
    for _ in range(PATIENCE * 50):
        with connection.cursor() as cursor:
            cursor.execute(WAITERS)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited for this lock")


@pytest.fixture
def story(committed: None) -> Story:
    return cast.well_known()


def test_a_result_that_waits_for_a_death_is_stored_silently(story: Story) -> None:
    rows = one_after_the_other(lambda: story.die(1), lambda: story.weigh(1, "60"))
    assert Observation.objects.get(pk=rows.pk).status == "final"
    assert (story.alerts(), story.proposals()) == (set(), set())
    assert story.tasks().keys() == {"bereavement-contact"}


def test_a_result_after_the_day_of_a_death_that_it_waits_for_is_held(story: Story) -> None:
    row = one_after_the_other(lambda: story.die(2, effective=1), lambda: story.weigh(2, "60"))
    assert Observation.objects.get(pk=row.pk).held_for == "after-death"
    assert story.alerts() == set()


def test_a_death_that_waits_for_a_result_closes_what_it_raised(story: Story) -> None:
    assert one_after_the_other(lambda: story.weigh(1, "60"), lambda: story.die(1)) is None
    assert Alert.objects.filter(enrollment=story.enrollment, closed_by_death=True).count() == 3
    assert (story.alerts(), story.proposals()) == (set(), set())


def test_a_voiding_that_waits_for_a_change_of_pathway_reaches_the_new_one(story: Story) -> None:
    row = story.weigh(1, "60")
    assert "N2" in story.proposals()
    one_after_the_other(lambda: story.change_pathway(2, "als-bulbar"), lambda: story.void(2, row))
    assert (story.alerts(), story.proposals()) == (set(), set())
    loss = story.measure("loss-pct")
    assert loss is not None and loss.value is None
    assert Enrollment.objects.filter(patient=story.patient, status="active").count() == 1


def test_a_confirmation_that_waits_for_a_change_of_pathway_is_judged_there(story: Story) -> None:
    story.weigh(1, "154.3")
    held = story.weigh(2, "70")
    confirm = partial(flow.confirm, held.pk, reason="weighed again", at=builders.at(3), by=None)
    assert one_after_the_other(lambda: story.change_pathway(3, "als-bulbar"), confirm) is None
    assert "NUT-10" in story.alerts()
    assert Alert.objects.get(episode__key="NUT-10").enrollment_id == story.pk


def test_an_acceptance_that_waits_for_a_voiding_finds_nothing_to_accept(story: Story) -> None:
    row = story.weigh(1, "70")
    refusal = one_after_the_other(lambda: story.void(2, row), partial(story.accept, 2, "N2"))
    assert isinstance(refusal, errors.Conflict)
    assert story.stage("nutrition") == "N0"


def test_a_voiding_that_waits_for_an_acceptance_flags_it(story: Story) -> None:
    row = story.weigh(1, "70")
    one_after_the_other(partial(story.accept, 2, "N2"), lambda: story.void(2, row))
    assert story.stage("nutrition") == "N2"
    assert Proposal.objects.get(enrollment=story.enrollment, stage__code="N2").basis_retracted


def test_what_waits_for_a_withdrawal_is_refused(story: Story) -> None:
    refusal = one_after_the_other(lambda: story.withdraw(1), lambda: story.weigh(1, "60"))
    assert isinstance(refusal, errors.NotAllowed)
    assert not Observation.objects.filter(patient=story.patient, kind="weight").exists()


def test_of_two_starts_one_counts(story: Story) -> None:
    refusal = one_after_the_other(lambda: story.start(1, "riluzole"), lambda: story.start(1, "riluzole"))
    assert isinstance(refusal, errors.NotAllowed)
    assert Intervention.objects.filter(patient=story.patient).count() == 1


def test_of_two_records_of_one_dose_one_counts(story: Story) -> None:
    story.start(1, "tofersen")
    give = partial(story.give, 1, "tofersen", "L1")
    assert isinstance(one_after_the_other(give, give), errors.NotAllowed)
    assert Administration.objects.count() == 1


def test_of_two_results_with_one_source_id_one_counts(story: Story) -> None:
    other = cast.story()
    heard = one_after_the_other(
        lambda: story.record(1, cast.eat("1", source="clinic-system", source_id="77")),
        lambda: other.record(1, cast.eat("1", source="clinic-system", source_id="77")),
    )
    assert isinstance(heard, errors.InvalidEntry)
    assert Observation.objects.filter(source_id="77").count() == 1


def test_of_two_reversals_one_counts(story: Story) -> None:
    before = story.tasks()
    story.die(1)
    assert isinstance(one_after_the_other(lambda: story.revive(2), lambda: story.revive(2)), errors.NotAllowed)
    assert story.tasks() == before


def test_rows_with_a_guarded_status_are_read_again_by_many_at_once(story: Story) -> None:
    story.weigh(1, "60")
    pk, wrong = story.alert("NUT-5").pk, []

    def read_again() -> None:
        try:
            for _ in range(40):
                alert = Alert.objects.get(pk=pk)
                alert.refresh_from_db()
                assert alert.status == "open"
                with pytest.raises(AttributeError):
                    alert.status = "closed"
        except AttributeError as error:
            wrong.append(error)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        for reading in [pool.submit(read_again) for _ in range(6)]:
            reading.result(PATIENCE * 2)
    assert wrong == []
