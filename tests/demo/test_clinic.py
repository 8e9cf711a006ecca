"""The demo clinic that flow has played: it keeps every promise, and it looks alive."""

import json
import stat
from datetime import timedelta

from django.db import connection
from django.db.models import Count

from pathway.demo import clinic
from pathway.demo.accounts import read
from pathway.models import (
    LIVE,
    LIVE_TASK,
    Alert,
    AuditEvent,
    CareTask,
    Delivery,
    Enrollment,
    Membership,
    Observation,
    Patient,
    Proposal,
    Reminder,
    Stay,
    User,
)
from pathway.vocabulary import BEREAVEMENT
from tests.demo.conftest import FOLDER, NOW, Small


def counts() -> dict[str, int]:
    models = (Patient, Enrollment, Stay, CareTask, Observation, Alert, Proposal, Reminder, Delivery, User, Membership)
    return {model.__name__: model._base_manager.count() for model in models} | {"audit": AuditEvent.objects.count()}


def refuse_to_write(path: object, text: str) -> None:
    raise AssertionError("the private file was written again")


def test_each_patient_is_there_once(small: Small) -> None:
    assert small.added == 6
    found = Patient.objects.unscoped("test").filter(site=small.made.site)
    assert list(found.order_by("identifier").values_list("identifier", flat=True)) == [
        f"DEMO-{n:04d}" for n in range(1, 7)
    ]
    assert Enrollment.objects.filter(patient__in=found).count() == 6
    assert small.made.site.is_demo


def test_a_second_run_adds_nothing(small: Small) -> None:
    before = counts()
    made = clinic.open_clinic(FOLDER, file=small.accounts, keep=refuse_to_write)
    assert made.new_accounts == []
    assert clinic.play(made, small.order, progress=lambda done, total: None) == 0
    clinic.settle(now=NOW)
    assert counts() == before


def test_the_constraints_that_wait_for_the_commit_hold(small: Small) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_every_track_has_one_open_stay_and_no_gap(small: Small) -> None:
    for enrollment in Enrollment.objects.filter(status__in=LIVE):
        stays = Stay.objects.filter(enrollment=enrollment).order_by("track", "entered_at", "pk")
        tracks = {stay.track for stay in stays}
        assert {stay.track for stay in stays if stay.left_at is None} == tracks
        assert Stay.objects.open().filter(enrollment=enrollment).count() == len(tracks)
        for earlier, later in zip(stays, stays[1:], strict=False):
            assert earlier.track != later.track or earlier.left_at == later.entered_at


def test_no_activity_has_two_open_tasks_and_every_recurring_one_has_one(small: Small) -> None:
    live = CareTask.objects.live()
    assert not live.values("enrollment", "activity").annotate(n=Count("pk")).filter(n__gt=1).exists()
    for enrollment in Enrollment.objects.filter(status__in=LIVE):
        wanted = enrollment.version.rows.filter(pk__in=enrollment.rows_in_force, mode="recurring")
        assert set(wanted.values_list("activity_id", flat=True)) <= set(
            live.filter(enrollment=enrollment).values_list("activity_id", flat=True)
        )


def test_nothing_is_open_for_those_who_died_or_left(small: Small) -> None:
    ended = Enrollment.objects.exclude(status__in=LIVE)
    assert ended.filter(status="deceased").exists()
    assert not CareTask.objects.live().filter(enrollment__in=ended).exclude(activity=BEREAVEMENT).exists()
    assert not Alert.objects.filter(enrollment__in=ended, status="open").exists()
    assert not Proposal.objects.filter(enrollment__in=ended, status="open").exists()


def test_the_clinic_looks_alive(small: Small) -> None:
    assert Alert.objects.filter(status="open", episode__is_shadow=False).exists()
    assert Alert.objects.filter(status="closed").exists()
    assert Proposal.objects.filter(status="accepted").exists()
    live = CareTask.objects.live().filter(enrollment__status__in=LIVE)
    assert live.filter(due_on__lt=NOW.date()).exists()
    assert live.filter(due_on__range=(NOW.date(), NOW.date() + timedelta(days=21))).exists()
    assert Observation.objects.filter(status="held", held_for="unit-mixup").count() == 1


def test_nothing_happens_after_the_present_and_everybody_was_judged_today(small: Small) -> None:
    assert not Observation.objects.filter(recorded_at__gt=NOW).exists()
    assert not Reminder.objects.filter(created_at__gt=NOW).exists()
    assert not CareTask.objects.live().filter(next_rung_at__lte=NOW).exists()
    assert not Enrollment.objects.filter(status__in=LIVE).exclude(judged_on=NOW.date()).exists()


def test_only_reminders_of_the_last_days_reach_the_inbox(small: Small) -> None:
    assert not Reminder.objects.filter(resolved_at=None).exists()
    assert Reminder.objects.filter(deliveries=None, created_at__lt=NOW - timedelta(days=14)).exists()
    assert not Delivery.objects.filter(reminder__created_at__lt=NOW - timedelta(days=14)).exists()
    told = Delivery.objects.filter(status="sent")
    assert told.exists()
    assert not told.exclude(reminder__task__status__in=LIVE_TASK).exists()


def test_the_new_patient_has_nothing_yet(small: Small) -> None:
    patient = Patient.objects.unscoped("test").get(enrollments__enrolled_on=NOW.date() - timedelta(days=1))
    assert not Observation.objects.filter(patient=patient).exists()
    assert CareTask.objects.live().filter(enrollment__patient=patient).exists()


def test_the_passwords_are_private_and_work(small: Small) -> None:
    assert stat.S_IMODE(small.accounts.stat().st_mode) == 0o600
    told = read(small.accounts)
    assert json.loads(small.accounts.read_text())[0].keys() == {"username", "password", "role"}
    assert {account.username for account in told} == {account.username for account in small.made.new_accounts}
    assert len({account.password for account in told}) == len(told)
    for account in told:
        assert User.objects.get(username=account.username).check_password(account.password)


def test_a_lost_database_gets_the_same_passwords_again(small: Small) -> None:
    known = {account.username: account.password for account in read(small.accounts)}
    User.objects.filter(username="small-dietitian").update(username="renamed")
    try:
        made = clinic.open_clinic(FOLDER, file=small.accounts, keep=refuse_to_write)
        assert [(account.username, account.password) for account in made.new_accounts] == [
            ("small-dietitian", known["small-dietitian"])
        ]
    finally:
        Membership.objects.filter(user__username="small-dietitian").delete()
        User.objects.filter(username="small-dietitian").delete()
        User.objects.filter(username="renamed").update(username="small-dietitian")


def test_the_teams_see_their_own_patients_and_the_administrator_none(small: Small) -> None:
    seen = {
        name: set(Patient.objects.visible_to(User.objects.get(username=name), NOW).values_list("identifier", flat=True))
        for name in ("neurologist", "small-neurologist", "admin")
    }
    assert seen["small-neurologist"] == {"DEMO-0006"}
    assert seen["neurologist"] == {f"DEMO-{n:04d}" for n in range(1, 6)}
    assert seen["admin"] == set()
    assert User.objects.get(username="admin").is_staff
    assert not User.objects.filter(is_superuser=True).exists()
