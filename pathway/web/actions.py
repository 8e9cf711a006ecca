"""What can be done to a row or to an enrollment: for each a title, a permit, a form, and the call to flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from pathway import access, errors, flow
from pathway.access import Permit
from pathway.selectors import cases, choices, shown, worklists
from pathway.selectors.cases import Case
from pathway.web import forms
from pathway.web.forms import PlainForm


@dataclass(slots=True)
class Target:
    """What is acted on. `key` is a code in the address (a track, an intervention) where there is one."""

    patient: access.Subject
    row: Any
    case: Case
    title: str
    key: str = ""

    @property
    def revision(self) -> int:
        return int(getattr(self.row, "revision", 0))


Act = Callable[[Target, PlainForm, datetime, access.Person], object]
MakeForm = Callable[[Target, dict[str, Any]], PlainForm]


@dataclass(frozen=True, slots=True)
class Action:
    """`is_grave`: the button says so by its color."""

    title: Any
    button: Any
    permit: Permit
    make_form: MakeForm
    act: Act
    is_grave: bool = False
    hint: Any = ""


def plain(form_class: type[PlainForm]) -> MakeForm:
    """A form that needs nothing from the patient but the day."""

    def make(target: Target, given: dict[str, Any]) -> PlainForm:
        return form_class(initial=forms.today_for(form_class, target.case.today), **given)

    return make


@dataclass(frozen=True)
class Noun:
    """A kind of row: how it is found by one user, what it is called, what can be done to it."""

    find: Callable[[access.Person, int, datetime], Any]
    enrollment_of: Callable[[Any], Any]
    title: Callable[[Any, Case], str]
    state: Callable[[Any, Case], str]
    actions: Mapping[str, Action] = field(default_factory=dict)


def check_revision(noun: Noun, target: Target, seen: str, at: datetime, by: access.Person) -> None:
    """Under the lock of the enrollment: the row is still what the person saw, else Conflict saying what it is now."""
    cases.lock(target.case.enrollment.pk, at=at, by=by)
    target.row.refresh_from_db()
    if hasattr(target.row, "revision") and seen != str(target.row.revision):
        now = noun.state(target.row, target.case)
        reason = _("Someone was faster, and nothing of yours was stored. Now: %(state)s") % {"state": now}
        raise errors.Conflict("not-allowed", reason)


# proposals, tasks, alerts, observations


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
        ),
    },
)

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
            plain(forms.CompleteForm),
            lambda target, form, at, by: flow.complete(
                target.row.pk,
                effective=form.cleaned_data["effective"],
                outcome=form.cleaned_data["outcome"],
                at=at,
                by=by,
            ),
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


# the enrollment as a whole


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

NOUNS: Mapping[str, Noun] = {
    "proposals": PROPOSALS,
    "tasks": TASKS,
    "alerts": ALERTS,
    "observations": OBSERVATIONS,
    "enrollments": ENROLLMENTS,
    "parts": PARTS,
}


def part_title(case: Case, key: str) -> str:
    """What a key of an address is called. Raises NotFound for one that the pathway does not know."""
    tracks = {track.code: track.title for track in case.version.tracks}
    if key in tracks:
        return tracks[key]
    kind = case.vocabulary.interventions.get(key)
    if kind is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return kind.title
