"""Breathing: pressures, capacities, saturation, symptoms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from pathway.engine import symptoms
from pathway.engine.chart import Reader, Reading, Result, Value
from pathway.engine.measures.base import HALF_YEAR, QUARTER, Family, by_sex, days_between, number, only

FAMILY = Family()


@FAMILY.measure(
    "best-pressure",
    "Best inspiratory pressure",
    "the highest of all snip and mip of the newest day that has either",
    "cm[H2O]",
)
def best_pressure(reader: Reader) -> Reading:
    """cm[H2O]; the better of two efforts [M], taken day by day [D]."""
    efforts = _newest_efforts(reader)
    if not efforts:
        return reader.unknown("snip", "mip")
    return reader.reading(max(map(number, efforts)), efforts)


@FAMILY.measure("pressure-cut", "Pressure cut", "65 for male, 55 for female", "cm[H2O]")
def pressure_cut(reader: Reader) -> Reading:
    """cm[H2O] below which a symptom counts [M]."""
    return by_sex(reader, Fraction(65), Fraction(55))


@FAMILY.measure(
    "pressure-fall",
    "Fall of the best pressure",
    "(earlier - newest best-pressure by day) x 91.3125 / days; earlier at least 28 d back",
    "cm[H2O]/3 mo",
    1,
)
def pressure_fall(reader: Reader) -> Reading:
    """cm[H2O] per quarter [M]; two tests of one week are no rate [D]."""
    newest = _newest_efforts(reader)
    if not newest:
        return reader.unknown("snip", "mip")
    last = newest[0].day
    earlier = _of_newest_day([r for r in _efforts(reader) if (last - r.day).days >= 28])
    if not earlier:
        return reader.reading(None, newest, ["snip", "mip"])
    fall = max(map(number, earlier)) - max(map(number, newest))
    return reader.reading(fall * QUARTER / days_between(earlier[0], newest[0]), [*newest, *earlier])


def _efforts(reader: Reader) -> list[Result]:
    return [*reader.usable("snip"), *reader.usable("mip")]


def _newest_efforts(reader: Reader) -> list[Result]:
    efforts = _of_newest_day(_efforts(reader))
    return efforts if all(reader.is_valid(r) for r in efforts) else []


def _of_newest_day(results: Sequence[Result]) -> list[Result]:
    last = max((r.day for r in results), default=date.min)
    return [r for r in results if r.day == last]


@FAMILY.measure(
    "any-symptom",
    "Any respiratory symptom or sign",
    "true if respiratory-symptoms or respiratory-signs is non-empty; false if symptoms were asked and nothing is there",
)
def any_symptom(reader: Reader) -> Reading:
    """Signs alone can show a symptom, never its absence [D]."""
    asked, seen = reader.newest("respiratory-symptoms"), reader.newest("respiratory-signs")
    found = symptoms.symptom_present(_names(asked), _names(seen))
    missing = ["respiratory-symptoms"] if found is None else []
    return reader.reading(found, [*asked.evidence, *seen.evidence], missing)


@FAMILY.measure(
    "sleep-symptom",
    "Symptom of disturbed sleep",
    "respiratory-symptoms contains one of " + ", ".join(sorted(symptoms.SLEEP_SYMPTOMS)),
)
def sleep_symptom(reader: Reader) -> Reading:
    """Of the newest symptom list [M]."""
    return reader.combine(symptoms.sleep_symptom_present, reader.newest("respiratory-symptoms"))


def _names(reading: Reading) -> frozenset[str] | None:
    return reading.value if isinstance(reading.value, frozenset) else None


@FAMILY.measure("spo2-rest", "Oxygen saturation at rest", "newest spo2 with activity rest, oxygen room-air", "%")
def spo2_rest(reader: Reader) -> Reading:
    """Percent; other activities and supplemental oxygen do not count [D]."""
    return reader.newest("spo2", {"activity": "rest", "oxygen": "room-air"})


@FAMILY.measure("spo2-asleep", "Oxygen saturation asleep", "newest spo2 with activity asleep, oxygen room-air", "%")
def spo2_asleep(reader: Reader) -> Reading:
    """Percent [D]."""
    return reader.newest("spo2", {"activity": "asleep", "oxygen": "room-air"})


@FAMILY.measure("spo2-cut", "Saturation cut", "92 if lung-disease else 94", "%")
def spo2_cut(reader: Reader) -> Reading:
    """Percent [M]; lung disease counts as absent until recorded."""
    return reader.combine(lambda diseased: Fraction(92 if diseased else 94), reader.read("lung-disease"))


@FAMILY.measure("vital-capacity", "Vital capacity", "the newer of vc and fvc", "L", 2)
def vital_capacity(reader: Reader) -> Reading:
    """Litres; slow or forced, whichever was measured last [D]."""
    readings = [r for r in (reader.newest("vc"), reader.newest("fvc")) if r.is_known]
    if not readings:
        return reader.unknown("vc", "fvc")
    return max(readings, key=lambda r: (only(r).at, only(r).order))


@FAMILY.measure(
    "fvc-pct-fall",
    "Fall of FVC",
    "(earlier - newest fvc-pct) x 182.625 / days; earlier at least 84 d back",
    "points/6 mo",
    1,
)
def fvc_pct_fall(reader: Reader) -> Reading:
    """Points of percent per half year [D]. Percentages of two reference sets are never compared (facts 3.6)."""
    present = reader.newest("fvc-pct")
    if not present.is_known:
        return present
    newest = only(present)
    old = [r for r in reader.usable("fvc-pct") if days_between(r, newest) >= 84 and _same_reference(r, newest)]
    if not old:
        return reader.reading(None, [newest], ["fvc-pct"])
    earlier = old[-1]
    fall = (number(earlier) - number(newest)) * HALF_YEAR / days_between(earlier, newest)
    return reader.reading(fall, [newest, earlier])


def _same_reference(one: Result, other: Result) -> bool:
    """A percentage that names no reference set is the device's."""
    return len({r.context.get("reference") or "device" for r in (one, other)}) == 1


@FAMILY.measure(
    "supine-drop", "Drop of FVC lying down", "(sitting - supine fvc-pct) x 100 / sitting, both of one day", "%"
)
def supine_drop(reader: Reader) -> Reading:
    """Percent of the sitting value; only if the newest day has both postures, of one reference set (facts 3.6)."""
    sitting, supine = reader.usable("fvc-pct"), reader.usable("fvc-pct", {"posture": "supine"})
    newest = _of_newest_day([*sitting, *supine])
    both = [next((r for r in reversed(group) if r in newest), None) for group in (sitting, supine)]
    upright, lying = both
    if upright is None or lying is None or not reader.is_valid(upright) or not _same_reference(upright, lying):
        return reader.unknown("fvc-pct")
    return reader.reading((number(upright) - number(lying)) * 100 / number(upright), [upright, lying])


def _oximetry(code: str, title: str, item: str, unit: str) -> None:
    @FAMILY.measure(code, title, f"item {item} of the newest overnight-oximetry", unit)
    def take(reader: Reader) -> Reading:
        """One item of the newest recording, as entered."""
        panel = reader.read("overnight-oximetry")
        if not panel.is_known:
            return panel
        value: Value | None = only(panel).items.get(item)
        return reader.reading(value, panel.evidence, () if value is not None else ["overnight-oximetry"])


_oximetry("oximetry-le-88", "Minutes at 88 % or less", "minutes-le-88", "min")
_oximetry("oximetry-lt-90", "Minutes below 90 %", "minutes-lt-90", "min")
_oximetry("oximetry-recorded", "Minutes recorded", "recording-minutes", "min")
_oximetry("oximetry-significant", "Desaturation significant", "significant", "")


@FAMILY.measure("niv-extended", "Hours that count as extended NIV", "16 in sma-non-sitter, else 12", "h/d")
def niv_extended(reader: Reader) -> Reading:
    """Hours a day above which ventilation is extended [V:MPV], [D]."""
    return Reading(Fraction(16 if reader.chart.pathway == "sma-non-sitter" else 12))


# Spirometry: predicted values


@FAMILY.measure(
    "fvc-pred-ecsc",
    "Predicted FVC, ECSC",
    "male 5.76 m - 0.026 a - 4.34; female 4.43 m - 0.026 a - 2.89; 18 to 70 years, 18-25 counts as 25",
    "L",
    2,
    changes_daily=True,
)
def fvc_pred_ecsc(reader: Reader) -> Reading:
    """Litres, ECSC 1993 [V:ECSC], age rule [M] (facts 3.6)."""
    years = reader.age_on(reader.chart.today)
    slope = by_sex(reader, Fraction("5.76"), Fraction("4.43"))
    start = by_sex(reader, Fraction("4.34"), Fraction("2.89"))
    if years is None or not 18 <= years <= 70:
        return reader.unknown(*(["birth-date"] if years is None else []))
    aging = Fraction("0.026") * max(years, 25)
    return reader.combine(lambda cm, per_m, less: per_m * cm / 100 - aging - less, reader.read("height"), slope, start)


@FAMILY.measure(
    "fvc-pred-nhanes3",
    "Predicted FVC, NHANES III",
    "NHANES III, white set: male from 20 a -0.1933 + 0.00064 a - 0.000269 a^2 + 0.00018642 cm^2, under 20 "
    "-0.2584 - 0.20415 a + 0.010133 a^2 + 0.00018642 cm^2; female from 18 a -0.3560 + 0.01870 a - 0.000382 a^2 "
    "+ 0.00014815 cm^2, under 18 -1.2082 + 0.05916 a + 0.00014815 cm^2",
    "L",
    2,
    changes_daily=True,
)
def fvc_pred_nhanes3(reader: Reader) -> Reading:
    """Litres, from 8 years of age [V:NHANES] (facts 3.6)."""
    sex = reader.chart.sex
    years = reader.age_on(reader.chart.today)
    if sex not in ("male", "female"):
        return reader.unknown("sex")
    if years is None or years < 8:
        return reader.unknown(*(["birth-date"] if years is None else []))
    start, linear, square, per_cm2 = _nhanes3(sex, years)
    return reader.combine(
        lambda cm: start + linear * years + square * years * years + per_cm2 * cm * cm, reader.read("height")
    )


def _nhanes3(sex: str, years: int) -> tuple[Fraction, ...]:
    """Constant, per year, per year squared, per cm squared."""
    if sex == "male":
        young = ("-0.2584", "-0.20415", "0.010133", "0.00018642")
        grown = ("-0.1933", "0.00064", "-0.000269", "0.00018642")
        return tuple(map(Fraction, grown if years >= 20 else young))
    young = ("-1.2082", "0.05916", "0", "0.00014815")
    grown = ("-0.3560", "0.01870", "-0.000382", "0.00014815")
    return tuple(map(Fraction, grown if years >= 18 else young))
