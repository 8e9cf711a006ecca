"""Teaching, checklists, equipment and exercise on the pages of a patient."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from pathway import clock, flow
from pathway.engine.schedule import local_day
from pathway.models import (
    AuditEvent,
    CareTask,
    ChecklistAnswer,
    EducationGiven,
    InfoText,
    Intervention,
    QualityFlag,
    Restriction,
    Topic,
)
from pathway.vocabulary import Role
from tests import builders
from tests.web.cast import Cast, signed_in
from tests.web.test_acting import day, do, task

TOPIC = "edu-stay-active"


def page_of(cast: Cast, client: Client) -> str:
    return client.get(f"/patients/{cast.patient.uuid}/").content.decode()


def enrollment_action(cast: Cast, client: Client, name: str, **fields: str) -> Any:
    cast.enrollment.refresh_from_db()
    return do(client, f"/enrollments/{cast.enrollment.pk}/{name}/", cast.enrollment, **fields)


def section(page: str, name: str) -> str:
    return page.partition(f'id="{name}"')[2].partition("</section>")[0]


# teaching


def test_a_topic_that_is_due_is_taught_and_told_back(cast: Cast) -> None:
    client = signed_in(cast.dietitian)
    title = Topic.objects.get(pk=TOPIC).title
    assert "not taught yet" in section(page_of(cast, client), "guidance")
    answer = enrollment_action(
        cast, client, f"teach/{TOPIC}", teach_back="needs-repeat", effective=day(cast), note="tired today"
    )
    assert answer.status_code == 200 and "Teaching recorded" in answer.content.decode()
    row = EducationGiven.objects.get()
    assert (row.topic_id, row.teach_back, row.note) == (TOPIC, "needs-repeat", "tired today")
    assert row.recorded_by == cast.dietitian
    shown = section(answer.content.decode(), "guidance")
    assert title in shown and "needs to be repeated" in shown
    enrollment_action(cast, client, f"teach/{TOPIC}", teach_back="understood", effective=day(cast))
    assert "told back and understood" in section(page_of(cast, client), "guidance")


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"teach_back": ""}, "teach_back"), ({"teach_back": "understood", "away": "1"}, "effective")],
)
def test_a_teaching_without_its_teach_back_or_on_a_day_ahead_is_refused(
    cast: Cast, fields: dict[str, str], field: str
) -> None:
    given = dict(fields)
    when = day(cast, int(given.pop("away", "0")))
    answer = enrollment_action(cast, signed_in(cast.dietitian), f"teach/{TOPIC}", effective=when, **given)
    assert answer.status_code == 422 and f'href="#id_{field}' in answer.content.decode()
    assert not EducationGiven.objects.exists()


def test_a_teaching_entered_in_error_makes_the_topic_due_again(cast: Cast) -> None:
    client = signed_in(cast.dietitian)
    enrollment_action(cast, client, f"teach/{TOPIC}", teach_back="understood", effective=day(cast))
    answer = enrollment_action(cast, client, f"void-teaching/{TOPIC}", reason="another patient")
    assert "Teaching marked as entered in error" in answer.content.decode()
    row = EducationGiven.objects.get()
    assert (row.void_reason, row.voided_by) == ("another patient", cast.dietitian)
    assert "told back and understood" not in section(page_of(cast, client), "guidance")
    # There is nothing left to mark.
    assert client.get(f"/enrollments/{cast.enrollment.pk}/void-teaching/{TOPIC}/").status_code == 404


def test_a_topic_that_does_not_exist_is_not_found(cast: Cast) -> None:
    client = signed_in(cast.dietitian)
    assert client.get(f"/enrollments/{cast.enrollment.pk}/teach/edu-nothing/").status_code == 404
    assert client.get(f"/enrollments/{cast.enrollment.pk}/teach/niv/").status_code == 404


# texts


def test_texts_show_their_qualification_their_day_and_whom_they_are_for(cast: Cast) -> None:
    InfoText.objects.filter(pk="info-no-als-gene-therapy").update(
        audience="staff", qualification="True on that day only."
    )
    shown = section(page_of(cast, signed_in(cast.member)), "guidance")
    text = InfoText.objects.get(pk="info-no-als-gene-therapy")
    around = shown.partition("There is no approved gene therapy")[0].rpartition("<li>")[2]
    assert "Staff only" in around
    after = shown.partition("There is no approved gene therapy")[2].partition("</li>")[0]
    assert "True on that day only." in after and "as of" in after and text.mark.split()[0] in after


def test_no_doubtful_topic_or_text_is_shown_without_its_qualification(cast: Cast) -> None:
    page = page_of(cast, signed_in(cast.member))
    shown = section(page, "guidance")
    for model in (Topic, InfoText):
        for row in model.objects.exclude(qualification=""):
            start = shown.find(row.text[:40])
            if start >= 0:
                assert row.qualification[:40] in shown[start:], row.pk


# checklists


def test_a_checklist_goes_with_the_completion(cast: Cast) -> None:
    row, client = task(cast, "dietitian-review"), signed_in(cast.dietitian)
    form = client.get(f"/tasks/{row.pk}/complete/").content.decode()
    assert "not looked at" in form and 'name="check.chk-hydration"' in form
    fields = {
        "check.chk-hydration": "concern",
        "note.chk-hydration": "drinks half a liter",
        "check.chk-bowels": "fine",
        "check.chk-appetite": "not-applicable",
    }
    answer = do(client, f"/tasks/{row.pk}/complete/", row, effective=day(cast), **fields)
    page = answer.content.decode()
    assert "Checklist answered" in page and "Task completed" in page
    found = dict(ChecklistAnswer.objects.filter(task=row).values_list("item", "answer"))
    assert found == {"chk-hydration": "concern", "chk-bowels": "fine", "chk-appetite": "not-applicable"}
    shown = section(page, "guidance")
    assert "Needs attention" in shown and "drinks half a liter" in shown and "Constipation" not in shown


def test_a_task_may_be_completed_without_its_checklist_which_then_says_nothing(cast: Cast) -> None:
    row = task(cast, "dietitian-review")
    do(signed_in(cast.dietitian), f"/tasks/{row.pk}/complete/", row, effective=day(cast))
    row.refresh_from_db()
    assert row.status == "completed" and not ChecklistAnswer.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"note.chk-hydration": "about what?"},
        {"check.chk-hydration": "superb"},
        {"check.chk-bowels": "fine", "away": "3"},
    ],
)
def test_a_refused_completion_leaves_no_answer_behind(cast: Cast, fields: dict[str, str]) -> None:
    row, given = task(cast, "dietitian-review"), dict(fields)
    when = day(cast, int(given.pop("away", "0")))
    answer = do(signed_in(cast.dietitian), f"/tasks/{row.pk}/complete/", row, effective=when, **given)
    assert answer.status_code == 422 and "There is a problem" in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "open" and not ChecklistAnswer.objects.exists()
    assert not AuditEvent.objects.filter(action="checklist.answered").exists()


def test_an_answer_to_an_item_of_another_task_is_not_stored(cast: Cast) -> None:
    row = task(cast, "dietitian-review")
    do(
        signed_in(cast.dietitian),
        f"/tasks/{row.pk}/complete/",
        row,
        effective=day(cast),
        **{"check.chk-fixed-plan": "fine"},
    )
    assert not ChecklistAnswer.objects.exists()


def test_topics_of_the_role_are_taught_with_the_completion(cast: Cast) -> None:
    for row in CareTask.objects.live().filter(enrollment=cast.enrollment):
        client = signed_in(cast.coordinator)
        form = client.get(f"/tasks/{row.pk}/complete/").content.decode()
        name = form.partition('name="teach.')[2].partition('"')[0]
        if name:
            do(client, f"/tasks/{row.pk}/complete/", row, effective=day(cast), **{f"teach.{name}": "understood"})
            given = EducationGiven.objects.get()
            assert (given.topic_id, given.teach_back, given.recorded_by) == (name, "understood", cast.coordinator)
            return
    pytest.fail("no task has a topic of its role")


# equipment


def started(cast: Cast, code: str = "splints", **fields: str) -> Client:
    client = signed_in(cast.member)
    answer = enrollment_action(cast, client, f"start/{code}", effective=day(cast), **fields)
    assert answer.status_code == 200
    return client


def test_equipment_is_started_with_a_day_on_which_it_is_looked_at_again(cast: Cast) -> None:
    started(cast, **{"details.review_on": day(cast, 90)})
    row = Intervention.objects.get(kind="splints")
    assert str(row.review_on) == day(cast, 90) and row.details == {}


def test_a_review_is_moved_and_taken_away(cast: Cast) -> None:
    client = started(cast)
    assert "none set" in section(page_of(cast, client), "interventions")
    page = enrollment_action(cast, client, "review/splints", review_on=day(cast, 30)).content.decode()
    assert "Review of equipment set" in page
    assert str(Intervention.objects.get(kind="splints").review_on) == day(cast, 30)
    event = AuditEvent.objects.get(action="intervention.review-set")
    assert (event.before, event.after) == ({"on": None}, {"on": day(cast, 30)})
    enrollment_action(cast, client, "review/splints", review_on="")
    assert Intervention.objects.get(kind="splints").review_on is None


def test_a_review_before_the_start_is_refused_at_its_field(cast: Cast) -> None:
    client = started(cast)
    answer = enrollment_action(cast, client, "review/splints", review_on=day(cast, -1))
    assert answer.status_code == 422 and 'href="#id_review_on"' in answer.content.decode()
    fields = {"details.review_on": day(cast, -1)}
    answer = enrollment_action(cast, client, "start/seating", effective=day(cast), **fields)
    assert answer.status_code == 422 and 'href="#id_details.review_on"' in answer.content.decode()
    assert not Intervention.objects.filter(kind="seating").exists()


def test_drugs_and_what_is_not_running_have_no_review(cast: Cast) -> None:
    client = started(cast, "riluzole")
    flow.start(cast.enrollment.pk, "imt-programme", at=clock.now(), by=cast.member)
    for code in ("riluzole", "seating", "imt-programme"):
        assert client.get(f"/enrollments/{cast.enrollment.pk}/review/{code}/").status_code == 404
    assert (
        'name="details.review_on"'
        not in client.get(f"/enrollments/{cast.enrollment.pk}/start/tofersen/").content.decode()
    )


@pytest.mark.parametrize(
    ("away", "listed", "late"), [(-1, True, True), (0, True, False), (14, True, False), (15, False, False)]
)
def test_reviews_are_on_the_worklist_from_14_days_ahead(cast: Cast, away: int, listed: bool, late: bool) -> None:
    client = started(cast)
    today = local_day(clock.now(), cast.site.time_zone)
    Intervention.objects.filter(kind="splints").update(
        started_on=today - timedelta(days=100), review_on=today + timedelta(days=away)
    )
    page = signed_in(cast.coordinator).get("/").content.decode()
    assert ('id="reviews"' in page) is listed
    assert ("1 day late" in section(page, "reviews")) is late
    assert ("1 day late" in section(page_of(cast, client), "interventions")) is late


def test_a_review_is_on_the_list_of_the_roles_that_it_concerns(cast: Cast) -> None:
    physio = builders.user(cast.site, Role.PHYSIOTHERAPIST)
    builders.join(cast.patient, physio, Role.PHYSIOTHERAPIST)
    started(cast, **{"details.review_on": day(cast, 3)})
    assert 'id="reviews"' in signed_in(physio).get("/").content.decode()
    assert 'id="reviews"' not in signed_in(cast.dietitian).get("/").content.decode()
    assert 'id="reviews"' not in signed_in(cast.colleague).get("/").content.decode()


def test_reviews_of_the_stopped_the_dead_and_the_withdrawn_are_on_no_list(cast: Cast) -> None:
    client = started(cast, **{"details.review_on": day(cast)})
    coordinator = signed_in(cast.coordinator)
    assert 'id="reviews"' in coordinator.get("/").content.decode()
    enrollment_action(cast, coordinator, "death", effective=day(cast))
    assert 'id="reviews"' not in coordinator.get("/").content.decode()
    enrollment_action(cast, coordinator, "reverse-death", reason="another patient")
    assert 'id="reviews"' in coordinator.get("/").content.decode()
    enrollment_action(cast, client, "stop/splints", effective=day(cast))
    assert 'id="reviews"' not in coordinator.get("/").content.decode()


def test_planned_doses_are_shown_until_they_are_given(cast: Cast) -> None:
    client = started(cast, "tofersen")
    ahead = section(page_of(cast, client), "interventions")
    assert "Doses and dates ahead" in ahead and "L1" in ahead and "L2" in ahead
    enrollment_action(cast, client, "give/tofersen", dose="L1", effective=day(cast))
    ahead = section(page_of(cast, client), "interventions").partition("Doses and dates ahead")[2]
    assert "L2" in ahead and "L1" not in ahead


def test_a_start_outside_the_licence_is_told_before_and_after(cast: Cast) -> None:
    client = signed_in(cast.member)
    before = client.get(f"/enrollments/{cast.enrollment.pk}/start/edaravone-iv/").content.decode()
    assert "Outside of its licence" in before and "not licensed" in before
    page = enrollment_action(cast, client, "start/edaravone-iv", effective=day(cast)).content.decode()
    shown = section(page, "interventions")
    assert "outside its licence" in shown and "not licensed" in shown
    assert (
        "Outside of its licence" not in client.get(f"/enrollments/{cast.enrollment.pk}/start/splints/").content.decode()
    )


# exercise


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"type": "eccentric", "load": "low"}, "type", "No eccentric exercise"),
        ({"type": "walking", "load": "high"}, "load", "No high loads"),
        ({"type": "boxing", "load": "low"}, "type", "Exercise of these types only"),
        ({"type": "", "load": "low"}, "type", "This is needed"),
    ],
)
def test_what_a_restriction_forbids_is_refused_in_its_words_at_the_field(
    cast: Cast, fields: dict[str, str], field: str, words: str
) -> None:
    answer = enrollment_action(cast, signed_in(cast.member), "prescribe", **fields)
    page = answer.content.decode()
    assert answer.status_code == 422 and f'href="#id_{field}"' in page
    assert words in page.partition("There is a problem")[2].partition("</ul>")[0]
    assert not cast.patient.exercises.exists()


def test_the_form_offers_what_is_allowed_and_shows_the_limits_beside(cast: Cast) -> None:
    page = signed_in(cast.member).get(f"/enrollments/{cast.enrollment.pk}/prescribe/").content.decode()
    for offered in ("walking", "hippotherapy", "gentle-strengthening", "low", "moderate"):
        assert f'<option value="{offered}">' in page
    for refused in ("eccentric", "high"):
        assert f'<option value="{refused}">' not in page
    for row in Restriction.objects.filter(pk__in=("restr-eccentric", "restr-high-load", "restr-rest-days")):
        assert row.text in page
    assert "Stable before the session" in page


def test_exercise_without_a_rest_day_is_stored_and_flagged(cast: Cast) -> None:
    client = signed_in(cast.member)
    answer = enrollment_action(cast, client, "prescribe", type="walking", load="low", minutes="20", rest_days="0")
    page = answer.content.decode()
    assert "no rest day" in section(page, "interventions") and "20 minutes" in page
    assert QualityFlag.objects.filter(patient=cast.patient, code="no-rest-day").exists()
    row = cast.patient.exercises.get()
    assert (row.type, row.load, row.minutes, row.rest_days) == ("walking", "low", 20, 0)


def test_none_of_it_is_offered_after_a_death(cast: Cast) -> None:
    started(cast)
    flow.record_death(cast.enrollment.pk, at=clock.now(), by=cast.member)
    page = page_of(cast, signed_in(cast.member))
    for address in ("teach/", "review/", "prescribe/", "stop/"):
        assert f"/enrollments/{cast.enrollment.pk}/{address}" not in page
    answer = enrollment_action(
        cast, signed_in(cast.member), f"teach/{TOPIC}", teach_back="understood", effective=day(cast)
    )
    assert answer.status_code == 422 and not EducationGiven.objects.exists()
