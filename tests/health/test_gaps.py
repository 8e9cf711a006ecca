"""Whatever nothing moves by itself is listed for the coordinator who sees the patient, and counted for the site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pathway import clock, flow
from pathway.models import CareTask, Enrollment, Judgement, Membership, Proposal, Reminder, Route, Stage, User
from pathway.selectors import gaps
from pathway.vocabulary import Role
from tests import builders
from tests.web.cast import Cast, signed_in


@pytest.fixture
def quiet(cast: Cast) -> Cast:
    """Nothing has fallen silent: judged today, nothing waits for long."""
    now = clock.now()
    flow.judge_day(at=now)
    Proposal.objects.filter(status="open").update(opened_at=now)
    CareTask.objects.live().filter(due_on__lt=now.date()).update(due_on=now.date())
    return cast


def kinds(user: User) -> set[str]:
    return {group.kind for group in gaps.overview(user, clock.now()).groups}


def past_triggers(statement: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


def judging_fails(cast: Cast) -> None:
    Enrollment.objects.filter(pk=cast.enrollment.pk).update(judge_failed_at=clock.now())


def nobody_judges(cast: Cast) -> None:
    Enrollment.objects.filter(pk=cast.enrollment.pk).update(judged_on=(clock.now() - timedelta(days=2)).date())


def a_task_is_gone(cast: Cast) -> None:
    past_triggers(
        "UPDATE pathway_caretask SET status = 'completed', closed_at = now()"
        " WHERE enrollment_id = %s AND activity_id = 'mdt-review'",
        [cast.enrollment.pk],
    )


def the_rows_in_force_are_gone_with_it(cast: Cast) -> None:
    a_task_is_gone(cast)
    past_triggers("UPDATE pathway_enrollment SET rows_in_force = '{}' WHERE id = %s", [cast.enrollment.pk])


def no_way_out(cast: Cast) -> None:
    stage = cast.enrollment.stays.get(left_at=None, track="mobility").stage
    assert Stage.objects.filter(track=stage.track, rank__gt=stage.rank).exists()
    past_triggers("DELETE FROM pathway_route WHERE source_id = %s", [stage.pk])


def told_to_nobody(cast: Cast) -> Reminder:
    task = cast.enrollment.care_tasks.filter(status="open").order_by("pk")[0]
    return task.reminders.create(
        due_on=task.due_on, rung="another", to_role="geneticist", on=task.due_on,
        created_at=clock.now(), resolved_at=clock.now(),
    )  # fmt: skip


def a_message_failed(cast: Cast) -> None:
    told_to_nobody(cast).deliveries.create(
        person=cast.dietitian, channel="email", key="11111111-2222-4333-8444-555555555555", status="failed",
        queued_at=clock.now(),
    )  # fmt: skip


def nobody_decides(cast: Cast) -> None:
    opened = clock.now() - timedelta(days=14, minutes=1)
    assert Proposal.objects.filter(enrollment=cast.enrollment, status="open").update(opened_at=opened)


def a_value_is_missing(cast: Cast) -> None:
    judgement = Judgement.objects.filter(enrollment=cast.enrollment).order_by("pk")[0]
    Judgement.objects.filter(pk=judgement.pk).update(verdict="unknown", missing=["alsfrs-r"])
    late = clock.now().date() - timedelta(days=3)
    assert CareTask.objects.live().filter(activity="alsfrs-r").update(due_on=late, window_opens_on=None)


WAYS: dict[str, tuple[Callable[[Cast], object], str]] = {
    "judging fails": (judging_fails, "failed-judging"),
    "nobody judges": (nobody_judges, "not-judged"),
    "a task is gone": (a_task_is_gone, "no-task"),
    "a task is gone, and the rows that asked for it": (the_rows_in_force_are_gone_with_it, "no-task"),
    "no way out": (no_way_out, "dead-end"),
    "told to nobody": (told_to_nobody, "untold"),
    "a message failed": (a_message_failed, "failed-message"),
    "nobody decides": (nobody_decides, "unanswered"),
    "a value is missing": (a_value_is_missing, "missing-value"),
}


def test_every_kind_is_made_here() -> None:
    assert {kind for _way, kind in WAYS.values()} == set(gaps.KINDS)


def test_where_all_goes_its_way_nothing_is_listed(quiet: Cast) -> None:
    found = gaps.overview(quiet.coordinator, clock.now())
    assert (found.groups, found.others, found.alone) == ([], [], [])
    assert gaps.count(quiet.coordinator, quiet.site, clock.now()) == 0
    client = signed_in(quiet.coordinator)
    assert "Nothing has, among the patients whom you see" in client.get(reverse("gaps")).content.decode()
    assert "fallen silent" not in client.get("/").content.decode()


@pytest.mark.parametrize("name", WAYS)
def test_a_gap_is_listed_for_the_coordinator_who_sees_the_patient(quiet: Cast, name: str) -> None:
    make, kind = WAYS[name]
    make(quiet)
    assert kinds(quiet.coordinator) == {kind}
    client = signed_in(quiet.coordinator)
    page = client.get(reverse("gaps")).content.decode()
    assert str(gaps.KINDS[kind]) in page
    assert reverse("patient", args=[quiet.patient.uuid]) in page
    assert "Among patients whom you do not see" not in page
    assert "fallen silent" in client.get("/").content.decode()


@pytest.mark.parametrize("name", WAYS)
def test_of_a_patient_whom_they_do_not_see_others_learn_a_number(quiet: Cast, name: str) -> None:
    make, kind = WAYS[name]
    make(quiet)
    other = builders.user(quiet.site, Role.NURSE_COORDINATOR)
    found = gaps.overview(other, clock.now())
    assert found.groups == []
    assert [(one.site, one.title) for one in found.others] == [(quiet.site.name, str(gaps.KINDS[kind]))]
    assert gaps.count(other, quiet.site, clock.now()) == 0
    for user in (other, quiet.admin):
        page = signed_in(user).get(reverse("gaps")).content.decode()
        assert str(gaps.KINDS[kind]) in page
        for canary in (quiet.patient.family_name, quiet.patient.identifier, str(quiet.patient.uuid)):
            assert canary not in page


def test_another_site_learns_nothing_at_all(quiet: Cast) -> None:
    judging_fails(quiet)
    far = builders.user(builders.site(), Role.NURSE_COORDINATOR)
    found = gaps.overview(far, clock.now())
    assert (found.groups, found.others) == ([], [])


def test_the_page_is_for_coordinators_and_administrators(quiet: Cast) -> None:
    for user in (quiet.member, quiet.dietitian, quiet.stranger):
        assert signed_in(user).get(reverse("gaps")).status_code == 403
    for user in (quiet.coordinator, quiet.admin, quiet.superuser):
        assert signed_in(user).get(reverse("gaps")).status_code == 200


def test_a_site_whose_coordinators_are_gone_is_shown_to_those_who_administer_it(quiet: Cast) -> None:
    Membership.objects.filter(user=quiet.coordinator).update(is_active=False)
    assert [(one.site, one.patients) for one in gaps.overview(quiet.admin, clock.now()).alone] == [(quiet.site.name, 1)]
    assert "nobody who coordinates" in signed_in(quiet.admin).get(reverse("gaps")).content.decode()


def test_a_patient_who_left_has_no_gaps(quiet: Cast) -> None:
    for make, _kind in WAYS.values():
        make(quiet) if make is not a_message_failed else None
    flow.withdraw(quiet.enrollment.pk, reason="moved", at=clock.now(), by=quiet.coordinator)
    assert kinds(quiet.coordinator) == set()


def test_a_task_that_is_closed_is_no_gap_any_more(quiet: Cast) -> None:
    reminder = told_to_nobody(quiet)
    assert kinds(quiet.coordinator) == {"untold"}
    flow.complete(reminder.task_id, at=clock.now(), by=quiet.coordinator)
    assert "untold" not in kinds(quiet.coordinator)


def test_the_number_of_queries_does_not_depend_on_how_much_is_silent(quiet: Cast) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            gaps.overview(quiet.coordinator, clock.now())
        return len(captured.captured_queries)

    judging_fails(quiet)
    cost()
    one = cost()
    for _ in range(5):
        patient = builders.patient(quiet.site)
        builders.join(patient, quiet.coordinator, Role.NURSE_COORDINATOR)
        builders.enroll(patient, moment=clock.now() - timedelta(days=20))
    assert len(gaps.overview(quiet.coordinator, clock.now()).patient_pks) == 6
    assert cost() == one


def test_a_route_of_the_shipped_pathways_leads_out_of_every_stage_but_the_last(loaded: None) -> None:
    ends = Stage.objects.exclude(is_terminal=True).exclude(pk__in=Route.objects.values("source"))
    assert [one.code for one in ends if Stage.objects.filter(track=one.track, rank__gt=one.rank).exists()] == []
