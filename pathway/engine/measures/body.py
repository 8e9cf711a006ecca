"""Age, body and nutrition."""

from __future__ import annotations

from fractions import Fraction

from pathway.engine import units
from pathway.engine.chart import Reader, Reading, Value
from pathway.engine.measures.base import MONTH, QUARTER, Family, negated, only, rate

FAMILY = Family()


def _age_today(reader: Reader) -> Reading:
    age = reader.age_on(reader.chart.today)
    return reader.unknown("birth-date") if age is None else Reading(Fraction(age))


@FAMILY.measure("age", "Age on the condition day", "completed years at the condition day", "a", changes_daily=True)
def age(reader: Reader) -> Reading:
    """Taken by itself, the condition day is today; rules put the day of their test in its place (CONVENTIONS 5)."""
    return _age_today(reader)


@FAMILY.measure("age-today", "Age today", "completed years today", "a", changes_daily=True)
def age_today(reader: Reader) -> Reading:
    """For doses, offers and intervals (CONVENTIONS 5)."""
    return _age_today(reader)


@FAMILY.measure("intake-days", "How long the intake has been so", "context days of the newest intake", "d")
def intake_days(reader: Reader) -> Reading:
    """Days, as given with the intake [D]."""
    intake = reader.read("intake")
    if not intake.is_known:
        return intake
    days = only(intake).context.get("days")
    if not days:
        return reader.reading(None, intake.evidence, ["intake"])
    return reader.reading(units.exact(days), intake.evidence)


@FAMILY.measure("bmi", "Body mass index", "weight / (height / 100)^2", "kg/m2", 1)
def bmi(reader: Reader) -> Reading:
    """kg/m2 (facts 3.7)."""
    return reader.combine(_body_mass_index, reader.read("weight"), reader.read("height"))


@FAMILY.measure("usual-bmi", "Usual body mass index", "usual-weight / (height / 100)^2", "kg/m2", 1)
def usual_bmi(reader: Reader) -> Reading:
    """kg/m2, of the weight before the illness."""
    return reader.combine(_body_mass_index, reader.read("usual-weight"), reader.read("height"))


def _body_mass_index(weight: Fraction, height: Fraction) -> Fraction:
    return weight * 10000 / (height * height)


@FAMILY.measure("bmi-loss", "Loss of body mass index", "usual-bmi - bmi", "kg/m2", 1)
def bmi_loss(reader: Reader) -> Reading:
    """kg/m2 below usual [S]; negative = gain."""
    return reader.combine(lambda usual, present: usual - present, reader.read("usual-bmi"), reader.read("bmi"))


@FAMILY.measure(
    "loss-pct", "Weight loss from usual", "(usual-weight - weight) x 100 / usual-weight; negative = gain", "%", 1
)
def loss_pct(reader: Reader) -> Reading:
    """Percent of the usual weight (facts 3.7). Without a usual weight it is unknown, never 0."""
    return reader.combine(
        lambda usual, weight: (usual - weight) * 100 / usual, reader.read("usual-weight"), reader.read("weight")
    )


@FAMILY.measure(
    "weight-change", "Weight change", "(weight - prev(weight)) x 100 / prev(weight); negative = loss", "%", 1
)
def weight_change(reader: Reader) -> Reading:
    """Percent of the weight of an earlier day."""
    return reader.combine(
        lambda weight, earlier: (weight - earlier) * 100 / earlier, reader.read("weight"), reader.previous("weight")
    )


@FAMILY.measure("weight-slope", "Weight slope", "weight-change x 30.4375 / days between the two", "%/mo", 1)
def weight_slope(reader: Reader) -> Reading:
    """Percent per mean month [D]."""
    newest, earlier = reader.read("weight"), reader.previous("weight")
    if not newest.is_known or not earlier.is_known:
        return reader.read("weight-change")
    days = (only(newest).day - only(earlier).day).days
    return reader.combine(lambda percent: percent * MONTH / days, reader.read("weight-change"))


@FAMILY.measure(
    "weight-z-fall",
    "Fall of the weight z-score",
    "(earlier - newest weight-z) x 91.3125 / days; earlier at least 28 d back",
    "/3 mo",
    2,
)
def weight_z_fall(reader: Reader) -> Reading:
    """Z-scores per quarter [D]; positive = fall."""
    return negated(reader, rate(reader, "weight-z", per=QUARTER, at_least_days=28))


@FAMILY.measure(
    "peg-window",
    "Gastrostomy window",
    "fvc-pct >= 60 favourable, >= 50 narrowing, >= 30 raised-risk, else high-risk",
)
def peg_window(reader: Reader) -> Reading:
    """How the breathing bears on the risk of the procedure [V:PEG1], [V:PEG2], [V:AANEFNS], edges [D]."""
    return reader.combine(_window, reader.read("fvc-pct"))


def _window(fvc_pct: Fraction) -> Value:
    if fvc_pct >= 60:
        return "favourable"
    if fvc_pct >= 50:
        return "narrowing"
    return "raised-risk" if fvc_pct >= 30 else "high-risk"


# Harris-Benedict 1919 [M]: constant, per kg, per cm, per year (facts 3.7).
_MALE = (Fraction("66.4730"), Fraction("13.7516"), Fraction("5.0033"), Fraction("6.7550"))
_FEMALE = (Fraction("655.0955"), Fraction("9.5634"), Fraction("1.8496"), Fraction("4.6756"))


@FAMILY.measure(
    "hb",
    "Resting energy, Harris-Benedict",
    "male 66.4730 + 13.7516 kg + 5.0033 cm - 6.7550 a; female 655.0955 + 9.5634 kg + 1.8496 cm - 4.6756 a",
    "kcal/d",
    changes_daily=True,
)
def hb(reader: Reader) -> Reading:
    """kcal/d by the formula of 1919 [M], with the age today."""
    sex = reader.chart.sex
    if sex not in ("male", "female"):
        return reader.unknown("sex")
    start, per_kg, per_cm, per_year = _MALE if sex == "male" else _FEMALE
    return reader.combine(
        lambda weight, height, years: start + per_kg * weight + per_cm * height - per_year * years,
        reader.read("weight"),
        reader.read("height"),
        reader.read("age-today"),
    )


@FAMILY.measure(
    "tdee-als", "Daily energy need in ALS", "hb + 55.96 x alsfrs-6 - 168 (about +-500)", "kcal/d", changes_daily=True
)
def tdee_als(reader: Reader) -> Reading:
    """kcal/d [V:KAS]; not for people ventilated by tracheostomy, whose need it overrates [V:SIIR]."""
    if reader.is_active("tracheostomy-ventilation"):
        return reader.unknown()
    return reader.combine(
        lambda resting, activity: resting + Fraction("55.96") * activity - 168,
        reader.read("hb"),
        reader.read("alsfrs-6"),
    )
