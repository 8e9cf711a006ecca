"""How an imported patient fared, visit by visit, as the server sees it: what is unknown stays `?`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from pathway.engine import units
from pathway.engine.catalogue import Catalogue
from pathway.engine.chart import Chart, Reader
from pathway.engine.measures import REGISTRY, TAKE_ALL
from pathway.engine.tables.visits import Story
from pathway.models import Alert, Enrollment, Intervention, Proposal, QualityFlag
from pathway.selectors import charts

UNKNOWN = "?"
TOTAL, SLOPE, KINGS, MITOS = "alsfrs-total", "fs-slope", "kings", "mitos"
KINGS_REASONS = {"A": "kings-a", "B": "kings-b"}
MOST = Fraction(4)


@dataclass(frozen=True, slots=True)
class VisitLine:
    """One day on which the patient was seen. `slope` is in points lost per month since the visit before."""

    day: date
    total: str
    slope: str
    kings: str
    mitos: str
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """One patient: the visits, and what the river made of them, each line with its day."""

    identifier: str
    pathway: str
    visits: Sequence[VisitLine]
    alerts: Sequence[str]
    proposals: Sequence[str]
    flags: Sequence[str]


def of(story: Story, enrollment: Enrollment, catalogue: Catalogue) -> History:
    """Read from what is stored, so that a second import shows the same."""
    return History(
        identifier=story.identifier,
        pathway=enrollment.version.pathway.code,
        visits=_visit_lines(story, enrollment, catalogue),
        alerts=_alerts(enrollment),
        proposals=_proposals(enrollment),
        flags=_flags(enrollment),
    )


def _visit_lines(story: Story, enrollment: Enrollment, catalogue: Catalogue) -> list[VisitLine]:
    started = list(Intervention.objects.filter(patient=enrollment.patient).order_by("started_on", "pk"))
    unclear = {visit.day: visit.unclear for visit in story.visits}
    found = charts.results(enrollment.patient_id, catalogue, until=max(unclear, default=date.max), whole=True)
    lines = []
    for day in unclear:
        known = {code: [one for one in rows if one.day <= day] for code, rows in found.items()}
        chart = Chart(today=day, birth_date=enrollment.patient.birth_date, results=known)
        reader = Reader(chart, catalogue, TAKE_ALL)
        remarks = [f"{row.kind_id} started" for row in started if row.started_on == day]
        remarks += [f"{column} not stated" for column in unclear[day]]
        lines.append(
            VisitLine(
                day,
                _shown(reader, TOTAL),
                _shown(reader, SLOPE),
                _kings(reader),
                _shown(reader, MITOS),
                ", ".join(remarks),
            )
        )
    return lines


def _shown(reader: Reader, code: str) -> str:
    """The measure of a form of this very day."""
    reading = reader.read(code)
    if not isinstance(reading.value, Fraction) or not reading.evidence:
        return UNKNOWN
    if reading.evidence[0].day != reader.chart.today:
        return UNKNOWN
    return f"{units.rounded(reading.value, REGISTRY[code].places):f}"


def _kings(reader: Reader) -> str:
    """With what makes it 4: A for nutrition, B for breathing."""
    shown = _shown(reader, KINGS)
    if shown == UNKNOWN or reader.read(KINGS).value != MOST:
        return shown
    return shown + "".join(letter for letter, code in KINGS_REASONS.items() if reader.read(code).value is True)


def _alerts(enrollment: Enrollment) -> list[str]:
    found = Alert.objects.filter(enrollment=enrollment).select_related("episode__rule").order_by("raised_at", "pk")
    return [
        f"{alert.raised_on}  {alert.severity:<8} {alert.episode.key}: {alert.episode.rule.title}"
        + ("" if alert.status == "open" else f" ({alert.get_status_display()})")
        + (" (no longer met)" if alert.no_longer_met else "")
        for alert in found
    ]


def _proposals(enrollment: Enrollment) -> list[str]:
    found = Proposal.objects.filter(enrollment=enrollment).select_related("stage").order_by("opened_at", "pk")
    return [f"{one.opened_on}  {one} ({one.get_status_display()})" for one in found]


def _flags(enrollment: Enrollment) -> list[str]:
    found = QualityFlag.objects.filter(patient=enrollment.patient).order_by("raised_at", "pk")
    return [f"{flag.raised_on}  {flag.code} {flag.detail}".rstrip() for flag in found]
