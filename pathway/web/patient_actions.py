"""What can be done to an enrollment as a whole, and to one track, intervention or topic of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as lazy

from pathway import access, errors, flow
from pathway.access import Permit
from pathway.selectors import choices
from pathway.web import forms
from pathway.web.action import Action, Noun, Target, plain
from pathway.web.forms import PlainForm


def _stages_form(target: Target, given: dict[str, Any]) -> PlainForm:
    found = choices.stages(target.case, target.key)
    if not found:
        raise errors.NotFound("not-found", "There is nothing here")
    return forms.MoveForm(stages=found, **given)


def _start_form(target: Target, given: dict[str, Any]) -> PlainForm:
    kind = target.case.vocabulary.interventions.get(target.key)
    if kind is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return forms.StartForm(details=kind.details, initial={"effective": target.case.today}, **given)


def _start(target: Target, form: PlainForm, at: datetime, by: access.Person) -> object:
    details = form.details() if isinstance(form, forms.StartForm) else {}
    effective = form.cleaned_data["effective"]
    return flow.start(target.row.pk, target.key, effective=effective, details=details, at=at, by=by)


def _give_form(target: Target, given: dict[str, Any]) -> PlainForm:
    doses = choices.doses(target.case, target.key)
    if not doses:
        raise errors.NotFound("not-found", "There is nothing here")
    return forms.GiveForm(doses=doses, initial={"effective": target.case.today}, **given)


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
            plain(forms.PrescribeForm),
            _prescribe,
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
        ),
        "start": Action(lazy("Start an intervention"), lazy("Start"), Permit.TREAT, _start_form, _start),
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
