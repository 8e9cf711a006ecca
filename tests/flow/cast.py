"""The few people of these stories, and short ways to ask what is the case for one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pathway import flow
from pathway.models import (
    Alert,
    AuditEvent,
    CareTask,
    Enrollment,
    Judgement,
    Measure,
    Observation,
    Patient,
    Proposal,
    QualityFlag,
    Reminder,
    Stay,
)
from pathway.services.observations import NewObservation
from tests import builders

TALL = builders.result("height", "178", "cm")
EIGHTY = builders.result("usual-weight", "80", "kg")
FULL_FORM = {**{str(n): 4 for n in range(1, 13) if n != 5}, "5a": 4}


def weight(kilograms: str, **more: Any) -> NewObservation:
    return builders.result("weight", kilograms, "kg", **more)


def fvc(percent: str, **more: Any) -> NewObservation:
    return builders.result("fvc-pct", percent, "%", **more)


def eat(score: str, **more: Any) -> NewObservation:
    return builders.result("eat-10", score, **more)


def alt(value: str, **more: Any) -> NewObservation:
    """With an upper limit of 40 U/L."""
    return builders.result("alt", value, "U/L", context={"uln": "40"}, **more)


def form(answers: Mapping[str, int | None] | None = None, **more: Any) -> NewObservation:
    """An ALSFRS-R of 48, but for these answers."""
    return NewObservation("alsfrs-r", items={**FULL_FORM, **(answers or {})}, **more)


@dataclass
class Story:
    """One patient in care. Days count from the enrollment; nobody in particular acts."""

    patient: Patient
    enrollment: Enrollment
    by: Any = field(default=None, repr=False)

    @property
    def pk(self) -> int:
        return self.enrollment.pk

    # what people do

    def record(self, day: int, *facts: NewObservation) -> list[Observation]:
        return flow.record(self.pk, list(facts), at=builders.at(day), by=self.by)

    def weigh(self, day: int, kilograms: str, **more: Any) -> Observation:
        return self.record(day, weight(kilograms, **more))[0]

    def void(self, day: int, row: Observation, replace: NewObservation | None = None) -> list[Observation]:
        return flow.void(row.pk, reason="typed wrongly", replace=replace, at=builders.at(day), by=self.by)

    def complete(self, day: int, activity: str, *, effective: int | None = None) -> None:
        done = None if effective is None else builders.on(effective)
        flow.complete(self.task(activity).pk, effective=done, at=builders.at(day), by=self.by)

    def skip(self, day: int, activity: str, reason: str = "unable") -> None:
        flow.skip(self.task(activity).pk, reason=reason, at=builders.at(day), by=self.by)

    def accept(self, day: int, what: str) -> None:
        flow.accept(self.proposal(what).pk, at=builders.at(day), by=self.by)

    def decline(self, day: int, what: str, *, until: int | None = None) -> None:
        again = None if until is None else builders.on(until)
        flow.decline(self.proposal(what).pk, reason="wishes to wait", until=again, at=builders.at(day), by=self.by)

    def close_alert(self, day: int, key: str) -> None:
        flow.close_alert(self.alert(key).pk, reason="seen", at=builders.at(day), by=self.by)

    def move(self, day: int, track: str, to: str, reason: str = "clinical judgment") -> None:
        flow.move(self.pk, track, to, reason=reason, at=builders.at(day), by=self.by)

    def start(self, day: int, code: str, *, effective: int | None = None, **details: object) -> None:
        begun = None if effective is None else builders.on(effective)
        flow.start(self.pk, code, effective=begun, details=details, at=builders.at(day), by=self.by)

    def stop(self, day: int, code: str) -> None:
        flow.stop(self.pk, code, at=builders.at(day), by=self.by)

    def give(self, day: int, code: str, dose: str) -> None:
        flow.give(self.pk, code, dose=dose, at=builders.at(day), by=self.by)

    def hold(self, day: int) -> None:
        flow.hold(self.pk, reason="abroad", at=builders.at(day), by=self.by)

    def resume(self, day: int) -> None:
        flow.resume(self.pk, at=builders.at(day), by=self.by)

    def withdraw(self, day: int) -> None:
        flow.withdraw(self.pk, reason="moved away", at=builders.at(day), by=self.by)

    def die(self, day: int, *, effective: int | None = None) -> None:
        died = None if effective is None else builders.on(effective)
        flow.record_death(self.pk, effective=died, at=builders.at(day), by=self.by)

    def revive(self, day: int) -> None:
        flow.reverse_death(self.pk, reason="another person", at=builders.at(day), by=self.by)

    def change_pathway(self, day: int, to: str, start: Mapping[str, str] | None = None) -> None:
        """The story goes on with the new enrollment."""
        self.enrollment = flow.change_pathway(
            self.pk, to, reason="clearer now", start=start, at=builders.at(day), by=self.by
        )

    def enroll_again(self, day: int) -> None:
        self.patient.refresh_from_db()
        self.enrollment = builders.enroll(self.patient, moment=builders.at(day))

    def pass_day(self, day: int) -> None:
        flow.pass_day(self.pk, at=builders.at(day))

    def remind(self, day: int) -> int:
        """How many reminders this day writes for the patient."""
        return flow.remind(at=builders.at(day), enrollment_id=self.pk)

    # what is the case

    def task(self, activity: str) -> CareTask:
        return CareTask.objects.live().get(enrollment=self.enrollment, activity=activity)

    def tasks(self) -> dict[str, date]:
        """Due dates of the open tasks."""
        found = CareTask.objects.live().filter(enrollment__patient=self.patient)
        return dict(found.values_list("activity_id", "due_on"))

    def due(self, activity: str) -> date | None:
        return self.tasks().get(activity)

    def closed(self, activity: str) -> list[str]:
        """What became of the earlier tasks of an activity, oldest first."""
        found = CareTask.objects.filter(enrollment__patient=self.patient, activity=activity)
        return list(found.exclude(pk__in=CareTask.objects.live()).order_by("pk").values_list("status", flat=True))

    def alerts(self) -> set[str]:
        """Rules with an open alert."""
        found = Alert.objects.filter(enrollment__patient=self.patient, status="open")
        return set(found.values_list("episode__key", flat=True))

    def alert(self, key: str) -> Alert:
        """The newest one of the rule."""
        return Alert.objects.filter(enrollment__patient=self.patient, episode__key=key).latest("pk")

    def alerts_ever(self, key: str) -> int:
        return Alert.objects.filter(enrollment__patient=self.patient, episode__key=key).count()

    def proposal(self, what: str) -> Proposal:
        """The newest one for a stage or a code."""
        known = Proposal.objects.filter(enrollment__patient=self.patient)
        return (known.filter(code=what) | known.filter(stage__code=what)).latest("pk")

    def proposals(self) -> set[str]:
        """Stages and codes that wait for a decision."""
        found = Proposal.objects.filter(enrollment__patient=self.patient, status="open").select_related("stage")
        return {one.stage.code if one.stage is not None else one.code for one in found}

    def stage(self, track: str) -> str:
        """The present stage of the newest enrollment; empty when the track is closed."""
        stay = Stay.objects.open().filter(enrollment=self.enrollment, track=track).select_related("stage").first()
        return stay.stage.code if stay else ""

    def flags(self) -> set[str]:
        return set(QualityFlag.objects.filter(patient=self.patient).values_list("code", flat=True))

    def measure(self, code: str) -> Measure | None:
        return Measure.objects.filter(patient=self.patient, kind=code).first()

    def verdict(self, code: str) -> str:
        return Judgement.objects.get(enrollment=self.enrollment, rule__code=code).verdict

    def reminders(self) -> int:
        return Reminder.objects.filter(task__enrollment__patient=self.patient).count()

    def told(self, action: str) -> int:
        """How many rows the audit has of this."""
        return AuditEvent.objects.filter(patient=self.patient, action=action).count()


def story(
    *facts: NewObservation,
    pathway: str = "als-limb",
    start: Mapping[str, str] | None = None,
    rule_sets: Sequence[str] = builders.RULE_SETS,
    **columns: Any,
) -> Story:
    """A woman of 60 on a pathway, of whom no more is known than these facts; columns are those of a patient."""
    patient = builders.patient(builders.site(rule_sets=rule_sets), **columns)
    return Story(patient, builders.enroll(patient, pathway, start=start, facts=facts))


def well_known(*facts: NewObservation, **more: Any) -> Story:
    """178 cm, once 80 kg."""
    return story(TALL, EIGHTY, *facts, **more)


def infant(*facts: NewObservation) -> Story:
    """Five months old with confirmed SMA, a non-sitter."""
    confirmed = builders.result("smn1-confirmed", True)
    born = builders.on() - timedelta(days=150)
    return story(confirmed, weight("6.3"), *facts, pathway="sma-non-sitter", birth_date=born)
