"""Due days move off days without clinic as they are laid out; those that are open already never do."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction

from pathway.engine import content, schedule
from pathway.models import Activity, CareTask, Closure, SiteActivity
from pathway.selectors import cases, definitions
from pathway.services import care_tasks
from tests import builders
from tests.builders import on
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")

TUESDAY, WEDNESDAY = "1", "2"  # the stories begin on a Monday


def let_move(story: Story, shift: str, *activities: str, weekdays: str = "") -> None:
    """At the site of the story; all activities where none are named."""
    site = story.patient.site
    site.clinic_weekdays = weekdays or site.clinic_weekdays
    site.save()
    codes = activities or tuple(Activity.objects.values_list("code", flat=True))
    for code in codes:
        SiteActivity.objects.update_or_create(site=site, activity_id=code, defaults={"shift": shift})


def moving(shift: str, *, weekdays: str = "0,1,2,3,4") -> Story:
    """A patient enrolled where due days move."""
    site = builders.site(clinic_weekdays=weekdays)
    for code in Activity.objects.values_list("code", flat=True):
        SiteActivity.objects.create(site=site, activity_id=code, shift=shift)
    patient = builders.patient(site)
    return Story(patient, builders.enroll(patient))


def next_one(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def test_an_enrolment_lays_out_clinic_days_and_nothing_else_differs() -> None:
    plain, moved = moving("none", weekdays=TUESDAY).tasks(), moving("next", weekdays=TUESDAY).tasks()
    assert moved == {code: next_one(day, 1) for code, day in plain.items()}
    assert plain != moved


def test_nothing_moves_where_neither_the_release_nor_the_site_says_so(shipped: content.Content) -> None:
    assert {activity.shift for activity in shipped.activities.values()} == {"none"}
    site = builders.site(clinic_weekdays=WEDNESDAY)
    patient = builders.patient(site)
    story = Story(patient, builders.enroll(patient))
    assert any(day.weekday() != 2 for day in story.tasks().values())


def test_what_the_release_says_holds_unless_the_site_says_otherwise() -> None:
    known = definitions.vocabulary().activities["weight"]
    object.__setattr__(known, "shift", "next")
    try:
        patient = builders.patient(builders.site(clinic_weekdays=WEDNESDAY))
        assert Story(patient, builders.enroll(patient)).due("weight").weekday() == 2
        other = builders.site(clinic_weekdays=WEDNESDAY)
        SiteActivity.objects.create(site=other, activity_id="weight", shift="none")
        patient = builders.patient(other)
        assert Story(patient, builders.enroll(patient)).due("weight").weekday() != 2
    finally:
        object.__setattr__(known, "shift", "none")


def test_open_tasks_keep_their_days_and_those_laid_out_later_move() -> None:
    story = cast.story()
    before = story.tasks()
    let_move(story, "next", weekdays=TUESDAY)
    story.pass_day(1)
    assert story.tasks() == before
    story.complete(3, "dietitian-review")
    row = next(r.record for r in definitions.version(story.enrollment.version_id).rows
               if r.record.activity == "dietitian-review" and r.record.every is not None)  # fmt: skip
    assert story.due("dietitian-review") == next_one(schedule.next_due(row, on(3)), 1)
    assert {code: day for code, day in story.tasks().items() if code != "dietitian-review"} == {
        code: day for code, day in before.items() if code != "dietitian-review"
    }


def test_the_next_one_counts_from_what_was_done_and_not_from_the_moved_day() -> None:
    plain, moved = moving("none"), moving("next", weekdays=TUESDAY)
    for story in (plain, moved):
        story.complete(10, "dietitian-review")
    assert moved.due("dietitian-review") == next_one(plain.due("dietitian-review"), 1)


def test_rungs_follow_the_moved_day() -> None:
    story = moving("next", weekdays=TUESDAY)
    story.complete(0, "dietitian-review")
    task = story.task("dietitian-review")
    assert task.next_rung_at is not None
    first = min(rung.offset_days for rung in definitions.vocabulary().ladders["default"])
    assert task.next_rung_at.date() == task.due_on + timedelta(days=first)
    assert task.due_on.weekday() == 1


def test_asking_twice_for_the_same_day_moves_it_once() -> None:
    story = moving("next", weekdays=TUESDAY)
    days = story.tasks()
    for day in range(1, 5):
        story.pass_day(day)
    assert story.tasks() == days


def test_what_is_brought_forward_never_moves_back_beyond_where_it_was() -> None:
    story = cast.story()
    task = story.task("dietitian-review")
    CareTask.objects.filter(pk=task.pk).update(due_on=on(6))  # a Sunday, set before the site let days move
    let_move(story, "next")
    with transaction.atomic():
        case = cases.lock(story.pk, at=builders.at(0), by=None)
        care_tasks.bring_forward(case, "dietitian-review", on(5))  # a Saturday, after which Monday would come
    assert story.due("dietitian-review") == on(4)


def test_no_due_day_moves_into_the_past() -> None:
    story = moving("previous", weekdays=TUESDAY)
    assert min(story.tasks().values()) >= on(0)
    story.start(3, "tofersen")
    assert story.due("tofersen-dose") == on(8)  # Thursday: not the Tuesday before


def test_a_dose_moves_but_never_so_near_to_the_one_before_that_it_would_come_too_soon() -> None:
    for shift in ("previous", "nearest", "next"):
        story = moving(shift, weekdays=TUESDAY)
        story.start(0, "tofersen")
        story.give(3, "tofersen", "L1")  # a Thursday; L2 follows 14 days later, which is the least
        assert story.due("tofersen-dose") == on(22), shift
        story.give(22, "tofersen", "L2")
        assert "interval-short" not in story.flags()


def test_tests_before_a_dose_lie_before_the_day_that_the_dose_has_in_the_end() -> None:
    story = cast.infant()
    let_move(story, "nearest", "nusinersen-dose", weekdays=TUESDAY)
    story.start(3, "nusinersen-us")
    dose, labs = story.task("nusinersen-dose"), story.task("nusinersen-labs")
    assert dose.due_on.weekday() == 1
    assert (labs.window_opens_on, labs.due_on) == (dose.due_on - timedelta(days=7), dose.due_on)


@pytest.mark.parametrize("shift", ["next", "previous", "nearest"])
def test_a_task_with_a_window_stays_in_it(shift: str) -> None:
    plain, story = cast.story(start={"respiratory": "R3"}), cast.story(start={"respiratory": "R3"})
    plain.start(0, "niv")
    window = plain.task("niv-reevaluation")
    assert window.window_opens_on is not None
    story.patient.site.refresh_from_db()
    # Closed around the end of the window, and beyond it.
    Closure.objects.create(
        site=story.patient.site,
        first_day=window.due_on - timedelta(days=9),
        last_day=window.due_on + timedelta(days=9),
        reason="moving house",
    )
    let_move(story, shift)
    story.start(0, "niv")
    task = story.task("niv-reevaluation")
    assert task.window_opens_on == window.window_opens_on
    assert window.window_opens_on <= task.due_on < window.due_on - timedelta(days=9)
    assert task.due_on.weekday() < 5


def test_a_calendar_goes_on_where_days_move() -> None:
    story = cast.story()
    let_move(story, "previous", weekdays=TUESDAY)
    story.start(0, "riluzole")
    assert story.due("alt-riluzole") == date(2024, 2, 6)  # two days before the date, within its tolerance of seven
    story.record(29, cast.alt("20"))
    assert story.closed("alt-riluzole") == ["completed"]
    assert (story.task("alt-riluzole").label, story.due("alt-riluzole")) == ("M2", date(2024, 3, 5))


def test_what_recurs_after_a_calendar_is_completed_by_what_moves_it_on_and_by_nothing_older() -> None:
    story = cast.story(start={"respiratory": "R3"})
    let_move(story, "previous", weekdays=TUESDAY)
    story.start(0, "niv")
    story.record(35, builders.result("niv-use", "6", "h/d"))
    assert story.task("niv-download").label == ""
    assert story.due("niv-download") == date(2024, 5, 7)  # from Sunday the 12th
    story.record(40, builders.result("niv-use", "5", "h/d", effective=on(33)))  # an older one, entered late
    assert story.closed("niv-download") == ["completed"]
    story.record(70, builders.result("niv-use", "7", "h/d"))
    assert story.closed("niv-download") == ["completed", "completed"]


def test_a_site_that_is_closed_for_three_weeks_sees_everybody_before_or_after() -> None:
    plain = moving("none").tasks()
    first = min(day for day in plain.values() if day > on(10))
    for shift in ("next", "previous", "nearest"):
        site = builders.site()
        Closure.objects.create(
            site=site, first_day=first - timedelta(days=10), last_day=first + timedelta(days=10), reason="summer"
        )
        for code in Activity.objects.values_list("code", flat=True):
            SiteActivity.objects.create(site=site, activity_id=code, shift=shift)
        patient = builders.patient(site)
        days = Story(patient, builders.enroll(patient)).tasks()
        assert days.keys() == plain.keys()
        assert not any(abs((day - first).days) <= 10 and day > on(0) for day in days.values())
