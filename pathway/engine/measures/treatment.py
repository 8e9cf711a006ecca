"""Disease-modifying treatment: laboratory limits, doses, courses."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from pathway.engine import units
from pathway.engine.chart import Reader, Reading, Span
from pathway.engine.measures.base import Family, full_months, only
from pathway.engine.schedule import Period

FAMILY = Family()

ONASEMNOGENE = ("onasemnogene-iv", "onasemnogene-it")
ONLY_DOSE = "D1"
LAST_LOADING = {"tofersen": "L3", "nusinersen-eu": "L4", "nusinersen-us": "L4", "nusinersen-high-dose": "L2"}
DAILY_DRUGS = frozenset({"riluzole", "risdiplam", "edaravone-iv", "edaravone-oral"})
SETTLED_AFTER = Period(3, "mo")
STEROID_COURSE = timedelta(days=28)


# liver values as multiples of the laboratory's upper limit


def _times_limit(code: str, of: str, title: str) -> None:
    @FAMILY.measure(code, title, f"newest {of} / its own uln", "x", 2)
    def take(reader: Reader) -> Reading:
        """Multiple of the upper limit that the result itself carries; without one it is unknown."""
        return _multiple(reader, of)


def _multiple(reader: Reader, of: str) -> Reading:
    result = reader.read(of)
    if not result.is_known:
        return result
    limit = units.exact(only(result).context.get("uln") or "0")
    if limit <= 0:
        return reader.reading(None, result.evidence, [of])
    return reader.combine(lambda value: value / limit, result)


_times_limit("alt-x", "alt", "ALT in upper limits")
_times_limit("ast-x", "ast", "AST in upper limits")


# onasemnogene


def _infused_on(reader: Reader) -> date | None:
    """Day of the one dose, by either route."""
    days = [
        dose.day
        for dose in reader.chart.doses
        if dose.code in ONASEMNOGENE and dose.label == ONLY_DOSE and dose.day <= reader.chart.today
    ]
    return max(days, default=None)


def _after_course(code: str, observation: str, measure: str, title: str, unit: str, places: int) -> None:
    formula = f"{measure}, only if the newest {observation} is from day 28 after the infusion or later"

    @FAMILY.measure(code, title, formula, unit, places)
    def take(reader: Reader) -> Reading:
        """Only a result from the end of the steroid course on says whether it may be tapered [V:OA-DHPC]."""
        infused, reading = _infused_on(reader), reader.read(measure)
        if infused is None or not reading.is_known:
            return reader.reading(None, reading.evidence, reading.missing)
        if only(reading).day < infused + STEROID_COURSE:
            return reader.reading(None, reading.evidence, [observation])
        return reading


_after_course("oa-alt-x", "alt", "alt-x", "ALT in upper limits after the steroid course", "x", 2)
_after_course("oa-ast-x", "ast", "ast-x", "AST in upper limits after the steroid course", "x", 2)
_after_course("oa-liver", "liver-unremarkable", "liver-unremarkable", "Liver unremarkable after the course", "", 0)


@FAMILY.measure("oa-given", "Onasemnogene given", "dose D1 of onasemnogene is recorded", changes_daily=True)
def oa_given(reader: Reader) -> Reading:
    """True or false, never unknown."""
    return Reading(_infused_on(reader) is not None)


@FAMILY.measure("oa-tapered", "Steroid taper decided", "oa-taper was accepted", changes_daily=True)
def oa_tapered(reader: Reader) -> Reading:
    """True or false, never unknown."""
    return Reading(any(d.code == "oa-taper" and d.day <= reader.chart.today for d in reader.chart.decisions))


@FAMILY.measure(
    "oa-volume",
    "Onasemnogene volume, intravenous",
    "kg rounded half up to 0.1, raised to the next 0.5 kg, x 5.5 mL, rounded half up to 0.1; 2.6 to 13.5 kg",
    "mL",
    1,
)
def oa_volume(reader: Reader) -> Reading:
    """Millilitres by the weight bands of the label [V:OA-LBL]."""
    return reader.combine(_volume, reader.read("weight"))


def _volume(weight: Fraction) -> Fraction | None:
    if not Fraction("2.6") <= weight <= Fraction("13.5"):
        return None
    tenths = Fraction(units.rounded(weight, 1))
    band = Fraction(-(-tenths * 2 // 1), 2)
    return Fraction(units.rounded(band * Fraction("5.5"), 1))


# which drugs, since when


@FAMILY.measure("any-dmt", "Any disease-modifying drug", "any disease-modifying drug active", changes_daily=True)
def any_dmt(reader: Reader) -> Reading:
    """True or false, never unknown."""
    return Reading(any(reader.is_active(code) for code in reader.catalogue.disease_modifying))


@FAMILY.measure("any-nusinersen", "Any nusinersen", "any nusinersen regimen active", changes_daily=True)
def any_nusinersen(reader: Reader) -> Reading:
    """True or false, never unknown."""
    return Reading(any(reader.is_active(code) for code in reader.catalogue.nusinersen))


def _first_start(reader: Reader) -> date | None:
    drugs, today = reader.catalogue.disease_modifying, reader.chart.today
    return min((s.started for s in reader.chart.spans if s.code in drugs and s.started <= today), default=None)


@FAMILY.measure(
    "dmt-months",
    "Months on treatment",
    "full months since the first start of any disease-modifying drug",
    "mo",
    changes_daily=True,
)
def dmt_months(reader: Reader) -> Reading:
    """Calendar months; a stop does not set them back [D]."""
    first = _first_start(reader)
    return reader.unknown() if first is None else Reading(Fraction(full_months(first, reader.chart.today)))


@FAMILY.measure("days-to-dmt", "Days from diagnosis to treatment", "days from diagnosis-date to the first start", "d")
def days_to_dmt(reader: Reader) -> Reading:
    """Days; negative where the drug came before the diagnosis was written down."""
    first, diagnosed = _first_start(reader), reader.read("diagnosis-date")
    if first is None:
        return reader.reading(None, diagnosed.evidence, diagnosed.missing)
    return reader.combine(lambda day: Fraction((first - day).days), diagnosed)


@FAMILY.measure(
    "loading-complete",
    "Loading complete",
    "an active drug has its last loading dose given; riluzole, risdiplam, edaravone: 3 mo since start; "
    "onasemnogene: 3 mo since D1",
    changes_daily=True,
)
def loading_complete(reader: Reader) -> Reading:
    """True or false, never unknown [D]."""
    active = [span for span in reader.chart.spans if span.is_active_on(reader.chart.today)]
    return Reading(any(_is_loaded(reader, span) for span in active))


def _is_loaded(reader: Reader, span: Span) -> bool:
    today = reader.chart.today
    if span.code in DAILY_DRUGS:
        return SETTLED_AFTER.after(span.started) <= today
    if span.code in ONASEMNOGENE:
        infused = _infused_on(reader)
        return infused is not None and SETTLED_AFTER.after(infused) <= today
    return any(
        dose.code == span.code and dose.label == LAST_LOADING.get(span.code) and span.started <= dose.day <= today
        for dose in reader.chart.doses
    )
