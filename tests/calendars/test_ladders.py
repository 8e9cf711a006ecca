"""A site gives an activity a ladder of its own: whom it reminds, when, and what becomes of open tasks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pathway import actor, flow, office
from pathway.models import CareTask, Delivery, Ladder, Reminder, Rung, SiteActivity
from pathway.selectors import invariants
from pathway.services import ladders
from pathway.vocabulary import Role
from tests import builders, walls
from tests.builders import Clinic, on

pytestmark = pytest.mark.usefixtures("loaded")

ACTIVITY = "dietitian-review"


@pytest.fixture
def clinic() -> Clinic:
    return builders.clinic()


def due(clinic: Clinic) -> int:
    """In days from the start."""
    return (clinic.task(ACTIVITY).due_on - on(0)).days


def ladder(*rungs: tuple[int, str]) -> Ladder:
    made = Ladder.objects.create(code=f"own-{Ladder.objects.count()}", title="Our own")
    Rung.objects.bulk_create(
        Rung(ladder=made, code=ladders.rung_code(days), offset_days=days, to=to) for days, to in rungs
    )
    return made


def give(clinic: Clinic, rungs: Ladder | None, day: int, hour: int = 12) -> int:
    """The site has that ladder for the activity from then on; None: that of the release again."""
    rows = SiteActivity.objects.filter(site=clinic.site, activity_id=ACTIVITY)
    if rungs is None:
        rows.delete()
    else:
        SiteActivity.objects.update_or_create(site=clinic.site, activity_id=ACTIVITY, defaults={"ladder": rungs})
    return office.reckon_ladders([clinic.site.pk], [ACTIVITY], at=builders.at(day, hour))


def sweep(clinic: Clinic, *days: int) -> None:
    for day in days:
        flow.remind(at=builders.at(day, 12), enrollment_id=clinic.enrollment.pk)


def told(clinic: Clinic) -> list[tuple[int, str, str]]:
    """Day after the due date, rung and role of every reminder of the activity."""
    rows = Reminder.objects.filter(task__enrollment=clinic.enrollment, task__activity=ACTIVITY).order_by("on", "pk")
    return [((row.on - row.due_on).days, row.rung, row.to_role) for row in rows]


def next_rung(clinic: Clinic) -> int | None:
    """In days from the due date."""
    task = clinic.task(ACTIVITY)
    return None if task.next_rung_at is None else (task.next_rung_at.date() - task.due_on).days


def test_the_ladder_of_the_site_reminds_and_the_one_of_the_release_does_not(clinic: Clinic) -> None:
    d = due(clinic)
    give(clinic, ladder((-3, "owner"), (2, "physiotherapist")), 0)
    assert next_rung(clinic) == -3
    sweep(clinic, *range(1, d + 40))
    assert told(clinic) == [(-3, "before-3", "dietitian"), (2, "after-2", "physiotherapist")]
    assert next_rung(clinic) is None


def test_another_site_and_another_activity_keep_theirs(clinic: Clinic) -> None:
    other = builders.clinic()
    give(clinic, ladder((5, "owner")), 0)
    before = {t.activity_id: t.next_rung_at for t in other.tasks()}
    assert {t.activity_id: t.next_rung_at for t in clinic.tasks() if t.activity_id != ACTIVITY} == {
        code: at for code, at in before.items() if code != ACTIVITY
    }
    assert next_rung(other) != 5 and next_rung(clinic) == 5


def test_tasks_laid_out_later_have_the_ladder_of_the_site_at_once() -> None:
    site = builders.site()
    SiteActivity.objects.create(site=site, activity_id=ACTIVITY, ladder=ladder((-1, "owner")))
    patient = builders.patient(site)
    task = CareTask.objects.get(enrollment=builders.enroll(patient), activity=ACTIVITY)
    assert task.next_rung_at is not None
    assert task.next_rung_at.date() == task.due_on - timedelta(days=1)


def test_a_change_repeats_no_rung_and_makes_up_for_none(clinic: Clinic) -> None:
    d = due(clinic)
    sweep(clinic, *range(1, d + 3))
    before = told(clinic)
    assert [rung for _day, rung, _to in before][-1] == "due"
    give(clinic, ladder((-5, "owner"), (0, "owner"), (1, "owner"), (7, "owner")), d + 3)
    sweep(clinic, *range(d + 3, d + 30))
    assert told(clinic) == [*before, (7, "after-7", "dietitian")]


def test_a_rung_of_this_morning_that_no_sweep_has_told_yet_is_not_lost(clinic: Clinic) -> None:
    d = due(clinic)
    sweep(clinic, *range(1, d))
    before = told(clinic)
    give(clinic, ladder((0, "owner"), (9, "owner")), d)  # at noon: the rung of eight o'clock waits for a sweep
    assert next_rung(clinic) == 0
    sweep(clinic, d, d + 1)
    assert told(clinic) == [*before, (0, "on-day", "dietitian")]
    assert next_rung(clinic) == 9


def test_a_rung_that_waits_and_is_in_the_new_ladder_no_more_is_not_replaced_by_an_old_one(clinic: Clinic) -> None:
    d = due(clinic)
    sweep(clinic, *range(1, d + 13))
    before = told(clinic)
    give(clinic, ladder((0, "owner"), (20, "owner")), d + 14)  # the shipped one would tell "overdue" this morning
    assert next_rung(clinic) == 20
    sweep(clinic, d + 14, d + 15)
    assert told(clinic) == before


def test_back_to_the_ladder_of_the_release(clinic: Clinic) -> None:
    d = due(clinic)
    give(clinic, ladder((3, "owner")), 0)
    sweep(clinic, *range(1, d + 5))
    assert give(clinic, None, d + 5) == 1
    sweep(clinic, *range(d + 5, d + 40))
    assert [day for day, _rung, _to in told(clinic)] == [3, 14, 28]


def test_a_snoozed_task_stays_silent_and_reckoning_again_changes_nothing(clinic: Clinic) -> None:
    d = due(clinic)
    flow.snooze(clinic.task(ACTIVITY).pk, until=on(d + 10), reason="abroad", at=builders.at(1), by=None)
    give(clinic, ladder((0, "owner"), (8, "owner"), (12, "owner")), 2)
    assert next_rung(clinic) == 12
    assert office.reckon_ladders([clinic.site.pk], [ACTIVITY], at=builders.at(2)) == 0


def test_the_assignee_is_told_by_a_rung_to_whoever_has_the_task(clinic: Clinic) -> None:
    d = due(clinic)
    someone = clinic.people[Role.PHYSIOTHERAPIST]
    CareTask.objects.filter(pk=clinic.task(ACTIVITY).pk).update(assignee=someone)
    give(clinic, ladder((1, "owner"), (4, "neurologist")), 0)
    for day in (d + 1, d + 4):
        sweep(clinic, day)
        flow.deliver(at=builders.at(day, 13))
    rows = Delivery.objects.filter(reminder__task__activity=ACTIVITY, channel="inbox").order_by("reminder__on")
    assert [row.person for row in rows] == [someone, clinic.people[Role.NEUROLOGIST]]


def test_no_promise_is_broken_after_a_change(clinic: Clinic) -> None:
    give(clinic, ladder((-2, "owner"), (6, "nurse-coordinator")), 3)
    at = builders.at(4)
    assert invariants.violations(at) == []
    CareTask.objects.filter(pk=clinic.task(ACTIVITY).pk).update(next_rung_at=None)
    assert invariants.violations(at) != []


def test_reckoning_runs_as_what_delivers_whoever_set_the_ladder(clinic: Clinic) -> None:
    with walls.role("pathway_web"):
        assert give(clinic, ladder((5, "owner")), 0) == 1
    assert next_rung(clinic) == 5


def test_a_patient_who_moves_to_another_site_has_its_ladder_and_hears_nothing_twice(clinic: Clinic) -> None:
    d, there = due(clinic), builders.site()
    SiteActivity.objects.create(
        site=there, activity_id=ACTIVITY, ladder=ladder((-1, "owner"), (1, "owner"), (9, "owner"))
    )
    sweep(clinic, *range(1, d + 3))
    before = told(clinic)
    coordinator, taking = clinic.people[Role.NURSE_COORDINATOR], builders.user(there, Role.NURSE_COORDINATOR)
    offer = flow.offer_transfer(clinic.patient, there, reason="moved", at=builders.at(d + 3), by=coordinator)
    with walls.role("pathway_web"), actor.acting(actor.person(taking.pk)):
        flow.accept_transfer(offer.pk, number="B 1", team=[], at=builders.at(d + 3), by=taking)
    assert next_rung(clinic) == 9
    sweep(clinic, *range(d + 3, d + 20))
    assert told(clinic) == [*before, (9, "after-9", "dietitian")]


def test_codes_of_own_ladders() -> None:
    assert ladders.code_of("our-own", set()) == "own-our-own"
    assert ladders.code_of("our-own", {"own-our-own", "own-our-own-2"}) == "own-our-own-3"
    assert ladders.code_of("x" * 90, set()).startswith("own-x")
    assert [ladders.rung_code(days) for days in (-14, 0, 3)] == ["before-14", "on-day", "after-3"]
    assert Ladder.objects.get(code="default").is_shipped
