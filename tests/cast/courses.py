"""What has happened to each patient of the cast: enough that every table has rows of everybody."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from pathway import flow, office
from pathway.models import (
    Alert,
    CareTask,
    EmergencyGrant,
    EmergencyReason,
    Enrollment,
    Episode,
    LegalHold,
    Merge,
    MergeRow,
    Observation,
    Patient,
    PatientNumber,
    Proposal,
    QualityFlag,
    Site,
    TaskGround,
    Transfer,
    User,
)
from pathway.services.emergencies import Asked
from pathway.services.guidance import Answer
from pathway.vocabulary import Role
from tests import builders
from tests.flow import cast as results


def live_through(patient: Patient, by: User, now: datetime) -> Enrollment:
    """Two pathways, results, decisions, treatment, teaching; some of it entered in error. The last enrollment."""
    first = builders.enroll(patient, "als-bulbar", moment=now - timedelta(days=90))
    moved = now - timedelta(days=80)
    enrollment = flow.change_pathway(first.pk, "als-limb", reason="clearer now", at=moved, by=by)
    _measured(enrollment, by, now)
    _treated(enrollment, by, now)
    _worked(enrollment, by, now)
    _decided(enrollment, by, now)
    return enrollment


def _measured(enrollment: Enrollment, by: User, now: datetime) -> None:
    at = now - timedelta(days=40)
    facts = [
        builders.result("height", "170", "cm"),
        builders.result("usual-weight", "80", "kg"),
        builders.result("weight", "68", "kg"),
        builders.result("fvc-pct", "48", "%"),
        builders.result("sod1", "pathogenic"),
        results.form(),
    ]
    flow.record(enrollment.pk, facts, at=at, by=by)
    cannot = builders.result("pcf", performable=False, reason="could not close the lips")
    flow.record(enrollment.pk, [cannot], at=at + timedelta(days=1), by=by)
    wrong = flow.record(enrollment.pk, [builders.result("eat-10", "9")], at=at + timedelta(days=2), by=by)[0]
    flow.void(wrong.pk, reason="another patient", at=at + timedelta(days=3), by=by)
    pounds = builders.result("weight", "150", "kg")
    flow.record(enrollment.pk, [pounds], at=at + timedelta(days=4), by=by)


def _treated(enrollment: Enrollment, by: User, now: datetime) -> None:
    pk, at = enrollment.pk, now - timedelta(days=30)
    flow.start(pk, "wheelchair-manual", details={"use": "part-time"}, at=at, by=by)
    flow.start(pk, "tofersen", at=at, by=by)
    flow.give(pk, "tofersen", dose="L1", at=at, by=by)
    flow.set_review(pk, "wheelchair-manual", review_on=now.date() + timedelta(days=20), at=at, by=by)
    flow.prescribe(pk, type="aerobic", load="low", minutes=20, rest_days=1, at=at, by=by)
    flow.move(pk, "nutrition", "N2", reason="eats less", at=at, by=by)
    wrong = flow.give_education(pk, "edu-rest", teach_back="understood", note="with his wife", at=at, by=by)
    flow.void_education(pk, wrong.pk, reason="was not there", at=at, by=by)
    flow.give_education(pk, "edu-stay-active", teach_back="understood", note="with her sister", at=at, by=by)


def _worked(enrollment: Enrollment, by: User, now: datetime) -> None:
    at = now - timedelta(days=20)

    def task(activity: str) -> int:
        return CareTask.objects.live().get(enrollment=enrollment, activity=activity).pk

    visit = task("dietitian-review")
    flow.answer_checklist(visit, {"chk-hydration": Answer("concern", "drinks little")}, at=at, by=by)
    flow.answer_checklist(visit, {"chk-hydration": Answer("fine", "drinks now")}, at=at, by=by)
    episode = Episode.objects.filter(enrollment=enrollment).earliest("pk")
    TaskGround.objects.create(task_id=visit, episode=episode)
    flow.snooze(task("physio-review"), until=now.date() + timedelta(days=5), reason="in hospital", at=at, by=by)


def _decided(enrollment: Enrollment, by: User, now: datetime) -> None:
    at = now - timedelta(days=10)
    proposals = list(Proposal.objects.filter(enrollment=enrollment, status="open").order_by("pk"))
    flow.decline(proposals[0].pk, reason="wishes to wait", at=at, by=by)
    alerts = list(Alert.objects.filter(enrollment=enrollment, status="open", episode__is_shadow=False).order_by("pk"))
    flow.close_alert(alerts[0].pk, reason="seen", at=at, by=by)


def open_in_an_emergency(patient: Patient, by: User, at: datetime) -> EmergencyGrant:
    """As people do it: the team has a notice of it."""
    born = patient.birth_date
    asked = Asked(patient.site, patient.identifier, born, EmergencyReason.EMERGENCY, "Brought in unconscious")
    found = office.break_glass(asked, at=at, by=by)
    assert isinstance(found, Patient), found
    return EmergencyGrant.objects.filter(patient=patient, user=by).latest("pk")


def keep_records(patient: Patient, by: User, elsewhere: Site, now: datetime) -> Patient:
    """What becomes of whole records, with a second record of the same person that their coordinator sees, too."""
    twin = builders.patient(patient.site)
    builders.join(twin, by, Role.NURSE_COORDINATOR)
    LegalHold.objects.create(patient=patient, reason="a complaint", placed_by=by, since=now)
    PatientNumber.objects.create(patient=patient, site=patient.site, number="as it was", until=now)
    Transfer.objects.create(
        patient=patient, from_site=patient.site, to_site=elsewhere, number="as offered",
        reason="moves house", offered_by=by, offered_at=now,
    )  # fmt: skip
    merge = Merge.objects.create(
        request=uuid.uuid4(), source=twin, survivor=patient, reason="one person", proposed_by=by, proposed_at=now
    )
    MergeRow.objects.create(merge=merge, table="pathway_patient", row=patient.pk, before={"note": "before"})
    weight = Observation.objects.filter(patient=patient, kind="weight").earliest("pk")
    QualityFlag.objects.create(
        patient=patient, code="basis-retracted", detail="noted", observation=None,
        raised_at=weight.recorded_at, raised_on=weight.effective_on,
    )  # fmt: skip
    return twin
