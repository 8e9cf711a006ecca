"""All that one patient's page shows, read with a fixed number of queries and made into finished texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from pathway.engine import schedule
from pathway.models import (
    Alert,
    AlertStatus,
    CareTask,
    CareTeamMember,
    ChecklistAnswer,
    Enrollment,
    Finding,
    MeasureKind,
    Patient,
    Proposal,
    ProposalStatus,
    QualityFlag,
    Reminder,
    Stay,
)
from pathway.selectors import cases, definitions, guidance, latest_values, reasons, shown, treatments, worklists
from pathway.selectors.cases import Case
from pathway.selectors.guidance import PatientGuidance, TextView
from pathway.selectors.latest_values import Missing, Value
from pathway.selectors.reasons import Reason
from pathway.selectors.treatments import Treatments
from pathway.selectors.worklists import Line
from pathway.vocabulary import Role

REMINDERS_SHOWN = 20
FLAGS_SHOWN = 30
EVENTS_SHOWN = 60
CONCERNS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Header:
    """Who it is: two identifiers are on every page about a patient."""

    uuid: UUID
    name: str
    identifier: str
    birth: str
    age: str
    sex: str
    died: str
    site: str
    pathway: str
    since: str
    status: str
    status_title: str
    enrollment_id: int | None
    revision: int

    @property
    def is_dead(self) -> bool:
        return bool(self.died)

    @property
    def is_live(self) -> bool:
        return self.status in ("active", "on-hold")


@dataclass(frozen=True, slots=True)
class StageView:
    code: str
    title: str
    is_present: bool
    is_passed: bool


@dataclass(frozen=True, slots=True)
class TrackView:
    code: str
    title: str
    present: str
    present_code: str
    since: str
    how: str
    stay_id: int
    stages: Sequence[StageView]


@dataclass(frozen=True, slots=True)
class Open:
    """An alert or proposal with its reasons."""

    line: Line
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline, newest first."""

    at: datetime
    day: str
    what: str
    detail: str
    by: str


@dataclass(frozen=True, slots=True)
class PatientPage:
    """All but header and team are empty for a patient who was never enrolled."""

    header: Header
    team: Sequence[str]
    case: Case | None = None
    tracks: Sequence[TrackView] = ()
    decisions: Sequence[Open] = ()
    alerts: Sequence[Open] = ()
    tasks: Sequence[Line] = ()
    held: Sequence[Value] = ()
    values: Sequence[Value] = ()
    measures: Sequence[Value] = ()
    missing: Sequence[Missing] = ()
    flags: Sequence[Event] = ()
    treatments: Treatments | None = None
    guidance: PatientGuidance | None = None
    concerns: Sequence[Event] = ()
    reminders: Sequence[Event] = ()
    timeline: Sequence[Event] = ()

    @property
    def texts(self) -> list[TextView]:
        """What patients may read too."""
        return [one for one in self.guidance.texts if not one.is_staff_only] if self.guidance else []

    @property
    def staff_texts(self) -> list[TextView]:
        return [one for one in self.guidance.texts if one.is_staff_only] if self.guidance else []


def newest_enrollment(patient: Patient) -> Enrollment | None:
    """The live one, or the last one that was."""
    rows = Enrollment.objects.filter(patient=patient).select_related("version__pathway")
    newest: Enrollment | None = rows.order_by("-pk").first()
    return newest


def case_for_reading(patient: Patient, enrollment: Enrollment, at: datetime) -> Case:
    """A case without the lock: for pages, which change nothing."""
    today = schedule.local_day(at, patient.site.time_zone)
    return cases.Case(enrollment, patient, patient.site, at, today, None, definitions.release_id())


def header(patient: Patient, enrollment: Enrollment | None, today: date) -> Header:
    estimated = _("%(day)s (estimated)") if patient.birth_date_is_estimated else "%(day)s"
    return Header(
        uuid=patient.uuid,
        name=str(patient),
        identifier=patient.identifier,
        birth=estimated % {"day": shown.day(patient.birth_date)} if patient.birth_date else _("not known"),
        age=shown.age(patient.birth_date, patient.died_on or today),
        sex=patient.get_sex_display(),
        died=shown.day(patient.died_on),
        site=patient.site.name,
        pathway=enrollment.version.pathway.title if enrollment else "",
        since=shown.day(enrollment.enrolled_on) if enrollment else "",
        status=enrollment.status if enrollment else "",
        status_title=enrollment.get_status_display() if enrollment else "",
        enrollment_id=enrollment.pk if enrollment else None,
        revision=enrollment.revision if enrollment else 0,
    )


def page(patient: Patient, at: datetime) -> PatientPage:
    """The page of a patient that the caller may see."""
    enrollment = newest_enrollment(patient)
    today = schedule.local_day(at, patient.site.time_zone)
    head = header(patient, enrollment, today)
    if enrollment is None:
        return PatientPage(header=head, team=team(patient, at))
    case = case_for_reading(patient, enrollment, at)
    stays = _stays(enrollment)
    values, held = latest_values.values(case)
    return PatientPage(
        header=head,
        case=case,
        tracks=_tracks(case, stays),
        decisions=_decisions(case),
        alerts=_alerts(case),
        tasks=_tasks(case),
        held=held,
        values=values,
        measures=latest_values.measures(case),
        missing=latest_values.missing(case),
        flags=_flags(case),
        treatments=treatments.of(case),
        guidance=guidance.for_patient(case),
        concerns=_concerns(case),
        reminders=_reminders(case),
        timeline=_timeline(case, stays),
        team=team(patient, at),
    )


def team(patient: Patient, at: datetime) -> list[str]:
    rows = CareTeamMember.objects.current(at).filter(patient=patient).select_related("user").order_by("role", "pk")
    return [f"{row.user.display_name} ({Role(row.role).label})" for row in rows]


def measure_titles() -> dict[str, str]:
    return dict(MeasureKind.objects.values_list("code", "title"))


# where the patient is


def _stays(enrollment: Enrollment) -> list[Stay]:
    rows = Stay.objects.filter(enrollment=enrollment, annulled=False)
    return list(rows.select_related("stage__track", "by").order_by("entered_at", "pk"))


def _tracks(case: Case, stays: Iterable[Stay]) -> list[TrackView]:
    present = {stay.track: stay for stay in stays if stay.left_at is None}
    return [_track(track, present[track.code], case) for track in case.version.tracks if track.code in present]


def _track(track: Any, stay: Stay, case: Case) -> TrackView:
    return TrackView(
        code=track.code,
        title=track.title,
        present=stay.stage.title,
        present_code=stay.stage.code,
        since=shown.day(stay.entered_on),
        how=how(stay),
        stay_id=stay.pk,
        stages=[StageView(s.code, s.title, s.code == stay.stage.code, s.rank < stay.stage.rank) for s in track.stages],
    )


def how(stay: Stay) -> str:
    known = {
        "enrollment": _("enrolled"),
        "proposal": _("proposal accepted"),
        "intervention": _("intervention started"),
        "move": _("moved by hand"),
        "death": _("death"),
        "withdrawal": _("withdrawal"),
        "pathway": _("change of pathway"),
    }
    return known.get(stay.how, shown.words(stay.how))


# open items


def _decisions(case: Case) -> list[Open]:
    rows = Proposal.objects.filter(enrollment=case.enrollment, status=ProposalStatus.OPEN)
    rows = rows.select_related("enrollment__patient", "stage__track").prefetch_related(*reasons.EVIDENCE_OF_PROPOSALS)
    found = []
    for row in rows.order_by("opened_on", "pk"):
        title = worklists.proposal_title(row, case.vocabulary)
        line = _line(case, row, title, shown.day(row.opened_on), track=row.track)
        found.append(Open(line, reasons.of_proposal(row)))
    return found


def _alerts(case: Case) -> list[Open]:
    rows = Alert.objects.filter(enrollment=case.enrollment, status=AlertStatus.OPEN, episode__is_shadow=False)
    rows = rows.select_related("episode__rule").prefetch_related(*reasons.EVIDENCE_OF_ALERTS)
    ranked = sorted(rows, key=lambda a: (worklists.MOST_URGENT_FIRST.get(a.severity, 9), a.raised_on, a.pk))
    found = []
    for row in ranked:
        reason = reasons.of_episode(row.episode)
        marks = (_("no longer met"),) if row.no_longer_met else ()
        line = _line(case, row, reason.title, shown.day(row.raised_on), severity=row.severity, marks=marks)
        found.append(Open(line, [reason]))
    return found


def _tasks(case: Case) -> list[Line]:
    rows = CareTask.objects.live().filter(enrollment=case.enrollment)
    rows = rows.select_related(
        "enrollment__patient", "activity", "row__first_stage", "row__last_stage", "asked_by_plan__kind", "assignee"
    ).prefetch_related("grounds__episode__rule")
    return [worklists.task_line(row, case.today, case.vocabulary) for row in rows.order_by("due_on", "pk")]


def _line(case: Case, row: Any, title: str, when: str, **texts: Any) -> Line:
    return Line(
        pk=row.pk,
        patient=str(case.patient),
        identifier=case.patient.identifier,
        birth=shown.day(case.patient.birth_date),
        uuid=case.patient.uuid,
        title=title,
        when=when,
        revision=row.revision,
        **texts,
    )


# what was done and said


def _flags(case: Case) -> list[Event]:
    rows = QualityFlag.objects.filter(patient=case.patient).select_related("observation__kind")
    rows = rows.prefetch_related("observation__items").order_by("-raised_at", "-pk")[:FLAGS_SHOWN]
    found = []
    for row in rows:
        about = row.observation
        what = f"{about.kind.title} {shown.observation(about)}" if about is not None else _flagged(row.detail, case)
        found.append(Event(row.raised_at, shown.day(row.raised_on), flag_title(row.code), what, ""))
    return found


def _flagged(detail: str, case: Case) -> str:
    """What is flagged where it is no result: a dose, told with the title of its intervention, or an exercise."""
    code, _space, dose = detail.partition(" ")
    if code == "exercise":
        return _("Exercise prescription")
    known = case.vocabulary.interventions.get(code)
    return f"{known.title} {dose}" if known is not None else detail


def flag_title(code: str) -> str:
    known = {
        "soft-range": _("outside the usual range"),
        "unit-mixup": _("looks like another unit"),
        "rapid-change": _("rapid change of weight"),
        "bmi-implausible": _("implausible body mass index"),
        "after-death": _("dated after the recorded death"),
        "weight-stale": _("weight is out of date for dosing"),
        "below-20-kg": _("weight under 20 kg on the fixed dose"),
        "uln-missing": _("upper limit of normal is missing"),
        "q3-no-gastrostomy": _("swallowing score low, item 5 as without gastrostomy"),
        "basis-retracted": _("a decision rested on a value that was entered in error"),
        "no-rest-day": _("exercise without a rest day"),
        "interval-short": _("given sooner than the minimum interval"),
    }
    return known.get(code, shown.words(code))


def _reminders(case: Case) -> list[Event]:
    rows = Reminder.objects.filter(task__enrollment__patient=case.patient).select_related("task__activity")
    found = []
    for row in rows.prefetch_related("deliveries").order_by("-created_at", "-pk")[:REMINDERS_SHOWN]:
        sent = [one for one in row.deliveries.all() if one.status == "sent"]
        read = [one for one in sent if one.read_at is not None]
        detail = _("due %(day)s, to %(role)s") % {"day": shown.day(row.due_on), "role": Role(row.to_role).label}
        told = _("sent %(sent)d, read %(read)d") % {"sent": len(sent), "read": len(read)}
        found.append(Event(row.created_at, shown.day(row.on), row.task.activity.title, detail, told))
    return found


def _concerns(case: Case) -> list[Event]:
    """What a checklist found that needs attention; an item that was found fine later is left out."""
    rows = ChecklistAnswer.objects.filter(voided_at=None, task__enrollment__patient=case.patient)
    rows = rows.select_related("item", "task__activity", "recorded_by").order_by("item", "-recorded_at", "-pk")
    newest = [row for row in rows.distinct("item") if row.answer == Finding.CONCERN]
    found = []
    for row in sorted(newest, key=lambda row: (row.recorded_at, row.pk), reverse=True)[:CONCERNS_SHOWN]:
        day = shown.day(case.local_day(row.recorded_at))
        detail = ": ".join(part for part in (row.task.activity.title, row.note) if part)
        found.append(Event(row.recorded_at, day, row.item.text, detail, shown.person(row.recorded_by)))
    return found


# the timeline


def _timeline(case: Case, stays: Iterable[Stay]) -> list[Event]:
    events = [_entered(stay, case) for stay in stays] + _decided(case)
    return sorted(events, key=lambda event: event.at, reverse=True)[:EVENTS_SHOWN]


def _entered(stay: Stay, case: Case) -> Event:
    what = f"{stay.stage.track.title}: {stay.stage.title}"
    detail = ": ".join(part for part in (how(stay), stay.reason if stay.how == "move" else "") if part)
    return Event(stay.entered_at, shown.day(stay.entered_on), what, detail, shown.person(stay.by))


def _decided(case: Case) -> list[Event]:
    rows = Proposal.objects.filter(enrollment=case.enrollment, decided_at__isnull=False)
    rows = rows.select_related("stage__track", "decided_by").order_by("-decided_at", "-pk")[:EVENTS_SHOWN]
    found = []
    for row in rows:
        detail = [row.get_status_display(), row.reason]
        if row.until is not None:
            detail.append(_("asks again on %(day)s") % {"day": shown.day(row.until)})
        if row.basis_retracted:
            detail.append(_("its basis was entered in error"))
        told = ": ".join(part for part in detail if part)
        when = shown.day(row.decided_on)
        assert row.decided_at is not None  # by the filter
        what = worklists.proposal_title(row, case.vocabulary)
        found.append(Event(row.decided_at, when, what, told, shown.person(row.decided_by)))
    return found
