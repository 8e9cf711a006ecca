"""What can be done to a proposal, a task, an alert, a result."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pathway import access, flow
from pathway.access import Permit
from pathway.selectors import choices, guidance, shown, worklists
from pathway.selectors.cases import Case
from pathway.web import forms
from pathway.web.action import Action, Noun, Target, plain
from pathway.web.forms import PlainForm
from pathway.web.task_forms import CompleteForm


def _proposal_state(row: Any, case: Case) -> str:
    told = row.get_status_display()
    if row.decided_at is None:
        return str(told)
    who = {"status": told, "who": shown.person(row.decided_by), "when": shown.moment(row.decided_at, case.site)}
    return _("%(status)s, %(who)s, %(when)s") % who


def _task_state(row: Any, case: Case) -> str:
    if row.closed_at is None:
        return _("%(status)s, due %(day)s") % {"status": row.get_status_display(), "day": shown.day(row.due_on)}
    who = {"status": row.get_status_display(), "who": shown.person(row.closed_by)}
    return _("%(status)s, %(who)s, %(when)s") % {**who, "when": shown.moment(row.closed_at, case.site)}


def _observation_title(row: Any, case: Case) -> str:
    return f"{row.kind.title} {shown.observation(row)}, {shown.day(row.effective_on)}"


def _who_decides(target: Target, user: access.Person, at: datetime) -> None:
    access.require_decision(user, target.patient, target.row.track, at)


def _who_completes(target: Target, user: access.Person, at: datetime) -> None:
    access.require_completion(user, target.row, at)


PROPOSALS = Noun(
    access.proposal_or_not_found,
    lambda row: row.enrollment,
    lambda row, case: worklists.proposal_title(row, case.vocabulary),
    _proposal_state,
    {
        "accept": Action(
            lazy("Accept a proposal"),
            lazy("Accept"),
            Permit.DECIDE,
            plain(forms.NothingForm),
            lambda target, form, at, by: flow.accept(target.row.pk, at=at, by=by),
            also_require=_who_decides,
        ),
        "decline": Action(
            lazy("Decline a proposal"),
            lazy("Decline"),
            Permit.DECIDE,
            plain(forms.DeclineForm),
            lambda target, form, at, by: flow.decline(
                target.row.pk,
                reason=form.cleaned_data["reason"],
                until=form.cleaned_data["until"],
                at=at,
                by=by,
            ),
            also_require=_who_decides,
        ),
    },
)


def _complete_form(target: Target, given: dict[str, Any]) -> PlainForm:
    asked = guidance.for_task(target.case, target.row)
    return CompleteForm(asked=asked, initial={"effective": target.case.today}, **given)


def _complete(target: Target, form: PlainForm, at: datetime, by: access.Person) -> object:
    """The checklist and what was taught go with the completion, or all of it is refused."""
    assert isinstance(form, CompleteForm)
    effective = form.cleaned_data["effective"]
    if answers := form.answers():
        flow.answer_checklist(target.row.pk, answers, at=at, by=by)
    for topic, teach_back in form.taught().items():
        flow.give_education(target.case.enrollment.pk, topic, teach_back=teach_back, effective=effective, at=at, by=by)
    return flow.complete(target.row.pk, effective=effective, outcome=form.cleaned_data["outcome"], at=at, by=by)


TASKS = Noun(
    access.task_or_not_found,
    lambda row: row.enrollment,
    lambda row, case: f"{row.activity.title} {row.label}".strip() + _(", due %(day)s") % {"day": shown.day(row.due_on)},
    _task_state,
    {
        "complete": Action(
            lazy("Complete a task"),
            lazy("Complete"),
            Permit.WORK,
            _complete_form,
            _complete,
            template="complete",
            also_require=_who_completes,
        ),
        "skip": Action(
            lazy("Skip a task"),
            lazy("Skip this time"),
            Permit.WORK,
            plain(forms.SkipForm),
            lambda target, form, at, by: flow.skip(
                target.row.pk,
                reason=form.cleaned_data["reason"],
                effective=form.cleaned_data["effective"],
                at=at,
                by=by,
            ),
            also_require=_who_completes,
        ),
        "snooze": Action(
            lazy("Snooze a task"),
            lazy("Snooze"),
            Permit.WORK,
            plain(forms.SnoozeForm),
            lambda target, form, at, by: flow.snooze(
                target.row.pk,
                until=form.cleaned_data["until"],
                reason=form.cleaned_data["reason"],
                at=at,
                by=by,
            ),
        ),
        "reassign": Action(
            lazy("Give a task to another role"),
            lazy("Reassign"),
            Permit.WORK,
            lambda target, given: forms.ReassignForm(roles=choices.roles(), initial={"to": target.row.owner}, **given),
            lambda target, form, at, by: flow.reassign(target.row.pk, to=form.cleaned_data["to"], at=at, by=by),
        ),
    },
)

ALERTS = Noun(
    access.alert_or_not_found,
    lambda row: row.enrollment,
    lambda row, case: row.episode.rule.title or row.episode.rule.code,
    lambda row, case: str(row.get_status_display()),
    {
        "close": Action(
            lazy("Close an alert"),
            lazy("Close the alert"),
            Permit.CLOSE_ALERT,
            plain(forms.ReasonForm),
            lambda target, form, at, by: flow.close_alert(
                target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by
            ),
        ),
    },
)

OBSERVATIONS = Noun(
    access.observation_or_not_found,
    lambda row: None,
    _observation_title,
    lambda row, case: str(row.get_status_display()),
    {
        "void": Action(
            lazy("Mark a result as entered in error"),
            lazy("Mark as entered in error"),
            Permit.OBSERVE,
            plain(forms.ReasonForm),
            lambda target, form, at, by: flow.void(target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by),
            is_grave=True,
            hint=lazy("It stays on record and is used by nothing from now on. What rested on it is withdrawn."),
        ),
        "confirm": Action(
            lazy("Release a held result"),
            lazy("It is right: release it"),
            Permit.RELEASE,
            plain(forms.ReasonForm),
            lambda target, form, at, by: flow.confirm(target.row.pk, reason=form.cleaned_data["reason"], at=at, by=by),
            hint=lazy("It counts from now on, on its own date. If it is wrong, mark it as entered in error instead."),
        ),
    },
)
