"""A patient's stages and a task's activity decide which guidance is shown; what was taught stays on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from pathway import errors, flow
from pathway.engine.definitions import Activity as ActivityRecord
from pathway.models import (
    AuditEvent,
    CareTask,
    ChecklistAnswer,
    EducationGiven,
    ExerciseItem,
    QualityFlag,
    Restriction,
    Statement,
)
from pathway.selectors import cases, guidance
from pathway.services.guidance import Answer
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")


def case_of(clinic: builders.Clinic, day: int = 0) -> cases.Case:
    return cases.lock(clinic.enrollment.pk, at=builders.at(day, 10), by=None)


def codes(views: Any) -> set[str]:
    return {one.code for one in views}


def teach(clinic: builders.Clinic, topic: str, teach_back: str, day: int = 0) -> EducationGiven:
    return EducationGiven.objects.create(
        patient=clinic.patient,
        topic_id=topic,
        given_on=builders.on(day),
        teach_back=teach_back,
        recorded_at=builders.at(day),
        recorded_by=clinic.people["nurse-coordinator"],
    )


def answer(task: CareTask, item: str, finding: str) -> ChecklistAnswer:
    return ChecklistAnswer.objects.create(task=task, item_id=item, answer=finding, recorded_at=builders.at())


# what belongs to a patient


def test_topics_of_the_present_stages() -> None:
    found = guidance.for_patient(case_of(builders.clinic("als-limb")))
    assert codes(found.topics) == {
        "edu-natural-history",
        "edu-prevention",
        "edu-no-heavy-load",
        "edu-rest",
        "edu-stay-active",
    }
    later = builders.clinic("als-limb", start={"respiratory": "R2", "nutrition": "N1", "overall": "O2"})
    assert {"edu-niv", "edu-tube-feeding"} < codes(guidance.for_patient(case_of(later)).topics)
    assert "edu-prevention" not in codes(guidance.for_patient(case_of(later)).topics)


def test_texts_of_the_pathway_with_those_for_staff_marked() -> None:
    found = {one.code: one for one in guidance.for_patient(case_of(builders.clinic("als-limb"))).texts}
    assert {"info-goals", "info-limb-onset", "info-no-als-gene-therapy"} < set(found)
    assert not {"info-bulbar-share", "info-safety", "info-imt-adjunct"} & set(found)
    assert found["info-als-survival"].is_staff_only
    assert not found["info-goals"].is_staff_only
    assert found["info-no-als-gene-therapy"].as_of == "31 Jan 2026"
    assert "tofersen" in found["info-no-als-gene-therapy"].qualification
    assert found["info-hr-5"].source == guidance.Source(("S17",), "[S] S17, [V:WL1], [D] at the limit counts")


def test_a_text_of_a_programme_comes_with_it() -> None:
    clinic = builders.clinic("als-limb")
    flow.start(clinic.enrollment.pk, "imt-programme", at=builders.at(), by=None)
    assert "info-imt-adjunct" in codes(guidance.for_patient(case_of(clinic)).texts)


def test_children_see_no_text_of_als() -> None:
    found = codes(guidance.for_patient(case_of(builders.clinic("sma-non-sitter"))).texts)
    assert {"info-safety", "info-sma1-onset"} < found
    assert not {code for code in found if code.startswith(("info-als", "info-hr", "info-bulbar"))}


def test_oximetry_in_an_exercise_session_from_early_impairment_on() -> None:
    before = guidance.for_patient(case_of(builders.clinic("als-limb")))
    assert codes(before.session_checks) == {"chk-stability"}
    assert "restr-oximetry" not in codes(before.restrictions)
    impaired = guidance.for_patient(case_of(builders.clinic("als-limb", start={"respiratory": "R2"})))
    assert codes(impaired.session_checks) == {"chk-stability", "chk-oximetry-in-session"}
    assert "restr-oximetry" in codes(impaired.restrictions)


# what was taught


def test_a_topic_is_due_until_it_was_understood() -> None:
    clinic = builders.clinic("als-limb")

    def rest() -> guidance.TopicView:
        return next(one for one in guidance.for_patient(case_of(clinic, 9)).topics if one.code == "edu-rest")

    assert rest().is_due and rest().given_on == ""
    teach(clinic, "edu-rest", "needs-repeat")
    assert rest().is_due and rest().teach_back == "needs to be repeated"
    understood = teach(clinic, "edu-rest", "understood", day=7)
    assert not rest().is_due and rest().given_on == "15 Jan 2024"
    understood.voided_at, understood.void_reason = builders.at(8), "another patient"
    understood.save(update_fields=["voided_at", "void_reason"])
    assert rest().is_due and rest().given_on == "8 Jan 2024"


def test_what_was_taught_is_neither_edited_nor_deleted() -> None:
    given = teach(builders.clinic("als-limb"), "edu-rest", "needs-repeat")
    given.teach_back = "understood"
    with pytest.raises(ProgrammingError), transaction.atomic():
        given.save(update_fields=["teach_back"])
    with pytest.raises(ProgrammingError), transaction.atomic():
        EducationGiven.objects.filter(pk=given.pk).delete()
    assert EducationGiven.objects.get(pk=given.pk).teach_back == "needs-repeat"


def test_a_void_has_its_reason() -> None:
    given = teach(builders.clinic("als-limb"), "edu-rest", "understood")
    with pytest.raises(IntegrityError), transaction.atomic():
        EducationGiven.objects.filter(pk=given.pk).update(voided_at=builders.at(1))


def test_teaching_is_recorded_and_audited() -> None:
    clinic = builders.clinic("als-limb")
    nurse = clinic.people["nurse-coordinator"]
    flow.give_education(
        clinic.enrollment.pk, "edu-niv", teach_back="understood", note="with her son", at=builders.at(3), by=nurse
    )
    given = EducationGiven.objects.get()
    assert (given.topic_id, given.given_on, given.recorded_by) == ("edu-niv", builders.on(3), nurse)
    event = AuditEvent.objects.get(action="education.given")
    assert (event.actor, event.patient) == (nurse, clinic.patient)
    flow.void_education(clinic.enrollment.pk, given.pk, reason="another patient", at=builders.at(4), by=nurse)
    given.refresh_from_db()
    assert (given.voided_by, given.void_reason) == (nurse, "another patient")
    with pytest.raises(errors.NotAllowed):
        flow.void_education(clinic.enrollment.pk, given.pk, reason="again", at=builders.at(5), by=nurse)


@pytest.mark.parametrize(
    ("topic", "teach_back", "day", "code"),
    [
        ("edu-nothing", "understood", 0, "not-allowed"),
        ("edu-niv", "nodded", 0, "not-allowed"),
        ("edu-niv", "understood", 1, "implausible"),
        ("edu-niv", "understood", -40000, "implausible"),
    ],
)
def test_teaching_that_cannot_be_is_refused(topic: str, teach_back: str, day: int, code: str) -> None:
    clinic = builders.clinic("als-limb")
    with pytest.raises(errors.Refused) as refused:
        flow.give_education(
            clinic.enrollment.pk, topic, teach_back=teach_back, effective=builders.on(day), at=builders.at(), by=None
        )
    assert refused.value.code == code
    assert not EducationGiven.objects.exists()


def test_nobody_is_taught_after_death_and_a_mistake_can_still_be_voided() -> None:
    clinic = builders.clinic("als-limb")
    given = teach(clinic, "edu-rest", "understood")
    flow.record_death(clinic.enrollment.pk, at=builders.at(1), by=None)
    with pytest.raises(errors.NotAllowed) as refused:
        flow.give_education(clinic.enrollment.pk, "edu-niv", teach_back="understood", at=builders.at(2), by=None)
    assert refused.value.code == "after-death"
    flow.void_education(clinic.enrollment.pk, given.pk, reason="another patient", at=builders.at(2), by=None)
    assert not EducationGiven.objects.filter(voided_at=None).exists()


def test_teaching_of_another_patient_is_not_found() -> None:
    given = teach(builders.clinic("als-limb"), "edu-rest", "understood")
    other = builders.clinic("als-limb")
    with pytest.raises(errors.NotFound):
        flow.void_education(other.enrollment.pk, given.pk, reason="mine?", at=builders.at(1), by=None)


# what belongs to a task


def test_the_checklist_of_a_dietitian_review() -> None:
    clinic = builders.clinic("als-limb")
    found = guidance.for_task(case_of(clinic), clinic.task("dietitian-review"))
    assert codes(found.checklist) == {
        "chk-hydration",
        "chk-chewing-swallowing",
        "chk-appetite",
        "chk-bowels",
        "chk-weight-trend",
    }


def test_work_of_breathing_is_asked_from_early_impairment_on() -> None:
    clinic = builders.clinic("als-limb", start={"respiratory": "R2"})
    found = guidance.for_task(case_of(clinic), clinic.task("dietitian-review"))
    assert "chk-breathing-work" in codes(found.checklist)


def test_saliva_is_asked_at_every_visit_after_bulbar_onset_only() -> None:
    bulbar, limb = builders.clinic("als-bulbar"), builders.clinic("als-limb")
    for activity in ("dietitian-review", "physio-review"):
        assert "chk-saliva" in codes(guidance.for_task(case_of(bulbar), bulbar.task(activity)).checklist)
        assert "chk-saliva" not in codes(guidance.for_task(case_of(limb), limb.task(activity)).checklist)
    assert "chk-saliva" not in codes(guidance.for_task(case_of(bulbar), bulbar.task("weight")).checklist)


def test_items_of_a_stage_are_in_the_tasks_of_their_owners() -> None:
    clinic = builders.clinic("als-limb", start={"musculoskeletal": "K2"})
    found = codes(guidance.for_task(case_of(clinic), clinic.task("physio-review")).checklist)
    assert {"chk-stretching", "chk-orthoses", "chk-impairment"} < found
    assert "chk-stretching" not in codes(guidance.for_task(case_of(clinic), clinic.task("weight")).checklist)


def test_due_topics_of_the_role_come_with_its_task() -> None:
    clinic = builders.clinic("als-limb")
    task = clinic.task("physio-review")
    assert "edu-rest" in codes(guidance.for_task(case_of(clinic), task).topics)
    teach(clinic, "edu-rest", "understood")
    assert "edu-rest" not in codes(guidance.for_task(case_of(clinic), task).topics)
    nurse = codes(guidance.for_task(case_of(clinic), clinic.task("weight")).topics)
    assert nurse == {"edu-natural-history"}


def test_the_answer_that_stands_is_shown_and_only_one_stands() -> None:
    clinic = builders.clinic("als-limb")
    task = clinic.task("dietitian-review")
    first = answer(task, "chk-hydration", "concern")
    with pytest.raises(IntegrityError), transaction.atomic():
        answer(task, "chk-hydration", "fine")
    first.voided_at, first.void_reason = builders.at(1), "wrong item"
    first.save(update_fields=["voided_at", "void_reason"])
    answer(task, "chk-hydration", "fine")
    shown = {one.code: one for one in guidance.for_task(case_of(clinic), task).checklist}
    assert (shown["chk-hydration"].answer, shown["chk-bowels"].answer) == ("fine", "")


def test_a_checklist_is_answered_and_answered_again() -> None:
    clinic = builders.clinic("als-limb")
    task, dietitian = clinic.task("dietitian-review"), clinic.people["dietitian"]
    both = {"chk-hydration": Answer("concern", "drinks little"), "chk-bowels": Answer("fine")}
    flow.answer_checklist(task.pk, both, at=builders.at(1), by=dietitian)
    flow.answer_checklist(task.pk, {**both, "chk-hydration": Answer("fine")}, at=builders.at(2), by=dietitian)
    standing = ChecklistAnswer.objects.filter(task=task, voided_at=None)
    assert dict(standing.values_list("item", "answer")) == {"chk-hydration": "fine", "chk-bowels": "fine"}
    assert ChecklistAnswer.objects.get(answer="concern").void_reason == "answered again"
    assert ChecklistAnswer.objects.count() == 3  # the same answer again is no new one
    assert AuditEvent.objects.filter(action="checklist.answered").count() == 3


def test_a_finished_visit_can_still_be_answered_and_a_skipped_one_cannot() -> None:
    clinic = builders.clinic("als-limb")
    done, skipped = clinic.task("dietitian-review"), clinic.task("physio-review")
    flow.complete(done.pk, at=builders.at(1), by=None)
    flow.answer_checklist(done.pk, {"chk-bowels": Answer("fine")}, at=builders.at(1), by=None)
    flow.skip(skipped.pk, reason="declined", at=builders.at(1), by=None)
    with pytest.raises(errors.NotAllowed):
        flow.answer_checklist(skipped.pk, {"chk-impairment": Answer("fine")}, at=builders.at(1), by=None)
    assert [one.item_id for one in ChecklistAnswer.objects.all()] == ["chk-bowels"]


@pytest.mark.parametrize("wrong", [{"chk-impairment": Answer("fine")}, {"chk-appetite": Answer("so-so")}])
def test_one_wrong_answer_refuses_all(wrong: dict[str, Answer]) -> None:
    task = builders.clinic("als-limb").task("dietitian-review")
    with pytest.raises(errors.Refused):
        flow.answer_checklist(task.pk, {"chk-bowels": Answer("fine"), **wrong}, at=builders.at(), by=None)
    assert not ChecklistAnswer.objects.exists()


def test_every_item_is_shown_somewhere() -> None:
    rows = guidance.ChecklistItem.objects.all()
    assert rows.count() == 30
    known = case_of(builders.clinic("als-limb")).vocabulary.activities
    for row in rows:
        belongs = [one for one in known.values() if guidance.record_of(row).belongs_to(one)]
        assert belongs or guidance.EXERCISE_SESSION in row.situations, row.code


def test_a_role_that_nobody_named_sees_nothing_of_a_stage_item() -> None:
    row = guidance.ChecklistItem.objects.get(code="chk-stretching")
    assert not guidance.record_of(row).belongs_to(ActivityRecord("ecas", "", "psychosocial"))


# statements and restrictions


def test_a_doubtful_statement_cannot_be_stored_bare() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.filter(code="S60").update(qualification="")
    with pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.filter(code="S60").update(doubt="")


@pytest.mark.parametrize(
    ("type", "load"), [("eccentric", "low"), ("swimming", "high"), ("concentric", "low"), ("", "low")]
)
def test_exercise_that_harms_or_is_not_listed_is_refused(type: str, load: str) -> None:
    clinic = builders.clinic("als-limb")
    with pytest.raises(errors.NotAllowed) as refused:
        flow.prescribe(clinic.enrollment.pk, type=type, load=load, at=builders.at(), by=None)
    assert refused.value.code == "restricted"
    assert not ExerciseItem.objects.exists()


def test_every_listed_type_of_exercise_is_stored() -> None:
    clinic = builders.clinic("als-limb")
    allowed = guidance.exercise_limits().types
    assert len(allowed) == 11
    for type in allowed:
        flow.prescribe(clinic.enrollment.pk, type=type, load="low", rest_days=2, at=builders.at(), by=None)
    assert ExerciseItem.objects.count() == 11


@pytest.mark.parametrize(
    ("least", "rest_days", "flags"),
    [(1, 0, ["no-rest-day"]), (1, 1, []), (1, None, []), (2, 1, ["no-rest-day"]), (2, 2, []), (0, 0, ["no-rest-day"])],
)
def test_too_little_rest_is_stored_and_flagged(least: int, rest_days: int | None, flags: list[str]) -> None:
    Restriction.objects.filter(code="restr-rest-days").update(least_rest_days=least)
    clinic = builders.clinic("als-limb")
    flow.prescribe(clinic.enrollment.pk, type="yoga", load="low", rest_days=rest_days, at=builders.at(), by=None)
    assert ExerciseItem.objects.count() == 1
    assert list(QualityFlag.objects.values_list("code", flat=True)) == flags


def test_without_a_list_only_what_harms_is_refused() -> None:
    Restriction.objects.filter(effect="allow").update(is_retired=True)
    clinic = builders.clinic("als-limb")
    flow.prescribe(clinic.enrollment.pk, type="concentric", load="low", at=builders.at(), by=None)
    with pytest.raises(errors.NotAllowed):
        flow.prescribe(clinic.enrollment.pk, type="eccentric", load="low", at=builders.at(), by=None)
