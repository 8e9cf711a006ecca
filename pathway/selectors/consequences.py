"""What one action did: every row that was opened, moved or closed at exactly its moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pathway.models import Alert, AuditEvent, CareTask, Enrollment, Observation, Patient, Proposal, QualityFlag, Stay
from pathway.selectors import definitions, patient_pages, shown, worklists

REMEMBERED = {
    "task.moved": "",
    "task.snoozed": gettext_lazy("Task snoozed"),
    "task.reassigned": gettext_lazy("Task given to another role"),
    "enrollment.held": gettext_lazy("On hold: no messages"),
    "enrollment.resumed": gettext_lazy("Resumed: messages go on from tomorrow"),
    "intervention.started": gettext_lazy("Intervention started"),
    "intervention.stopped": gettext_lazy("Intervention stopped"),
    "intervention.review-set": gettext_lazy("Review of equipment set"),
    "education.given": gettext_lazy("Teaching recorded"),
    "education.voided": gettext_lazy("Teaching marked as entered in error"),
    "checklist.answered": gettext_lazy("Checklist answered"),
    "dose.given": gettext_lazy("Dose recorded"),
    "dose.changed": gettext_lazy("Prescribed dose changed"),
    "exercise.prescribed": gettext_lazy("Exercise prescribed"),
    "observation.confirmed": gettext_lazy("Held result released"),
    "patient.died": gettext_lazy("Death recorded: everything has stopped"),
    "patient.death-reversed": gettext_lazy("Death reversed: what it had closed is open again"),
    "care-team.set": gettext_lazy("Care team set"),
}


@dataclass(frozen=True, slots=True)
class Consequence:
    """`kind` orders and colors: alert, proposal, stage, task, flag, fact."""

    kind: str
    text: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` is the moment of the action; `begun` and `ended` are real time around it, which the audit keeps."""

    at: datetime
    begun: datetime
    ended: datetime


def of(patient: Patient, moment: Moment) -> list[Consequence]:
    """Alerts first, as they matter most."""
    at = moment.at
    return [
        *_alerts(patient, at),
        *_proposals(patient, at),
        *_stages(patient, at),
        *_tasks(patient, at),
        *_remembered(patient, moment),
        *_flags(patient, at),
        *_facts(patient, at),
        *_enrollments(patient, at),
    ]


def _alerts(patient: Patient, at: datetime) -> list[Consequence]:
    rows = Alert.objects.filter(enrollment__patient=patient, episode__is_shadow=False)
    rows = rows.filter(Q(raised_at=at) | Q(closed_at=at)).select_related("episode__rule").order_by("pk")
    found = []
    for row in rows:
        title = row.episode.rule.title or row.episode.rule.code
        told = {"title": title, "status": row.get_status_display()}
        text = _("Alert: %(title)s") if row.closed_at is None else _("Alert %(status)s: %(title)s")
        found.append(Consequence("alert", text % told, row.severity if row.closed_at is None else ""))
    return found


def _proposals(patient: Patient, at: datetime) -> list[Consequence]:
    rows = Proposal.objects.filter(enrollment__patient=patient).filter(Q(opened_at=at) | Q(decided_at=at))
    rows = rows.exclude(opened_at=at, status="superseded")  # asked for together with a later stage: never shown
    found, vocabulary = [], definitions.vocabulary()
    for row in rows.select_related("stage__track").order_by("pk"):
        title = worklists.proposal_title(row, vocabulary)
        if row.decided_at is None:
            text = _("Decision asked for: %(title)s") % {"title": title}
        else:
            text = _("Proposal %(status)s: %(title)s") % {"status": row.get_status_display(), "title": title}
        found.append(Consequence("proposal", text))
    return found


def _stages(patient: Patient, at: datetime) -> list[Consequence]:
    rows = Stay.objects.filter(enrollment__patient=patient, entered_at=at, annulled=False)
    return [
        Consequence("stage", _("%(track)s is now: %(stage)s") % {"track": s.stage.track.title, "stage": s.stage.title})
        for s in rows.select_related("stage__track").order_by("pk")
    ]


def _tasks(patient: Patient, at: datetime) -> list[Consequence]:
    rows = CareTask.objects.filter(enrollment__patient=patient).filter(Q(opened_at=at) | Q(closed_at=at))
    found = []
    for row in rows.select_related("activity").order_by(F("closed_at").desc(nulls_last=True), "due_on", "pk"):
        told = {"title": f"{row.activity.title} {row.label}".strip(), "status": row.get_status_display()}
        if row.closed_at is not None:
            found.append(Consequence("task", _("Task %(status)s: %(title)s") % told))
        else:
            text = _("New task: %(title)s, due %(day)s") % {**told, "day": shown.day(row.due_on)}
            found.append(Consequence("task", text))
    return found


def _remembered(patient: Patient, moment: Moment) -> list[Consequence]:
    """What leaves no moment of its own in a row; the audit remembers it, in real time."""
    within = {"at__gte": moment.begun, "at__lte": moment.ended}
    events = list(AuditEvent.objects.filter(patient=patient, action__in=REMEMBERED, **within).order_by("pk"))
    tasks = {f"caretask:{task.pk}": task for task in _tasks_of(patient, events)}
    found = []
    for event in events:
        task = tasks.get(event.subject)
        if event.action == "task.moved":
            if task is not None and task.opened_at != moment.at and task.closed_at is None:
                found.append(Consequence("task", _moved(task, event)))
        else:
            about = f": {task.activity.title}" if task is not None else ""
            found.append(Consequence("task" if task else "fact", f"{REMEMBERED[event.action]}{about}"))
    return found


def _tasks_of(patient: Patient, events: Iterable[AuditEvent]) -> Iterable[CareTask]:
    named = [event.subject.partition(":") for event in events]
    pks = [int(pk) for model, _point, pk in named if model == "caretask"]
    yield from CareTask.objects.filter(enrollment__patient=patient, pk__in=pks).select_related("activity")


def _moved(task: CareTask, event: AuditEvent) -> str:
    before = (event.before or {}).get("due", "")
    told = {"title": task.activity.title, "day": shown.day(task.due_on), "before": _day(before)}
    return _("Task moved: %(title)s, due %(day)s instead of %(before)s") % told


def _flags(patient: Patient, at: datetime) -> list[Consequence]:
    rows = QualityFlag.objects.filter(patient=patient, raised_at=at).select_related("observation__kind")
    found = []
    for row in rows.order_by("pk"):
        about = row.observation.kind.title if row.observation is not None else row.detail
        text = _("Please check %(about)s: %(flag)s") % {"about": about, "flag": patient_pages.flag_title(row.code)}
        found.append(Consequence("flag", text, "warning"))
    return found


def _facts(patient: Patient, at: datetime) -> list[Consequence]:
    rows = Observation.objects.filter(patient=patient).filter(Q(recorded_at=at) | Q(voided_at=at))
    found = []
    for row in rows.select_related("kind").prefetch_related("items").order_by("pk"):
        told = {"title": row.kind.title, "value": shown.observation(row), "day": shown.day(row.effective_on)}
        if row.voided_at == at:
            text = _("Entered in error: %(title)s %(value)s, %(day)s")
        elif row.status == "held":
            text = _("Held until somebody has checked it: %(title)s %(value)s, %(day)s")
        else:
            text = _("Recorded: %(title)s %(value)s, %(day)s")
        found.append(Consequence("fact", text % told))
    return found


def _enrollments(patient: Patient, at: datetime) -> list[Consequence]:
    rows = Enrollment.objects.filter(patient=patient).filter(Q(enrolled_at=at) | Q(ended_at=at))
    found = []
    for row in rows.select_related("version__pathway").order_by("pk"):
        title = {"title": row.version.pathway.title, "status": row.get_status_display()}
        text = _("Enrolled: %(title)s") if row.enrolled_at == at else _("%(title)s: %(status)s")
        found.append(Consequence("fact", text % title))
    return found


def _day(text: str) -> str:
    return shown.day(date.fromisoformat(text)) if text else ""
