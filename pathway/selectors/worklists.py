"""What waits for a role at a site: tasks by due date, decisions, alerts, results to check.

Due and overdue are one function of two dates, written once here for Python and once for SQL; a test
holds the two equal. Nothing of it is stored. All dates are local days of the site.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, CharField, Count, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pathway import access, actor, errors
from pathway.actor import Service
from pathway.engine.definitions import Vocabulary
from pathway.engine.schedule import local_day
from pathway.models import (
    Alert,
    AlertStatus,
    CareTask,
    Intervention,
    Membership,
    Observation,
    ObservationStatus,
    Patient,
    Proposal,
    ProposalStatus,
    Site,
    User,
)
from pathway.selectors import definitions, equipment, reasons, shown
from pathway.vocabulary import COORDINATOR, NO_CARE, Role, Severity

PAGE = 50
SOON_DAYS = 14

OVERDUE, SOON, UPCOMING = "overdue", "soon", "upcoming"
TITLES = {
    OVERDUE: gettext_lazy("Overdue"),
    SOON: gettext_lazy("Due within 14 days"),
    UPCOMING: gettext_lazy("Upcoming"),
}
MOST_URGENT_FIRST = {Severity.URGENT: 0, Severity.WARNING: 1, Severity.INFO: 2}


# due and overdue


def timeliness(due_on: date, today: date) -> str:
    """overdue: the due day has passed; soon: due today or within 14 days; upcoming: later."""
    if due_on < today:
        return OVERDUE
    return SOON if due_on <= today + timedelta(days=SOON_DAYS) else UPCOMING


def timeliness_in_sql(today: date, column: str = "due_on") -> Case:
    """The same as an expression over a column."""
    return Case(
        When(**{f"{column}__lt": today}, then=Value(OVERDUE)),
        When(**{f"{column}__lte": today + timedelta(days=SOON_DAYS)}, then=Value(SOON)),
        default=Value(UPCOMING),
        output_field=CharField(),
    )


def lateness(due_on: date, today: date) -> str:
    """In words: 12 days late, today, in 3 days."""
    away = (due_on - today).days
    if away == 0:
        return _("today")
    if away < 0:
        return _("%(days)s late") % {"days": shown.days(-away)}
    return _("in %(days)s") % {"days": shown.days(away)}


# what is on the page


@dataclass(frozen=True, slots=True)
class Desk:
    """One role of the user at one site: whose worklist is shown."""

    site: Site
    role: str

    @property
    def title(self) -> str:
        return f"{Role(self.role).label}, {self.site.name}"

    @property
    def sees_all_roles(self) -> bool:
        return self.role == COORDINATOR


@dataclass(frozen=True, slots=True)
class Line:
    """One row of any list, ready to be shown."""

    pk: int
    patient: str
    identifier: str
    birth: str
    uuid: UUID
    title: str
    when: str
    detail: str = ""
    why: str = ""
    severity: str = ""
    owner: str = ""
    revision: int = 0
    marks: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    activity: str = ""  # of a task that a recorded result completes by itself
    track: str = ""  # of a decision about a stage
    role: str = ""  # of a task: whose it is
    assignee: int | None = None  # of a task: the one person whom it was given to


@dataclass(frozen=True, slots=True)
class Group:
    code: str
    title: str
    count: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Worklist:
    desk: Desk
    today: str
    groups: Sequence[Group]
    decisions: Sequence[Line]
    alerts: Sequence[Line]
    held: Sequence[Line]
    reviews: Sequence[Line]  # of equipment, due within 14 days or overdue
    counts: dict[str, int]
    next: str  # the key after which the next page begins; empty on the last
    is_first_page: bool
    patient_pks: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preparing:
    """Patients of a demo clinic that are there, and how many there will be."""

    present: int
    planned: int


def desks(user: User) -> list[Desk]:
    """The clinical roles of a user, site by site."""
    rows = Membership.objects.filter(user=user, is_active=True).exclude(role__in=NO_CARE)
    return [Desk(row.site, row.role) for row in rows.select_related("site").order_by("site__name", "role")]


def preparing(site: Site) -> Preparing | None:
    """How far a demo clinic is; None for a real site, and once all of its patients are there."""
    if not site.is_demo or not site.demo_patients:
        return None
    with actor.acting(actor.service(Service.DELIVER)), transaction.atomic():  # of all, whoever asks how far it is
        present = Patient.objects.unscoped("count of the demo clinic").filter(site=site).count()
    return Preparing(present, site.demo_patients) if present < site.demo_patients else None


@actor.listing()
def worklist(user: User, desk: Desk, at: datetime, *, after: str = "") -> Worklist:
    """The page of a role. Raises NotFound for a key that no page has handed out."""
    today, vocabulary = local_day(at, desk.site.time_zone), definitions.vocabulary()
    visible = access.patients(user, at).filter(site=desk.site)
    mine = CareTask.objects.live().filter(enrollment__patient__in=visible)
    if not desk.sees_all_roles:
        mine = mine.filter(Q(owner=desk.role) | Q(assignee=user.pk))
    tasks = list(_page(mine, after))
    rest, tasks = tasks[PAGE:], tasks[:PAGE]
    counts = {**dict.fromkeys(TITLES, 0), **_counts(mine, today)}
    decisions, alerts, held = _decisions(visible, desk), _alerts(visible), _held(visible)
    only = None if desk.sees_all_roles else equipment.concern_of(desk.role)
    reviews = equipment.due(visible, today + timedelta(days=SOON_DAYS), PAGE + 1, only)
    seen = {row.pk for row in [*_patients_of(tasks), *_patients_of(decisions), *_patients_of(alerts)]}
    return Worklist(
        desk=desk,
        today=shown.day(today),
        groups=_groups(tasks, today, counts, vocabulary),
        decisions=[_decision_line(row, today, vocabulary) for row in decisions[:PAGE]],
        alerts=[_alert_line(row, today) for row in alerts[:PAGE]],
        held=[_held_line(row) for row in held[:PAGE]],
        reviews=[_review_line(row, today) for row in reviews[:PAGE]],
        # One more than a page was asked for: more than 50 is shown as "50 and more".
        counts=counts
        | {"decisions": len(decisions), "alerts": len(alerts), "held": len(held), "reviews": len(reviews)},
        next=_key(tasks[-1]) if rest else "",
        is_first_page=not after,
        patient_pks=sorted(seen | {row.patient_id for row in held} | {row.patient_id for row in reviews}),
    )


# tasks


def _page(tasks: QuerySet[CareTask], after: str) -> QuerySet[CareTask]:
    """From the key on, one more than a page holds, to know whether there is another."""
    if after:
        due, pk = _read_key(after)
        tasks = tasks.filter(Q(due_on__gt=due) | Q(due_on=due, pk__gt=pk))
    found = tasks.select_related(
        "enrollment__patient", "activity", "row__first_stage", "row__last_stage", "asked_by_plan__kind", "assignee"
    ).prefetch_related("grounds__episode__rule")
    return found.order_by("due_on", "pk")[: PAGE + 1]


def _key(task: CareTask) -> str:
    return f"{task.due_on.isoformat()}.{task.pk}"


def _read_key(key: str) -> tuple[date, int]:
    day, _point, pk = key.partition(".")
    try:
        return date.fromisoformat(day), int(pk)
    except ValueError as error:
        raise errors.NotFound("not-found", "There is nothing here") from error


def _counts(tasks: QuerySet[CareTask], today: date) -> dict[str, int]:
    found = tasks.annotate(timeliness=timeliness_in_sql(today)).values("timeliness").annotate(count=Count("pk"))
    return dict(found.order_by().values_list("timeliness", "count"))


def _groups(tasks: Sequence[CareTask], today: date, counts: dict[str, int], vocabulary: Vocabulary) -> list[Group]:
    by_code: dict[str, list[Line]] = {code: [] for code in TITLES}
    for task in tasks:
        by_code[timeliness(task.due_on, today)].append(task_line(task, today, vocabulary))
    return [Group(code, str(TITLES[code]), counts[code], lines) for code, lines in by_code.items()]


def task_line(task: CareTask, today: date, vocabulary: Vocabulary) -> Line:
    known = vocabulary.activities.get(task.activity_id)
    return _line(
        task,
        task.enrollment.patient,
        title=f"{task.activity.title} {task.label}".strip(),
        when=shown.day(task.due_on),
        detail=lateness(task.due_on, today),
        why="; ".join(reasons.of_task(task)),
        owner=Role(task.owner).label + (f" ({task.assignee.display_name})" if task.assignee else ""),
        severity=timeliness(task.due_on, today),
        marks=tuple(_marks(task, today)),
        activity=task.activity_id if known is not None and known.completed_by else "",
        role=task.owner,
        assignee=task.assignee_id,
    )


def _marks(task: CareTask, today: date) -> Iterable[str]:
    if task.enrollment.status == "on-hold":
        yield _("on hold")
    if task.snoozed_until is not None and task.snoozed_until > today:
        yield _("snoozed until %(day)s") % {"day": shown.day(task.snoozed_until)}
    if task.window_opens_on is not None and task.window_opens_on > today:
        yield _("window opens on %(day)s") % {"day": shown.day(task.window_opens_on)}


# decisions, alerts, results to check


def _decisions(visible: QuerySet[Patient], desk: Desk) -> list[Proposal]:
    """What the role decides about; the patient's page shows the others' too."""
    tracks = [track for track in ("", *access.DECIDERS) if access.decides([Role(desk.role)], track)]
    rows = Proposal.objects.filter(enrollment__patient__in=visible, status=ProposalStatus.OPEN, track__in=tracks)
    return list(
        rows.select_related("enrollment__patient", "stage__track")
        .prefetch_related(*reasons.EVIDENCE_OF_PROPOSALS)
        .order_by("opened_on", "pk")[: PAGE + 1]
    )


def _alerts(visible: QuerySet[Patient]) -> list[Alert]:
    """Urgent ones first, then the oldest; what shadow rule sets found is never shown."""
    rank = Case(*(When(severity=code, then=Value(n)) for code, n in MOST_URGENT_FIRST.items()), default=Value(9))
    rows = Alert.objects.filter(
        enrollment__patient__in=visible, status=AlertStatus.OPEN, episode__is_shadow=False
    ).annotate(rank=Coalesce(rank, Value(9)))
    return list(
        rows.select_related("enrollment__patient", "episode__rule")
        .prefetch_related(*reasons.EVIDENCE_OF_ALERTS)
        .order_by("rank", "raised_on", "pk")[: PAGE + 1]
    )


def _held(visible: QuerySet[Patient]) -> list[Observation]:
    rows = Observation.objects.filter(patient__in=visible, status=ObservationStatus.HELD)
    return list(
        rows.select_related("patient", "kind").prefetch_related("items").order_by("recorded_at", "pk")[: PAGE + 1]
    )


def _decision_line(row: Proposal, today: date, vocabulary: Vocabulary) -> Line:
    evidence = reasons.of_proposal(row)
    return _line(
        row,
        row.enrollment.patient,
        title=proposal_title(row, vocabulary),
        when=shown.day(row.opened_on),
        detail=_age(row.opened_on, today),
        why="; ".join(dict.fromkeys(one.title for one in evidence)),
        track=row.track,
        evidence=tuple(text for one in evidence for text in one.values),
    )


def _alert_line(row: Alert, today: date) -> Line:
    why = reasons.of_episode(row.episode)
    return _line(
        row,
        row.enrollment.patient,
        title=why.title,
        when=shown.day(row.raised_on),
        detail=_age(row.raised_on, today),
        severity=row.severity,
        marks=(_("no longer met"),) if row.no_longer_met else (),
        evidence=why.values,
    )


def _held_line(row: Observation) -> Line:
    return Line(
        pk=row.pk,
        **_who(row.patient),
        title=f"{row.kind.title}: {shown.observation(row)}",
        when=shown.day(row.effective_on),
        detail=held_for(row),
        severity=row.held_for,
    )


def _review_line(row: Intervention, today: date) -> Line:
    assert row.review_on is not None  # by the selection
    return Line(
        pk=row.pk,
        **_who(row.patient),
        title=row.kind.title,
        when=shown.day(row.review_on),
        detail=lateness(row.review_on, today),
        severity=timeliness(row.review_on, today),
    )


def held_for(row: Observation) -> str:
    known = {
        "unit-mixup": _("looks like pounds for kilograms, or the other way round"),
        "after-death": _("dated after the recorded death"),
    }
    return known.get(row.held_for, shown.words(row.held_for))


def proposal_title(row: Proposal, vocabulary: Vocabulary) -> str:
    """The question that is asked."""
    if row.stage is not None:
        return _("%(track)s: move to %(stage)s") % {"track": row.stage.track.title, "stage": row.stage.title}
    known = vocabulary.proposals.get(row.code)
    return known.title if known else shown.words(row.code)


def _age(since: date, today: date) -> str:
    waited = (today - since).days
    return _("since today") if waited <= 0 else _("for %(days)s") % {"days": shown.days(waited)}


def _line(row: Any, patient: Patient, **texts: Any) -> Line:
    return Line(pk=row.pk, revision=row.revision, **_who(patient), **texts)


def _who(patient: Patient) -> dict[str, Any]:
    return {
        "patient": str(patient),
        "identifier": patient.identifier,
        "birth": shown.day(patient.birth_date),
        "uuid": patient.uuid,
    }


def _patients_of(rows: Iterable[Any]) -> list[Patient]:
    return [row.enrollment.patient for row in rows]
