"""What can be done to an enrollment as a whole, and to one track, intervention or topic of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as lazy

from pathway import access, errors, flow
from pathway.access import Permit
from pathway.selectors import choices, equipment, guidance, offers, prescriptions
from pathway.web import forms
from pathway.web.action import Action, Noun, Target, plain
from pathway.web.forms import PlainForm
from pathway.web.task_forms import TeachForm


def _stages_form(target: Target, given: dict[str, Any]) -> PlainForm:
    found = choices.stages(target.case, target.key)
    if not found:
        raise errors.NotFound("not-found", "There is nothing here")
    return forms.MoveForm(stages=found, **given)


def _start_form(target: Target, given: dict[str, Any]) -> PlainForm:
    kind = target.case.vocabulary.interventions.get(target.key)
    if kind is None:
        raise errors.NotFound("not-found", "There is nothing here")
    has_review = equipment.has_review(kind)
    return forms.StartForm(
        details=kind.details, has_review=has_review, initial={"effective": target.case.today}, **given
    )


def _start(target: Target, form: PlainForm, at: datetime, by: access.Person) -> object:
    details = form.details() if isinstance(form, forms.StartForm) else {}
    effective = form.cleaned_data["effective"]
    return flow.start(target.row.pk, target.key, effective=effective, details=details, at=at, by=by)


def _give_form(target: Target, given: dict[str, Any]) -> PlainForm:
    doses = choices.doses(target.case, target.key)
    if not doses:
        raise errors.NotFound("not-found", "There is nothing here")
    return forms.GiveForm(doses=doses, initial={"effective": target.case.today}, **given)


def _prescribe_form(target: Target, given: dict[str, Any]) -> PlainForm:
    return forms.PrescribeForm(allowed=prescriptions.prescribable(target.case), **given)


def _prescribe(target: Target, form: PlainForm, at: datetime, by: access.Person) -> object:
    asked = form.cleaned_data
    return flow.prescribe(
        target.row.pk,
        type=asked["type"],
        load=asked["load"],
        minutes=asked["minutes"],
        rest_days=asked["rest_days"],
        at=at,
        by=by,
    )


def _review_form(target: Target, given: dict[str, Any]) -> PlainForm:
    row = next((row for row in target.case.running if row.kind_id == target.key), None)
    if row is None or not equipment.has_review(target.case.vocabulary.interventions[target.key]):
        raise errors.NotFound("not-found", "There is nothing here")
    return forms.ReviewForm(initial={"review_on": row.review_on}, **given)


def _teach_form(target: Target, given: dict[str, Any]) -> PlainForm:
    if guidance.topic(target.case, target.key) is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return TeachForm(initial={"effective": target.case.today}, **given)


def _teach(target: Target, form: PlainForm, at: datetime, by: access.Person) -> object:
    asked = form.cleaned_data
    return flow.give_education(
        target.row.pk,
        target.key,
        teach_back=asked["teach_back"],
        effective=asked["effective"],
        note=asked["note"],
        at=at,
        by=by,
    )


def _void_teaching_form(target: Target, given: dict[str, Any]) -> PlainForm:
    _teaching(target)
    return forms.ReasonForm(**given)


def _teaching(target: Target) -> int:
    """The last teaching of the topic; NotFound where it was never taught."""
    topic = guidance.topic(target.case, target.key)
    if topic is None or not topic.given_pk:
        raise errors.NotFound("not-found", "There is nothing here")
    return topic.given_pk


ENROLLMENTS = Noun(
    access.enrollment_or_not_found,
    lambda row: row,
    lambda row, case: row.version.pathway.title,
    lambda row, case: str(row.get_status_display()),
    {
        "hold": Action(
            lazy("Put on hold"),
            lazy("Put on hold"),
            Permit.STEER,
            plain(forms.ReasonForm),
            lambda target, form, at, by: flow.hold(target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by),
            hint=lazy("Messages stop; due dates and rules go on."),
        ),
        "resume": Action(
            lazy("Resume"),
            lazy("Resume"),
            Permit.STEER,
            plain(forms.OptionalReasonForm),
            lambda target, form, at, by: flow.resume(target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by),
            hint=lazy("Messages go on from tomorrow; those of the days on hold are not made up for."),
        ),
        "withdraw": Action(
            lazy("Withdraw from the pathway"),
            lazy("Withdraw"),
            Permit.STEER,
            plain(forms.ReasonForm),
            lambda target, form, at, by: flow.withdraw(target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by),
            is_grave=True,
            hint=lazy("Open tasks are cancelled, alerts and proposals closed."),
        ),
        "change-pathway": Action(
            lazy("Change of pathway"),
            lazy("Change the pathway"),
            Permit.STEER,
            lambda target, given: forms.ChangePathwayForm(
                pathways=choices.pathways(apart_from=target.case.pathway), **given
            ),
            lambda target, form, at, by: flow.change_pathway(
                target.row.pk, form.cleaned_data["to"], reason=form.cleaned_data["reason"], at=at, by=by
            ),
            hint=lazy("Stages with the same code are kept, and the open work goes along."),
        ),
        "death": Action(
            lazy("Record a death"),
            lazy("Record the death"),
            Permit.RECORD_DEATH,
            plain(forms.DeathForm),
            lambda target, form, at, by: flow.record_death(
                target.row.pk, effective=form.cleaned_data["effective"], at=at, by=by
            ),
            is_grave=True,
        ),
        "reverse-death": Action(
            lazy("Reverse a death that was recorded by mistake"),
            lazy("Reverse it"),
            Permit.RECORD_DEATH,
            plain(forms.ReasonForm),
            lambda target, form, at, by: flow.reverse_death(
                target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by
            ),
        ),
        "prescribe": Action(
            lazy("Prescribe exercise"),
            lazy("Prescribe"),
            Permit.TREAT,
            _prescribe_form,
            _prescribe,
            template="prescribe",
            more=lambda target: {"plan": prescriptions.prescribable(target.case)},
        ),
    },
)

# As ENROLLMENTS, for actions on one of its tracks or interventions, named in the address.
PARTS = Noun(
    access.enrollment_or_not_found,
    lambda row: row,
    lambda row, case: row.version.pathway.title,
    lambda row, case: str(row.get_status_display()),
    {
        "move": Action(
            lazy("Move to another stage"),
            lazy("Move"),
            Permit.MOVE,
            _stages_form,
            lambda target, form, at, by: flow.move(
                target.row.pk,
                target.key,
                form.cleaned_data["to"],
                reason=form.cleaned_data["reason"],
                at=at,
                by=by,
            ),
            also_require=lambda target, user, at: access.require_decision(user, target.patient, target.key, at),
        ),
        "start": Action(
            lazy("Start an intervention"),
            lazy("Start"),
            Permit.TREAT,
            _start_form,
            _start,
            template="start",
            more=lambda target: {"against": offers.reservations(target.case, target.key)},
        ),
        "review": Action(
            lazy("Next review of equipment"),
            lazy("Save"),
            Permit.TREAT,
            _review_form,
            lambda target, form, at, by: flow.set_review(
                target.row.pk, target.key, review_on=form.cleaned_data["review_on"], at=at, by=by
            ),
        ),
        "teach": Action(
            lazy("Record a teaching"),
            lazy("Record"),
            Permit.WORK,
            _teach_form,
            _teach,
            template="teach",
            more=lambda target: {"topic": guidance.topic(target.case, target.key)},
        ),
        "void-teaching": Action(
            lazy("Mark a teaching as entered in error"),
            lazy("Mark as entered in error"),
            Permit.WORK,
            _void_teaching_form,
            lambda target, form, at, by: flow.void_education(
                target.row.pk, _teaching(target), reason=form.cleaned_data["reason"], at=at, by=by
            ),
            is_grave=True,
            hint=lazy("The last teaching of this topic stays on record, and the topic is due again."),
        ),
        "stop": Action(
            lazy("Stop an intervention"),
            lazy("Stop"),
            Permit.TREAT,
            plain(forms.StopForm),
            lambda target, form, at, by: flow.stop(
                target.row.pk,
                target.key,
                effective=form.cleaned_data["effective"],
                reason=form.cleaned_data["reason"],
                at=at,
                by=by,
            ),
        ),
        "give": Action(
            lazy("Record a dose"),
            lazy("Record the dose"),
            Permit.TREAT,
            _give_form,
            lambda target, form, at, by: flow.give(
                target.row.pk,
                target.key,
                dose=form.cleaned_data["dose"],
                effective=form.cleaned_data["effective"],
                at=at,
                by=by,
            ),
        ),
    },
)
