"""A clock that jumps: nobody is reminded of everything at once, nothing twice, and a real pause is told from a jump."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pathway import clock, flow, office
from pathway.clock import Reading
from pathway.jobs import deliveries, judge
from pathway.models import ClockHold, Enrollment, Heartbeat, Reminder, SweepRun
from pathway.selectors import health
from pathway.selectors.health import Why
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")

START = builders.at(1, hour=9)
MONTHS = timedelta(days=60)
MINUTE = timedelta(minutes=1)


class Machine:
    """One start of one machine, and a database whose clock it watches."""

    def __init__(self, name: str = "boot-1", at: datetime = START) -> None:
        self.name, self.at, self.uptime = name, at, 1000.0

    def passes(self, span: timedelta) -> Machine:
        """Real time, on both clocks."""
        self.at += span
        self.uptime += span.total_seconds()
        return self

    def clock_set(self, by: timedelta) -> Machine:
        """The database's clock alone."""
        self.at += by
        return self

    def restarts(self) -> Machine:
        self.name, self.uptime = self.name + "'", 5.0
        return self

    @property
    def reading(self) -> Reading:
        return Reading(self.at, self.name, self.uptime, timedelta())

    def sweep(self) -> int:
        with clock.simulated(self.at):
            return flow.sweep(at=self.at, trigger="loop", reading=self.reading)

    @property
    def why(self) -> Why | None:
        late = health.state(self.at).late
        return None if late is None else late.why


@pytest.fixture
def machine() -> Machine:
    builders.clinic()
    found = Machine()
    found.sweep()
    assert not Reminder.objects.exists()
    return found


def test_an_hour_or_less_and_a_pause_that_both_clocks_saw_are_nothing(machine: Machine) -> None:
    machine.passes(MINUTE).clock_set(timedelta(minutes=59)).sweep()
    assert not ClockHold.objects.exists()
    assert machine.passes(MONTHS).sweep() > 0
    assert not ClockHold.objects.exists()


def test_a_jump_ahead_is_waited_for_ten_minutes_and_then_believed(machine: Machine) -> None:
    assert machine.passes(MINUTE).clock_set(MONTHS).sweep() == 0
    hold = ClockHold.objects.get()
    assert hold.is_witnessed
    assert abs(hold.step - MONTHS) < MINUTE
    assert machine.why == Why.CLOCK
    for _ in range(9):
        assert machine.passes(MINUTE).sweep() == 0
    assert not Reminder.objects.exists()
    assert machine.passes(2 * MINUTE).sweep() > 0
    assert ClockHold.objects.count() == 1
    assert machine.why is None
    assert "clock-was-set" in health.state(machine.at).warnings


def test_an_operator_may_say_that_the_clock_is_right(machine: Machine) -> None:
    machine.passes(MINUTE).clock_set(MONTHS).sweep()
    assert office.trust_clock(at=machine.at, by="olga") == 1
    assert ClockHold.objects.get().released_by == "olga"
    assert machine.passes(MINUTE).sweep() > 0
    assert office.trust_clock(at=machine.at, by="olga") == 0


def test_a_clock_that_was_set_right_again_fires_nothing_early(machine: Machine) -> None:
    machine.passes(MINUTE).clock_set(MONTHS).sweep()
    assert machine.passes(MINUTE).clock_set(-MONTHS).sweep() == 0
    assert machine.why is None
    assert not Reminder.objects.exists()
    assert health.state(machine.at).step is not None


def test_after_a_restart_of_the_machine_a_pause_cannot_be_told_from_a_jump_and_is_waited_for_too(
    machine: Machine,
) -> None:
    assert machine.passes(MONTHS).restarts().sweep() == 0
    assert not ClockHold.objects.get().is_witnessed
    assert machine.passes(timedelta(minutes=11)).sweep() > 0


def test_a_new_process_on_a_machine_that_ran_all_the_while_waits_for_nothing(machine: Machine) -> None:
    machine.passes(MONTHS)  # nobody swept; the process died, and the machine did not
    assert machine.sweep() > 0


def test_a_short_restart_waits_for_nothing(machine: Machine) -> None:
    machine.passes(timedelta(minutes=30)).restarts().sweep()
    assert not ClockHold.objects.exists()


def test_the_first_sweep_of_all_has_nothing_to_compare() -> None:
    builders.clinic()
    assert Machine(at=builders.at(60)).sweep() > 0


def test_two_machines_see_one_jump_once(machine: Machine) -> None:
    other = Machine("boot-2", machine.at)
    other.sweep()
    for one in (machine, other):
        one.passes(MINUTE).clock_set(MONTHS)
    machine.sweep()
    office.trust_clock(at=machine.at, by="olga")
    other.passes(MINUTE)
    assert other.sweep() > 0
    assert ClockHold.objects.count() == 1


def test_a_second_jump_is_a_second_hold(machine: Machine) -> None:
    machine.passes(MINUTE).clock_set(MONTHS).sweep()
    office.trust_clock(at=machine.at, by="olga")
    machine.passes(MINUTE).sweep()
    before = Reminder.objects.count()
    assert machine.passes(MINUTE).clock_set(MONTHS).sweep() == 0
    assert ClockHold.objects.count() == 2
    assert Reminder.objects.count() == before


def test_a_clock_that_goes_back_tells_nothing_twice_and_health_says_so(machine: Machine) -> None:
    machine.passes(MONTHS).sweep()
    told = list(Reminder.objects.order_by("pk").values_list("pk", flat=True))
    assert told
    machine.passes(MINUTE).clock_set(-timedelta(days=30))
    assert machine.why == Why.CLOCK_BACK  # until somebody has swept
    for _ in range(40):
        machine.sweep()
        machine.passes(timedelta(days=1))
    assert list(Reminder.objects.filter(pk__lte=told[-1]).values_list("pk", flat=True)) == told
    keys = Reminder.objects.values_list("task", "due_on", "rung")
    assert len(set(keys)) == len(keys)
    machine.passes(-timedelta(days=1))
    assert machine.why is None


def test_the_last_sweep_is_the_newest_one_and_not_the_one_with_the_latest_time(machine: Machine) -> None:
    machine.passes(MONTHS).sweep()
    machine.passes(MINUTE).clock_set(-timedelta(days=30)).sweep()
    machine.passes(timedelta(minutes=4))
    assert health.state(machine.at).last_sweep == timedelta(minutes=4)
    assert machine.why == Why.NO_SWEEP


def test_who_judges_by_the_day_or_sends_by_the_hour_waits_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.passes(MINUTE).clock_set(MONTHS)
    monkeypatch.setattr(clock, "read", lambda: machine.reading)
    Enrollment.objects.update(judged_on=None)

    def sent(**_: object) -> None:
        raise AssertionError("sent by a clock that nobody trusts")

    monkeypatch.setattr(flow, "deliver", sent)
    judge.judge_daily()
    deliveries.deliver()
    assert ClockHold.objects.count() == 1
    assert Enrollment.objects.get().judged_on is None
    office.trust_clock(at=machine.at, by="olga")
    judge.judge_daily()
    assert Enrollment.objects.get().judged_on == machine.at.date()


def test_a_held_sweep_is_on_record_and_not_finished(machine: Machine) -> None:
    machine.passes(MINUTE).clock_set(MONTHS).sweep()
    run = SweepRun.objects.order_by("-pk")[0]
    assert (run.is_held, run.finished_at, run.created) == (True, None, 0)
    assert run.lag_before is not None and run.lag_before > timedelta(days=1)


def test_the_command_says_why_nobody_was_reminded_and_how_to_go_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.passes(MINUTE).clock_set(MONTHS)
    monkeypatch.setattr(clock, "read", lambda: machine.reading)
    with pytest.raises(CommandError, match="--clock-is-right"):
        call_command("sweep")
    assert not Reminder.objects.exists()
    output = StringIO()
    call_command("sweep", "--clock-is-right", stdout=output)
    assert output.getvalue().startswith("The clock is trusted again.")
    assert Reminder.objects.exists()
    output = StringIO()
    call_command("sweep", "--clock-is-right", stdout=output)
    assert output.getvalue().startswith("The clock was not in doubt.")


def test_a_jump_that_nobody_has_swept_into_can_be_released_beforehand(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.passes(MINUTE).clock_set(MONTHS)
    monkeypatch.setattr(clock, "read", lambda: machine.reading)
    output = StringIO()
    call_command("sweep", "--clock-is-right", stdout=output)
    assert Reminder.objects.exists()


def test_a_reading_of_the_real_clocks_agrees_with_itself() -> None:
    first, second = clock.read(), clock.read()
    assert first.machine == second.machine != ""
    passed = second.uptime - first.uptime
    assert abs((second.at - first.at).total_seconds() - passed) < 0.5
    assert first.skew is not None and abs(first.skew) < timedelta(seconds=2)


def test_a_reading_that_took_long_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was frozen between its two clocks must not see a jump."""
    ticks = iter([0.0, 900.0, 901.0, 901.1])
    monkeypatch.setattr(clock, "_uptime", lambda: next(ticks))
    assert clock.read().uptime == pytest.approx(901.05)


def test_a_simulated_clock_is_compared_with_nothing() -> None:
    with clock.simulated(START):
        assert clock.read() == Reading(START)
    assert flow.is_clock_trusted(Reading(START))


def test_the_skew_of_each_part_is_kept_with_its_heartbeat(machine: Machine) -> None:
    reading = Reading(machine.at, machine.name, machine.uptime, timedelta(seconds=5))
    flow.sweep(at=machine.at, trigger="loop", reading=reading)
    assert Heartbeat.objects.get(component="loop").skew == timedelta(seconds=5)
    found: Any = health.state(machine.at)
    assert "clock-skew" in found.warnings
