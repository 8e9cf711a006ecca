"""A case: one enrollment under its lock, with the definitions that hold for it and the moment that counts.

Every flow begins by taking a case; the lock on the enrollment row is the first line of defence
against two people acting on one patient at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar, cast

from pathway import errors
from pathway.engine import definitions as engine_definitions
from pathway.engine import schedule
from pathway.engine.chart import Chart, Reader, Result
from pathway.engine.measures import TAKE_ALL
from pathway.engine.rules import Judge
from pathway.models import CareTask, Enrollment, Intervention, Observation, Patient, Proposal, Site, Stay, User
from pathway.selectors import charts, definitions, site_activities, texts, working_days

T = TypeVar("T")


@dataclass(eq=False)
class Case:
    """`at` is frozen once; `today` is its local day at the site. `by` is None when the server acts.

    What is read is kept until `changed` says that something of its kind was written; the open
    tasks and the proposals are kept in step by the services that change them.
    """

    enrollment: Enrollment
    patient: Patient
    site: Site
    at: datetime
    today: date
    by: User | None
    release: int
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)
    _facts_are_new: bool = False
    was_on_hold: bool = False  # when this flow ended the enrollment

    # definitions

    @cached_property
    def vocabulary(self) -> engine_definitions.Vocabulary:
        return definitions.vocabulary(self.release)

    @cached_property
    def expressions(self) -> definitions.Expressions:
        return definitions.vocabulary_expressions(self.release)

    @cached_property
    def version(self) -> definitions.Version:
        return definitions.version(self.enrollment.version_id, self.release)

    @cached_property
    def rules(self) -> definitions.SiteRules:
        return definitions.site_rules(definitions.uses_of(self.site.pk), self.release)

    @property
    def pathway(self) -> str:
        return self.version.record.code

    @property
    def is_dead(self) -> bool:
        return self.patient.died_on is not None

    # what the site does otherwise

    @cached_property
    def own_activities(self) -> Mapping[str, site_activities.Own]:
        return site_activities.of_site(self.site.pk)

    def rungs(self, activity: str) -> tuple[engine_definitions.Rung, ...]:
        """The ladder that the activity has at this site."""
        return site_activities.rungs_of(self.own_activities, self.vocabulary, activity)

    def moves_days(self, activity: str) -> bool:
        """Whether due days of the activity may be others here than those that were reckoned."""
        return site_activities.shift_of(self.own_activities, self.vocabulary, activity) != "none"

    def shifted(self, activity: str, day: date, first: date | None = None, last: date | None = None) -> date:
        """The due day, off a day without clinic where the site wants that; not out of its window, nor into the past."""
        rule = site_activities.shift_of(self.own_activities, self.vocabulary, activity)
        if rule == "none":
            return day
        if day >= self.today:
            first = self.today if first is None else max(first, self.today)
        return schedule.shifted(day, rule, working_days.calendar_of(self.site), first=first, last=last)

    # facts

    def chart(self) -> Chart:
        """What is known now."""
        return self._keep("chart", self._chart)

    def changed(self, *parts: str) -> None:
        """Something was written: results, stays, spans, doses, decisions or done (none named: all of them)."""
        self._facts_are_new = self._facts_are_new or not parts or bool(FACTS & set(parts))
        self._drop(*(parts or PARTS))

    def learned(self, new: Iterable[tuple[Observation, Mapping[str, Fraction | bool | None]]]) -> None:
        """Results just stored join those read before, without reading them all again."""
        self._facts_are_new = True
        known: dict[str, list[Result]] | None = self._kept.get("results")
        self._drop()
        if known is None:
            return
        for row, items in new:
            if row.status == "final":
                found = known.setdefault(row.kind_id, [])
                found.append(charts.result_of(row, self.vocabulary.catalogue, items))
                found.sort(key=lambda result: (result.at, result.order))

    def are_facts_new(self) -> bool:
        """Whether facts were written since it was last asked."""
        new, self._facts_are_new = self._facts_are_new, False
        return new

    def moved(self, stay: Stay) -> None:
        """The open stay of its track is this one now."""
        self.stays[stay.track] = stay
        self._drop()

    def reader(self, *, last_known: bool = False) -> Reader:
        """Readings of the present chart, each taken once."""
        name = "last known reader" if last_known else "reader"
        return self._keep(name, lambda: self.reader_of(self.chart(), last_known=last_known))

    def reader_of(self, chart: Chart, *, last_known: bool = False) -> Reader:
        """Readings of another chart of the same patient, such as that of an earlier day."""
        return Reader(chart, self.vocabulary.catalogue, TAKE_ALL, last_known=last_known)

    @property
    def judge(self) -> Judge:
        """Judges every rule of the site once, on the present chart."""
        return self._keep("judge", lambda: Judge(self.reader(), self.rules.compiled, self.pathway))

    @property
    def stays(self) -> dict[str, Stay]:
        """The open stay of each track."""
        return self._keep("stays", lambda: charts.open_stays(self.enrollment.pk, self.version.stages_by_pk))

    @property
    def hand_completions(self) -> dict[str, tuple[date, ...]]:
        """Days of completions and skips by hand since care began, per activity."""
        return self._keep("done", lambda: charts.by_hand(self.patient.pk, self.enrollment.care_since))

    def rank(self, track: str) -> int:
        """The number of the present stage; -1 for a track that the pathway lacks."""
        stay = self.stays.get(track)
        return stay.stage.rank if stay else -1

    def doses_of(self, intervention_id: int) -> list[tuple[str, date]]:
        """Label and day of every dose given in one course."""
        return charts.doses_of(intervention_id)

    @property
    def running(self) -> list[Intervention]:
        """Interventions that were not stopped, those planned ahead among them."""
        return [row for row in self._interventions if row.stopped_on is None]

    # open work

    @cached_property
    def tasks(self) -> dict[str, CareTask]:
        """The open task of each activity."""
        live = "WHERE enrollment_id = %s AND status IN ('open', 'in-progress')"
        return {task.activity_id: task for task in texts.instances(CareTask, live, [self.enrollment.pk])}

    @cached_property
    def proposals(self) -> list[Proposal]:
        """Open and superseded proposals, and declined ones that ask again; oldest first."""
        waiting = "status IN ('open', 'superseded') OR (status = 'declined' AND until IS NOT NULL)"
        found = texts.instances(Proposal, f"WHERE enrollment_id = %s AND ({waiting}) ORDER BY id", [self.enrollment.pk])
        for proposal in found:
            if proposal.stage_id in self.version.stages_by_pk:
                proposal.stage = self.version.stages_by_pk[proposal.stage_id]
        return found

    def forget_open_work(self) -> None:
        """Read the open tasks and proposals again."""
        self.__dict__.pop("tasks", None)
        self.__dict__.pop("proposals", None)

    # time

    def local_day(self, moment: datetime) -> date:
        return schedule.local_day(moment, self.site.time_zone)

    def noon(self, day: date) -> datetime:
        return schedule.noon(day, self.site.time_zone)

    def check_ahead(self, day: date, field: str) -> None:
        """Raises InvalidEntry for a day so far ahead that it must be a slip."""
        if schedule.is_too_far(day, self.today):
            raise errors.InvalidEntry("implausible", f"The day lies more than {schedule.FURTHEST} ahead", field)

    # how it is kept

    def _drop(self, *parts: str) -> None:
        for part in (*parts, *DERIVED):
            self._kept.pop(part, None)

    def _keep(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._kept:
            self._kept[name] = make()
        return cast(T, self._kept[name])

    @property
    def _interventions(self) -> list[Intervention]:
        return self._keep("spans", lambda: charts.interventions(self.patient.pk))

    def _chart(self) -> Chart:
        catalogue, patient = self.vocabulary.catalogue, self.patient.pk
        return Chart(
            today=self.today,
            sex=self.patient.sex,
            birth_date=self.patient.birth_date,
            pathway=self.pathway,
            stages={track: stay.stage.code for track, stay in self.stays.items()},
            results=self._keep("results", lambda: charts.results(patient, catalogue, until=self.today)),
            spans=charts.spans(self._interventions),
            doses=self._keep("doses", lambda: charts.doses(patient) if self._interventions else ()),
            decisions=self._keep("decisions", lambda: charts.LazySequence(lambda: charts.decisions(patient))),
            completed=self._keep("completed", lambda: charts.LazySet(lambda: charts.completed(patient))),
        )


PARTS = ("results", "stays", "spans", "doses", "decisions", "done", "completed")
FACTS = {"results", "spans", "doses", "decisions"}
DERIVED = ("chart", "reader", "last known reader", "judge")


def lock_newest(patient_id: int, *, at: datetime, by: User | None) -> Case:
    """The case of the patient's newest enrollment, also when another came while waiting for the lock."""
    newest = Enrollment.objects.filter(patient=patient_id).order_by("-pk").values_list("pk", flat=True)
    pk = newest.first()
    while pk is not None:
        case = lock(pk, at=at, by=by)
        pk = newest.first()
        if pk == case.enrollment.pk:
            return case
    raise errors.NotFound("not-found", "The patient is on no pathway")


def lock(enrollment_id: int, *, at: datetime, by: User | None) -> Case:
    """The case with its enrollment row locked. Raises NotFound."""
    return _locked("e.id = %s", enrollment_id, "enrollment", at, by)


def lock_for_proposal(proposal_id: int, *, at: datetime, by: User | None) -> Case:
    """The case of the enrollment that a proposal belongs to. Raises NotFound."""
    which = "e.id = (SELECT enrollment_id FROM pathway_proposal WHERE id = %s)"
    return _locked(which, proposal_id, "proposal", at, by)


# A case has no names: what judges may not read them.
NAMES = ("given_name", "family_name")
# The patient's row is locked too: after a wait PostgreSQL reads again only what it locks, and a death is written there.
_LOCK = f"""
SELECT {texts.columns(Enrollment, "e")}, {texts.columns(Patient, "p", but=NAMES)}, {texts.columns(Site, "s")},
       (SELECT max(id) FROM pathway_release)
FROM pathway_enrollment e
JOIN pathway_patient p ON p.id = e.patient_id
JOIN pathway_site s ON s.id = p.site_id
WHERE {{which}}
FOR NO KEY UPDATE OF e, p
"""


def _locked(which: str, pk: int, what: str, at: datetime, by: User | None) -> Case:
    found = texts.rows(_LOCK.format(which=which), [pk])
    if not found:
        raise errors.NotFound("not-found", f"There is no such {what}")
    row = found[0]
    width, second = len(Enrollment._meta.concrete_fields), len(Patient._meta.concrete_fields) - len(NAMES)
    enrollment, patient = texts.made(Enrollment, row), texts.made(Patient, row[width:], but=NAMES)
    site = texts.made(Site, row[width + second :])
    enrollment.patient, patient.site = patient, site
    release = row[-1] or definitions.release_id()  # which says that nothing is loaded
    return Case(enrollment, patient, site, at, schedule.local_day(at, site.time_zone), by, release)
