"""One contact with a patient: what is due is done, results are written down, people decide.

Every step is one call of flow, in the name of a person whose role it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from pathway import clock, flow
from pathway.demo import results
from pathway.demo.courses import Life
from pathway.models import (
    LIVE_TASK,
    Alert,
    AlertStatus,
    CareTask,
    Enrollment,
    Observation,
    Proposal,
    ProposalStatus,
    User,
)
from pathway.services.observations import NewObservation
from pathway.vocabulary import COORDINATOR, Role, Severity

AHEAD_DAYS = 14  # what falls due this soon is done at the same contact
OPEN_DAYS = 40  # in the last days before the present some questions wait for an answer
REVIEWED_AFTER = 25  # days: an alert that old has been talked about
POUND = Decimal("0.45359237")  # kg
TUBE_AFTER = 24  # days from the assessment to the placement

STAGE_ROLES: Mapping[str, Role] = {
    "respiratory": Role.RESPIRATORY_PHYSICIAN,
    "cough": Role.RESPIRATORY_PHYSIO,
    "nutrition": Role.DIETITIAN,
    "mobility": Role.PHYSIOTHERAPIST,
    "musculoskeletal": Role.PHYSIOTHERAPIST,
    "bulbar": Role.SPEECH_THERAPIST,
    "treatment": Role.NEUROLOGIST,
    "supportive": Role.PALLIATIVE,
}
EQUIPMENT: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "M1": ("walking-aid", {}),
    "M2": ("wheelchair-manual", {"use": "part-time"}),
    "M3": ("wheelchair-powered", {"use": "full-time"}),
}
REFUSABLE = ("N3", "R3", "gastrostomy-referral")


@dataclass
class Care:
    """A patient under care: the enrollment, the life behind it, the people, and when the story ends.

    `at` is the present of the story; it moves on by a minute with everything that is done.
    """

    enrollment: Enrollment
    life: Life
    team: Mapping[str, User]
    today: date
    at: datetime
    asked_for: dict[str, date] = field(default_factory=dict)  # what the contact arranged for a later day
    misread: int | None = None  # an observation that was entered in error and is not corrected yet

    @property
    def pk(self) -> int:
        return self.enrollment.pk

    @property
    def fate(self) -> str:
        return self.life.part.fate

    def person(self, role: str) -> User:
        """Who acts in that role: the nurse coordinator where the team has nobody else."""
        return self.team.get(role) or self.team[COORDINATOR]

    def chance(self, likely: float) -> bool:
        return self.life.random.random() < likely

    def next_minute(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at

    def tasks(self) -> list[CareTask]:
        return list(CareTask.objects.live().filter(enrollment=self.pk).order_by("due_on", "activity_id"))

    def record(self, form: list[NewObservation], *, role: str = COORDINATOR) -> list[Observation]:
        return flow.record(self.pk, form, at=self.next_minute(), by=self.person(role))


def hold(care: Care, day: date) -> None:
    """What is due is done as far as it comes to it, then people decide."""
    with clock.simulated(care.at):
        keeps = care.life.part.course.keeps
        due = [t for t in care.tasks() if t.due_on <= day + timedelta(days=AHEAD_DAYS) and care.chance(keeps)]
        _write_down(care, due, day)
        for pk in [task.pk for task in due]:
            task = CareTask.objects.live().filter(pk=pk).first()  # a result or another step may have closed it
            if task is not None:
                _do(care, task, day)
        _decide(care, day)
        _close_alerts(care, day)


def _write_down(care: Care, due: list[CareTask], day: date) -> None:
    """All results of the contact as one form; each kind once."""
    form: dict[str, NewObservation] = {}
    for task in due:
        for one in results.of(task.activity_id, care.life, day):
            form.setdefault(one.kind, one)
    if not form:
        return
    wrong = _misread(care, form, day)
    rows = care.record(list(form.values()))
    if wrong is not None:
        care.misread = next(row.pk for row in rows if row.kind_id == wrong)
        care.asked_for["correct"] = day + timedelta(days=2)


def _misread(care: Care, form: dict[str, NewObservation], day: date) -> str | None:
    """Once, a value with two digits the wrong way round or a digit too few."""
    kind = "fvc-pct"
    if care.fate != "misread" or care.misread is not None or care.life.month(day) < 3 or kind not in form:
        return None
    if not form[kind].performable:
        return None
    form[kind] = results.seen(kind, 38, "%", context={"posture": "sitting"})
    return kind


def correct(care: Care, day: date) -> None:
    """The error is found: voided, and replaced by what was measured."""
    if care.misread is None:
        return
    row = Observation.objects.get(pk=care.misread)
    measured = care.life.fvc(row.effective_on)
    new = results.seen(row.kind_id, measured, "%", context={"posture": "sitting"}, effective=row.effective_at)
    by = care.person(Role.RESPIRATORY_PHYSIO)
    flow.void(row.pk, reason="Typing error, checked with the device", at=care.next_minute(), by=by, replace=new)


def weigh_in_pounds(care: Care, day: date) -> None:
    """A weight as the scales at home show it, typed in as kilograms."""
    last = Observation.objects.usable().filter(patient=care.enrollment.patient_id, kind="weight", performable=True)
    row = last.order_by("-effective_at").first()
    if row is None or row.value is None:
        return
    pounds = (row.value / POUND).quantize(Decimal("0.1"))
    rows = care.record([results.seen("weight", pounds, "kg")])
    if care.fate == "pounds-solved":
        care.misread = rows[0].pk
        care.asked_for["solve"] = day + timedelta(days=6)


def solve_pounds(care: Care, day: date) -> None:
    """Somebody asked at home: the scales show pounds."""
    if care.misread is None:
        return
    row = Observation.objects.get(pk=care.misread)
    new = results.seen("weight", row.entered, "[lb_av]", effective=row.effective_at)
    by = care.person(Role.DIETITIAN)
    flow.void(row.pk, reason="The scales show pounds", at=care.next_minute(), by=by, replace=new)


def place_tube(care: Care, day: date) -> None:
    care.life.tube_since = day
    kind = "rig" if care.life.level("fvc", day) < 50 else "peg"
    by = care.person(Role.DIETITIAN)
    flow.start(care.pk, "gastrostomy", details={"type": kind}, at=care.next_minute(), by=by)


# tasks that a person ticks off


def _do(care: Care, task: CareTask, day: date) -> None:
    special = {
        "riluzole-offer": _treat,
        "dmt-decision": _treat,
        "nusinersen-dose": _give,
        "niv-decision": _ventilate,
        "equipment-provision": _equip,
        "gastrostomy-assessment": _assess,
    }.get(task.activity_id)
    if special is not None:
        special(care, task, day)
    elif task.activity_id != "riluzole-stop-decision":  # the proposal decides that
        _complete(care, task)


def _complete(care: Care, task: CareTask, outcome: str = "") -> None:
    by = care.person(task.owner)
    if care.chance(0.03) and not outcome:
        flow.skip(task.pk, reason="declined", at=care.next_minute(), by=by)
    else:
        flow.complete(task.pk, outcome=outcome, at=care.next_minute(), by=by)


def _treat(care: Care, task: CareTask, day: date) -> None:
    drug = care.life.part.course.treatment
    if not drug or not (care.chance(0.85) or care.fate == "liver"):
        _complete(care, task, "declined")
        return
    details = {"dose_mg": "5"} if drug == "risdiplam" else {}
    by = care.person(Role.NEUROLOGIST)
    flow.start(care.pk, drug, details=details, at=care.next_minute(), by=by)


def _give(care: Care, task: CareTask, day: date) -> None:
    drug = care.life.part.course.treatment
    flow.give(care.pk, drug, dose=task.label, at=care.next_minute(), by=care.person(Role.NEUROLOGIST))


def _ventilate(care: Care, task: CareTask, day: date) -> None:
    if care.fate == "refuses":
        _complete(care, task, "declined")
    elif care.chance(0.7):
        care.life.ventilated_since = day
        flow.start(care.pk, "niv", at=care.next_minute(), by=care.person(Role.RESPIRATORY_PHYSICIAN))
    else:
        _complete(care, task, "deferred")


def _equip(care: Care, task: CareTask, day: date) -> None:
    stage = care.enrollment.stays.open().filter(track="mobility").values_list("stage__code", flat=True).first()
    code, details = EQUIPMENT.get(stage or "", ("", {}))
    running = care.enrollment.patient.interventions.filter(stopped_on=None)
    if code and not running.filter(kind=code).exists():
        by = care.person(Role.OCCUPATIONAL_THERAPIST)
        flow.start(care.pk, code, details=details, at=care.next_minute(), by=by)
    task.refresh_from_db()
    if task.status in LIVE_TASK:
        _complete(care, task)


def _assess(care: Care, task: CareTask, day: date) -> None:
    _complete(care, task, "suitable")
    if care.fate != "refuses" and care.life.tube_since is None and care.chance(0.8):
        care.asked_for["tube"] = day + timedelta(days=TUBE_AFTER)


# decisions


def _decide(care: Care, day: date) -> None:
    waits = (care.today - day).days <= OPEN_DAYS
    found = Proposal.objects.filter(enrollment=care.pk).select_related("stage").order_by("opened_at", "pk")
    for proposal in found.filter(status=ProposalStatus.OPEN):
        is_left = care.chance(0.65 if waits else 0.12)
        if proposal.code == "change-pathway" or (is_left and proposal.code != "stop-riluzole"):
            continue
        if Proposal.objects.filter(pk=proposal.pk, status=ProposalStatus.OPEN).exists():  # not superseded meanwhile
            _answer(care, proposal, day)


def _answer(care: Care, proposal: Proposal, day: date) -> None:
    wanted = proposal.code or (proposal.stage.code if proposal.stage else "")
    by = care.person(STAGE_ROLES.get(proposal.track, COORDINATOR))
    if care.fate == "refuses" and wanted in REFUSABLE:
        reason = "The patient has been told of the options and does not want this"
        flow.decline(proposal.pk, reason=reason, at=care.next_minute(), by=by)
    elif not proposal.code and care.chance(0.06):
        until = day + timedelta(days=60)
        reason = "Talked over: not yet, to be asked again"
        flow.decline(proposal.pk, reason=reason, until=until, at=care.next_minute(), by=by)
    else:
        flow.accept(proposal.pk, at=care.next_minute(), by=by)
        if proposal.code == "mi-e":
            flow.start(care.pk, "mi-e", at=care.next_minute(), by=care.person(Role.RESPIRATORY_PHYSIO))


def _close_alerts(care: Care, day: date) -> None:
    found = Alert.objects.filter(enrollment=care.pk, status=AlertStatus.OPEN, episode__is_shadow=False)
    for alert in found.order_by("raised_at", "pk"):
        is_old = (day - alert.raised_on).days >= REVIEWED_AFTER
        if alert.no_longer_met and care.chance(0.85):
            reason = "Settled, seen at the contact"
        elif is_old and care.chance(0.3 if alert.severity == Severity.URGENT else 0.6):
            reason = "Reviewed by the team, plan agreed with the patient"
        else:
            continue
        flow.close_alert(alert.pk, reason=reason, at=care.next_minute(), by=care.person(COORDINATOR))
