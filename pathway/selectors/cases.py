"""A case: one enrollment under its lock, with the definitions that hold for it and the moment that counts.

Every flow begins by taking a case; the lock on the enrollment row is the first line of defence
against two people acting on one patient at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from pathway import errors
from pathway.engine import definitions as engine_definitions
from pathway.engine import rules, schedule
from pathway.engine.chart import Chart, Reader
from pathway.engine.measures import TAKE_ALL
from pathway.models import Administration, Enrollment, Patient, Site, Stay, User
from pathway.selectors import charts, definitions


@dataclass(eq=False)
class Case:
    """`at` is frozen once; `today` is its local day at the site. `by` is None when the server acts."""

    enrollment: Enrollment
    patient: Patient
    site: Site
    at: datetime
    today: date
    by: User | None
    hand_completions: dict[str, tuple[date, ...]] | None = field(default=None, repr=False)
    _chart: Chart | None = field(default=None, repr=False)

    @cached_property
    def vocabulary(self) -> engine_definitions.Vocabulary:
        return definitions.vocabulary()

    @cached_property
    def version(self) -> definitions.Version:
        return definitions.version(self.enrollment.version_id)

    @cached_property
    def rules(self) -> definitions.SiteRules:
        return definitions.site_rules(self.site.pk)

    @property
    def pathway(self) -> str:
        return self.version.record.code

    @property
    def is_dead(self) -> bool:
        return self.patient.died_on is not None

    def chart(self) -> Chart:
        """What is known now; read once, until `changed` says that something was written."""
        if self._chart is None:
            self._chart = charts.load(
                self.patient, self.enrollment, self.pathway, self.vocabulary.catalogue, self.today
            )
        return self._chart

    def changed(self) -> None:
        """Something that rules may read was written: look again."""
        self._chart = self.hand_completions = None
        self.__dict__.pop("judge", None)
        self.__dict__.pop("judge_reader", None)
        self.__dict__.pop("stays", None)

    def reader(self, *, last_known: bool = False) -> Reader:
        return self.reader_of(self.chart(), last_known=last_known)

    def reader_of(self, chart: Chart, *, last_known: bool = False) -> Reader:
        """Readings of another chart of the same patient, such as that of an earlier day."""
        return Reader(chart, self.vocabulary.catalogue, TAKE_ALL, last_known=last_known)

    @cached_property
    def judge(self) -> rules.Judge:
        """Judges every rule of the site once, on the present chart."""
        return rules.Judge(self.judge_reader, self.rules.compiled, self.pathway)

    @cached_property
    def judge_reader(self) -> Reader:
        """The readings that the judge takes: each once."""
        return self.reader()

    @cached_property
    def stays(self) -> dict[str, Stay]:
        """The open stay of each track."""
        found = Stay.objects.open().filter(enrollment=self.enrollment).select_related("stage")
        return {stay.track: stay for stay in found}

    def rank(self, track: str) -> int:
        """The number of the present stage; -1 for a track that the pathway lacks."""
        stay = self.stays.get(track)
        return stay.stage.rank if stay else -1

    def doses_of(self, intervention_id: int) -> list[tuple[str, date]]:
        """Label and day of every dose given in one course."""
        rows = Administration.objects.filter(intervention=intervention_id).order_by("given_on", "pk")
        return list(rows.values_list("label", "given_on"))

    def local_day(self, moment: datetime) -> date:
        return schedule.local_day(moment, self.site.time_zone)

    def noon(self, day: date) -> datetime:
        return schedule.noon(day, self.site.time_zone)


def lock(enrollment_id: int, *, at: datetime, by: User | None) -> Case:
    """The case with its enrollment row locked. Raises NotFound."""
    found: Any = (
        Enrollment.objects.select_for_update(of=("self",))
        .select_related("patient__site")
        .filter(pk=enrollment_id)
        .first()
    )
    if found is None:
        raise errors.NotFound("not-found", "There is no such enrollment")
    site = found.patient.site
    return Case(found, found.patient, site, at, schedule.local_day(at, site.time_zone), by)
