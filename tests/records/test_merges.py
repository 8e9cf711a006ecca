"""Two records of one person become one, and two again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from pathway import access, clock, errors, flow
from pathway.models import (
    CareTask,
    CareTeamMember,
    Enrollment,
    Intervention,
    Measure,
    Merge,
    MergeStatus,
    Observation,
    Patient,
    Reminder,
)
from pathway.selectors import merges, reach
from pathway.vocabulary import Role
from tests import builders
from tests.records import cast
from tests.records.cast import NOW, Pair, as_person
from tests.web.cast import signed_in


def sees(user: object, patient: Patient) -> bool:
    return access.patients(user, clock.now()).filter(pk=patient.pk).exists()  # type: ignore[arg-type]


def test_the_survivor_inherits_every_row_and_is_judged_again(pair: Pair) -> None:
    before = Observation.objects.filter(patient__in=(pair.kept, pair.double)).count()
    pair.merged()
    assert Observation.objects.filter(patient=pair.kept).count() == before
    left = [one.model.__name__ for one in reach.reached() if one.rows_of([pair.double.pk]).exists()]
    assert left == ["Merge", "MergeRow"]
    assert Intervention.objects.get(patient=pair.kept, kind="niv").stopped_on is None
    # 66 kg of the other record is the newest weight of that day, and counts for this one now.
    assert Measure.objects.filter(patient=pair.kept, derived_at=NOW).exists()
    assert cast.broken() == []


def test_whoever_confirms_or_refuses_reads_why_it_was_proposed_and_nobody_else_does(pair: Pair) -> None:
    merge = pair.propose(reason="same birth date and street")
    page = f"/merges/{merge.pk}/"
    assert "Proposed because: same birth date and street" in signed_in(pair.both).get(page).content.decode()
    for user in (pair.kept_only, pair.double_only):
        answer = signed_in(user).get(page)
        assert answer.status_code == 404 and b"street" not in answer.content


def test_taking_it_apart_restores_every_clinical_row(pair: Pair) -> None:
    before = cast.clinical(pair.kept, pair.double)
    merge = pair.merged()
    assert cast.clinical(pair.kept, pair.double) != before
    flow.undo_merge(merge.pk, reason="two people", at=NOW + timedelta(minutes=1), by=pair.both)
    after = cast.clinical(pair.kept, pair.double)
    # Judging the joined record may have opened or closed work; what was moved is as it was.
    moved = {f"{table} {row}" for table, row in _moved(merge)}
    assert moved
    assert {key: after[key] for key in moved} == {key: before[key] for key in moved}
    assert set(before) <= set(after)
    assert cast.broken() == []


def _moved(merge: Merge) -> list[tuple[str, int]]:
    names = {one.model._meta.db_table: one.model.__name__ for one in reach.reached()}
    rows = merge.rows.exclude(table="pathway_patientnumber")
    return [(names[row.table], row.row) for row in rows]


def test_the_same_request_twice_is_one_merge(pair: Pair) -> None:
    request = uuid.uuid4()
    first = pair.propose(request=request)
    assert pair.propose(request=request).pk == first.pk
    pair.confirm(first)
    rows = first.rows.count()
    pair.confirm(first)
    assert (Merge.objects.count(), first.rows.count()) == (1, rows)
    assert cast.told("record.merged") == [(pair.double.pk, pair.both.pk), (pair.kept.pk, pair.both.pk)]


def test_nothing_changes_and_nobody_sees_more_before_a_person_confirms(pair: Pair) -> None:
    before = cast.clinical(pair.kept, pair.double)
    merge = pair.propose()
    after = {key: row for key, row in cast.clinical(pair.kept, pair.double).items() if key in before}
    assert after == before
    assert not sees(pair.kept_only, pair.double)
    assert not sees(pair.double_only, pair.kept)
    for half in (pair.kept_only, pair.double_only):
        with pytest.raises(errors.NotFound):
            access.merge_or_not_found(half, merge.pk, clock.now())


def test_the_team_after_it_is_the_one_that_was_confirmed(pair: Pair) -> None:
    pair.merged()
    assert sees(pair.kept_only, pair.kept)
    assert not sees(pair.double_only, pair.kept)
    assert not any(sees(one, pair.double) for one in (pair.both, pair.kept_only, pair.double_only))


def test_both_teams_may_be_joined(pair: Pair) -> None:
    pair.confirm(pair.propose(), (pair.double_only.pk, Role.NEUROLOGIST))
    assert sees(pair.double_only, pair.kept)
    assert access.successor(pair.double_only, pair.double.uuid) == pair.kept.uuid


def test_the_closed_record_leads_to_the_other_only_for_who_was_on_both_teams(pair: Pair) -> None:
    pair.merged()
    assert access.successor(pair.both, pair.double.uuid) == pair.kept.uuid
    assert access.successor(pair.kept_only, pair.double.uuid) is None  # never saw the closed one
    assert access.successor(pair.double_only, pair.double.uuid) is None  # does not see the other
    assert access.successor(pair.both, uuid.uuid4()) is None


def test_its_number_stays_as_a_former_number(pair: Pair) -> None:
    merge = pair.merged()
    assert [row.number for row in merges.former_numbers(pair.kept)] == [pair.double.identifier]
    flow.undo_merge(merge.pk, reason="two people", at=NOW, by=pair.both)
    assert merges.former_numbers(pair.kept) == []


def test_two_live_enrollments_are_refused_with_what_to_do(pair: Pair) -> None:
    builders.enroll(pair.double, moment=NOW, by=pair.both)
    merge = pair.propose()
    with pytest.raises(errors.NotAllowed, match="withdraw the one that shall not go on"):
        pair.confirm(merge)
    assert Enrollment.objects.filter(patient=pair.double).count() == 2
    assert not merge.rows.exists()


def test_records_of_different_sites_are_refused(pair: Pair) -> None:
    elsewhere = builders.patient(builders.site())
    with pytest.raises(errors.NotAllowed, match="transfer one of them first"):
        flow.propose_merge(pair.kept, elsewhere, request=uuid.uuid4(), reason="same", at=NOW, by=pair.both)


def test_what_runs_in_both_goes_on_once_and_runs_in_both_again_after_it_is_undone(pair: Pair) -> None:
    flow.start(pair.enrollment.pk, "niv", at=NOW - timedelta(days=2), by=pair.both)
    merge = pair.merged()
    running = Intervention.objects.filter(patient=pair.kept, kind="niv", stopped_on=None)
    assert running.count() == 1
    flow.undo_merge(merge.pk, reason="two people", at=NOW, by=pair.both)
    for patient in (pair.kept, pair.double):
        assert Intervention.objects.filter(patient=patient, kind="niv", stopped_on=None).count() == 1


def test_the_live_enrollment_of_the_closed_record_goes_on_and_goes_back(pair: Pair) -> None:
    flow.withdraw(pair.enrollment.pk, reason="the other one goes on", at=NOW - timedelta(hours=1), by=pair.both)
    live = builders.enroll(pair.double, moment=NOW - timedelta(minutes=30), by=pair.both)
    merge = pair.merged()
    live.refresh_from_db()
    assert live.patient_id == pair.kept.pk
    open_tasks = CareTask.objects.live().filter(enrollment__patient=pair.kept)
    assert open_tasks.exists()
    assert open_tasks.count() == open_tasks.values("activity").distinct().count()
    flow.record(live.pk, [builders.result("weight", "60", "kg")], at=NOW, by=pair.both)
    assert cast.broken() == []
    flow.undo_merge(merge.pk, reason="two people", at=NOW + timedelta(minutes=1), by=pair.both)
    live.refresh_from_db()
    assert live.patient_id == pair.double.pk
    assert not live.episodes.exclude(patient=pair.double).exists()
    assert cast.broken() == []


def test_nobody_is_reminded_of_the_closed_record(pair: Pair) -> None:
    pair.merged()
    later = NOW + timedelta(days=400)
    flow.remind(at=later)
    assert Reminder.objects.filter(task__enrollment=pair.enrollment).exists()
    assert not Reminder.objects.filter(task__enrollment=pair.withdrawn, created_at__gte=NOW).exists()


def test_a_death_in_the_closed_record_is_known_in_the_other(loaded: None) -> None:
    pair = cast.pair()
    flow.withdraw(pair.enrollment.pk, reason="died", at=NOW - timedelta(hours=1), by=pair.both)
    live = builders.enroll(pair.double, moment=NOW - timedelta(minutes=30), by=pair.both)
    flow.record_death(live.pk, at=NOW - timedelta(minutes=20), by=pair.both)
    merge = pair.merged()
    assert Patient.objects.unscoped("lock").get(pk=pair.kept.pk).died_on is not None
    assert cast.broken() == []
    flow.undo_merge(merge.pk, reason="two people", at=NOW, by=pair.both)
    assert Patient.objects.unscoped("lock").get(pk=pair.kept.pk).died_on is None
    assert Patient.objects.unscoped("lock").get(pk=pair.double.pk).died_on is not None
    assert cast.broken() == []


def test_a_refused_merge_can_be_proposed_again_and_not_confirmed(pair: Pair) -> None:
    merge = pair.propose()
    flow.refuse_merge(merge.pk, reason="two people", at=NOW, by=pair.both)
    with pytest.raises(errors.Conflict):
        pair.confirm(merge)
    assert pair.propose().status == MergeStatus.PROPOSED


@pytest.mark.parametrize("table", ["observation", "educationgiven"])
def test_no_fact_goes_to_another_patient_but_by_a_merge(pair: Pair, table: str) -> None:
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic(), connection.cursor() as cursor:
        where = "WHERE patient_id = %s"
        cursor.execute(f"UPDATE pathway_{table} SET patient_id = %s {where}", [pair.kept.pk, pair.double.pk])


def test_what_was_voided_stays_as_it_is(pair: Pair) -> None:
    row = Observation.objects.get(patient=pair.double, status="voided")
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Observation.objects.filter(pk=row.pk).update(void_reason="another")


def test_it_works_behind_row_level_security_and_only_for_a_coordinator_who_sees_both(pair: Pair) -> None:
    merge = pair.propose()
    for half in (pair.kept_only, pair.double_only):
        with as_person(half), pytest.raises((errors.NotFound, DatabaseError)), transaction.atomic():
            flow.confirm_merge(merge.pk, pair.team(), at=NOW, by=half)
    with as_person(pair.both):
        flow.confirm_merge(merge.pk, pair.team(), at=NOW, by=pair.both)
        assert not Patient.objects.unscoped("lock").filter(pk=pair.double.pk).exists()
        flow.undo_merge(merge.pk, reason="two people", at=NOW, by=pair.both)
        assert Patient.objects.unscoped("lock").filter(pk=pair.double.pk).exists()
    assert CareTeamMember.objects.filter(patient=pair.double, user=pair.double_only, until=None).exists()
    assert cast.broken() == []
