"""What is written down at a contact: an activity in, the results that it brings out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pathway.demo.courses import Life
from pathway.services.observations import NewObservation

SOURCE = "demo"
LIVER_LIMIT = 40  # U/L

Form = list[NewObservation]


def seen(kind: str, value: object = None, unit: str | None = None, **more: Any) -> NewObservation:
    """A result as a person types it: digits, never a binary number."""
    told = str(value) if isinstance(value, float) else value
    return NewObservation(kind, told, unit, source=SOURCE, **more)


def facts(life: Life) -> Form:
    """What is known of the patient on the first day."""
    day = life.part.enrolled_on
    form = [seen("height", life.growth(day), "cm"), seen("weight", life.weight(day), "kg")]
    if life.part.course.pathway.startswith("sma"):
        return [*form, seen("smn1-confirmed", True), seen("smn2-copies", 3)]
    diagnosis = date.fromordinal(day.toordinal() - life.random.randint(10, 70))
    onset = date.fromordinal(diagnosis.toordinal() - life.random.randint(200, 520))
    site = "bulbar" if life.part.course.pathway == "als-bulbar" else "limb"
    return [
        *form,
        seen("usual-weight", life.usual_weight, "kg", context={"source": "reported"}),
        seen("onset-date", onset),
        seen("diagnosis-date", diagnosis),
        seen("onset-site", site),
    ]


def of(activity: str, life: Life, day: date) -> Form:
    """The results that doing this activity brings; empty for one that a person ticks off."""
    bring = BRINGS.get(activity)
    return [] if bring is None else bring(life, day)


def event(what: str, life: Life) -> Form:
    """Something that happened and was told by phone."""
    if what == "chest-infection":
        antibiotics = "true" if life.random.random() < 0.6 else "false"
        return [seen(what, True, context={"antibiotics": antibiotics})]
    if what == "post-exercise-soreness":
        return [seen(what, 30, "h")]
    return [seen(what, True)]


def _breathing(life: Life, day: date) -> Form:
    symptoms = [seen("respiratory-symptoms", life.symptoms(day))]
    spo2 = [seen("spo2", life.saturation(day), "%", context={"activity": "rest", "oxygen": "room-air"})]
    if life.part.fate == "unable" and life.points("bulbar", day) <= 6:
        reason = "Lips do not close around the mouthpiece"
        tests = [seen(kind, performable=False, reason=reason) for kind in ("fvc-pct", "snip", "mip")]
        return [*symptoms, *spo2, *tests, seen("paco2", life.carbon_dioxide(day), "kPa")]
    tests = [
        seen("fvc-pct", life.fvc(day), "%", context={"posture": "sitting"}),
        seen("snip", life.pressure("sniff", day), "cm[H2O]"),
        seen("mip", life.pressure("pressure", day), "cm[H2O]"),
        seen("pcf", life.cough(day), "L/min"),
    ]
    return [*symptoms, *spo2, *tests]


def _examination(life: Life, day: date) -> Form:
    return [seen("fvc-pct", life.fvc(day), "%"), seen("pcf", life.cough(day), "L/min")]


def _weight(life: Life, day: date) -> Form:
    form = [seen("weight", life.weight(day), "kg")]
    return [seen("height", life.growth(day), "cm"), *form] if life.is_child(day) else form


def _night(life: Life, day: date) -> Form:
    low = max(0.0, (70 - life.level("fvc", day)) / 2)
    minutes = {"minutes-le-88": round(low / 2), "minutes-lt-90": round(low), "recording-minutes": 420}
    return [seen("overnight-oximetry", items={**minutes, "significant": low > 10})]


def _gas(life: Life, day: date) -> Form:
    return [seen("paco2", life.carbon_dioxide(day), "kPa", context={"sample": "capillary"})]


def _ventilation(life: Life, day: date) -> Form:
    since = (day - (life.ventilated_since or day)).days
    hours = min(20.0, max(2.0, 5.5 + since / 60 + life.random.gauss(0, 1.2)))
    return [seen("niv-use", round(hours, 1), "h/d"), *_gas(life, day)]


def _liver(life: Life, day: date) -> Form:
    return [seen("alt", life.liver(day), "U/L", context={"uln": LIVER_LIMIT})]


def _scale(life: Life, day: date) -> Form:
    if life.part.course.pathway == "sma-walker":
        return [seen("hfmse", min(66, 52 + life.random.randint(-2, 2)))]
    return [seen("hfmse", 24 + life.random.randint(-1, 2)), seen("rulm", 21 + life.random.randint(-1, 2))]


def _planning(life: Life, day: date) -> Form:
    status = "offered" if life.month(day) < 5 else life.random.choice(["recorded", "recorded", "declined"])
    return [seen("acp-status", status)]


def _mood(life: Life, day: date) -> Form:
    return [seen("mood-screen", life.random.random() < 0.15), seen("carer-strain", life.random.random() < 0.12)]


def _training(life: Life, day: date) -> Form:
    if life.points("gross", day) < 6 or life.random.random() < 0.5:
        return []
    return [seen("exercise-session", life.random.choice([20, 25, 30, 40]), "min", context={"type": "aerobic"})]


BRINGS: Mapping[str, Callable[[Life, date], Form]] = {
    "weight": _weight,
    "alsfrs-r": lambda life, day: [seen("alsfrs-r", items=life.form(day))],
    "pft-set": _breathing,
    "respiratory-exam": _examination,
    "cough-review": lambda life, day: [seen("pcf", life.cough(day), "L/min")],
    "overnight-study": _night,
    "blood-gas": _gas,
    "niv-download": _ventilation,
    "swallow-screen": lambda life, day: [seen("eat-10", life.swallowing(day))],
    "vfss": lambda life, day: [seen("swallow-unsafe", life.points("bulbar", day) <= 5, context={"method": "vfss"})],
    "alt-riluzole": _liver,
    "alt-repeat": _liver,
    "alt-post-stop": _liver,
    "wbc": lambda life, day: [seen("wbc", round(life.random.uniform(4.5, 9), 1), "10*9/L")],
    "ecas": lambda life, day: [seen("ecas", life.random.randint(96, 124), context={"language": "en"})],
    "motor-scale": _scale,
    "walk-test": lambda life, day: [seen("walk-6min", 320 + life.random.randint(-18, 12), "m")],
    "vitamin-d": lambda life, day: [seen("vitamin-d", life.random.randint(38, 90), "nmol/L")],
    "dexa": lambda life, day: [seen("bone-density-z", round(life.random.uniform(-2.2, -0.4), 1))],
    "spine-xray": lambda life, day: [seen("cobb", life.random.randint(24, 38), "deg")],
    "acp-discussion": _planning,
    "psychosocial-review": _mood,
    "physio-review": _training,
}
