"""What is started, stopped, given and prescribed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pathway import audit, errors
from pathway.engine import series, units
from pathway.engine.chart import Dose
from pathway.engine.definitions import Entry
from pathway.engine.definitions import Intervention as Kind
from pathway.models import Administration, ExerciseItem, Intervention
from pathway.selectors import equipment, guidance, offers
from pathway.selectors.cases import Case

# What no restriction of the content lifts (S37, S63; S38, S64).
HARMFUL_TYPES, HARMFUL_LOADS = ("eccentric",), ("high",)
DOSE_PLACES, MOST_MG = 4, 100_000  # what a dose in mg may be at all [D]; rules judge whether it is right
LEAST_REST_DAYS, NO_REST_DAY = 1, "no-rest-day"
REVIEW = "review_on"  # a detail of equipment


def start(case: Case, code: str, *, effective: date, details: Mapping[str, object]) -> Intervention:
    """Begin it, today, earlier, or planned ahead. Raises NotAllowed if it is running already.

    Outside of its licence, or of the conditions under which it is offered, it is stored and marked with the reason.
    """
    kind = kind_of(case, code)
    case.check_ahead(effective, "effective")
    if any(row.kind_id == code for row in case.running):
        raise errors.NotAllowed("not-allowed", f"{kind.title} is running already", "intervention")
    if any(span.code == code and span.stopped and effective < span.stopped for span in case.chart().spans):
        raise errors.NotAllowed("not-allowed", f"{kind.title} was still running on {effective}", "effective")
    if case.patient.birth_date is not None and effective < case.patient.birth_date:
        raise errors.InvalidEntry("implausible", "The day lies before the patient's birth", "effective")
    told = _details(kind, {key: value for key, value in details.items() if key != REVIEW})
    review_on = _review_day(kind, details.get(REVIEW), effective, f"details.{REVIEW}")
    against = offers.reservations(case, code, effective)
    row = Intervention.objects.create(
        patient=case.patient,
        kind_id=code,
        started_on=effective,
        took_effect=effective <= case.today,
        dose_mg=Decimal(told.pop("dose_mg")) if "dose_mg" in told else None,
        extent=told.pop("use", ""),
        details=told,
        review_on=review_on,
        outside_licence=against.outside_licence,
        concerns="\n".join(against.sentences),
        recorded_at=case.at,
        recorded_by=case.by,
    )
    case.changed("spans")
    after: dict[str, object] = {"on": effective.isoformat()}
    if against.sentences:
        after |= {"outside_licence": against.outside_licence, "concerns": list(against.sentences)}
    audit.record("intervention.started", by=case.by, patient=case.patient, subject=row, after=after)
    return row


def set_review(case: Case, code: str, review_on: date | None) -> Intervention:
    """When it is looked at again; None: no day is set. Raises NotAllowed for what has no reviews or is not running."""
    row = running(case, code)
    if review_on is not None:
        case.check_ahead(review_on, REVIEW)
    before, row.review_on = row.review_on, _review_day(kind_of(case, code), review_on, row.started_on, REVIEW)
    row.save(update_fields=["review_on"])
    case.changed("spans")
    days = [{"on": day.isoformat() if day else None} for day in (before, row.review_on)]
    audit.record(
        "intervention.review-set", by=case.by, patient=case.patient, subject=row, before=days[0], after=days[1]
    )
    return row


def stop(case: Case, code: str, *, effective: date, reason: str = "") -> Intervention:
    """End it: from that day on it is not active. Raises NotAllowed when it is not running."""
    row = running(case, code)
    if row.started_on > case.today:
        effective = row.started_on  # a planned start that will not be: never active
    elif effective < row.started_on:
        raise errors.NotAllowed("not-allowed", f"It was started on {row.started_on}", "effective")
    elif effective > case.today:
        raise errors.InvalidEntry("implausible", "The day lies ahead", "effective")
    row.stopped_on = effective
    row.save(update_fields=["stopped_on"])
    case.changed("spans")
    audit.record(
        "intervention.stopped",
        by=case.by,
        patient=case.patient,
        subject=row,
        reason=reason,
        after={"on": effective.isoformat()},
    )
    return row


def take_effect(case: Case) -> list[Intervention]:
    """Planned starts whose day has come."""
    due = [row for row in case.running if not row.took_effect and row.started_on <= case.today]
    for row in due:
        row.took_effect = True
        row.save(update_fields=["took_effect"])
        audit.record("intervention.took-effect", by=case.by, patient=case.patient, subject=row)
    if due:
        case.changed("spans")
    return due


def give(case: Case, code: str, *, label: str, effective: date) -> tuple[Administration, tuple[str, ...]]:
    """One dose. Returns it with the flags it raises. Raises NotAllowed for a dose out of turn."""
    row = running(case, code)
    kind = kind_of(case, code)
    if kind.series is None:
        raise errors.NotAllowed("not-allowed", f"{kind.title} has no doses to record", "dose")
    if effective > case.today:
        raise errors.InvalidEntry("implausible", "The day lies ahead", "effective")
    given = [Dose(code, told, day) for told, day in case.doses_of(row.pk)]
    admission = series.admit(kind.series, row.started_on, given, label, effective)
    before = [one.day for one in case.chart().doses if one.code == code and one.day <= effective]
    is_short = any((effective - day).days < kind.series.minimum_days for day in before)  # also of an earlier course
    dose = Administration.objects.create(
        intervention=row, label=label, given_on=effective, recorded_at=case.at, recorded_by=case.by
    )
    case.changed("doses")
    audit.record("dose.given", by=case.by, patient=case.patient, subject=dose, after={"label": label})
    return dose, tuple(sorted({*admission.flags, *([series.INTERVAL_SHORT] if is_short else [])}))


def prescribe(
    case: Case, *, type: str, load: str, minutes: int | None, rest_days: int | None
) -> tuple[ExerciseItem, tuple[str, ...]]:
    """One item of the exercise prescription, with the flags it raises.

    Raises NotAllowed (`restricted`) for what harms or is not on the list.
    """
    if type in HARMFUL_TYPES or load in HARMFUL_LOADS:
        raise errors.NotAllowed("restricted", "Eccentric work and high loads harm weak muscle", "exercise")
    limits = guidance.exercise_limits()
    if limits.types and type not in limits.types:
        choice = ", ".join(sorted(limits.types))
        raise errors.NotAllowed("restricted", f"The kind of exercise is one of {choice}: {type!r}", "exercise")
    item = ExerciseItem.objects.create(
        patient=case.patient,
        type=type,
        load=load,
        minutes=minutes,
        rest_days=rest_days,
        planned_at=case.at,
        planned_by=case.by,
    )
    audit.record("exercise.prescribed", by=case.by, patient=case.patient, subject=item)
    is_short = rest_days is not None and rest_days < max(LEAST_REST_DAYS, limits.least_rest_days)
    return item, (NO_REST_DAY,) if is_short else ()


def change_dose(case: Case, code: str, dose_mg: Decimal) -> None:
    """The prescribed daily dose from now on."""
    row = running(case, code)
    before, row.dose_mg = row.dose_mg, dose_mg
    row.save(update_fields=["dose_mg"])
    case.changed("spans")
    doses = {"dose_mg": str(before)}, {"dose_mg": str(dose_mg)}
    audit.record("dose.changed", by=case.by, patient=case.patient, subject=row, before=doses[0], after=doses[1])


def running(case: Case, code: str) -> Intervention:
    """Raises NotAllowed when the intervention is not running."""
    row = next((row for row in case.running if row.kind_id == code), None)
    if row is None:
        raise errors.NotAllowed("not-allowed", f"{kind_of(case, code).title} is not running", "intervention")
    return row


def kind_of(case: Case, code: str) -> Kind:
    kind = case.vocabulary.interventions.get(code)
    if kind is None:
        raise errors.NotAllowed("not-allowed", f"There is no intervention {code!r}", "intervention")
    return kind


def entered(case: Case, row: Intervention) -> list[Entry]:
    """The stages that starting it enters, by its details."""
    told = {**row.details, **({"use": row.extent} if row.extent else {})}
    kind = kind_of(case, row.kind_id)
    return [one for one in kind.enters if all(told.get(key) == value for key, value in one.details.items())]


def _review_day(kind: Kind, told: object, started_on: date, where: str) -> date | None:
    if told is None or told == "":
        return None
    if not equipment.has_review(kind):
        raise errors.InvalidEntry("not-allowed", f"{kind.title} has no review of its own", where)
    try:
        day = told if isinstance(told, date) else date.fromisoformat(str(told))
    except ValueError as error:
        raise errors.InvalidEntry("not-allowed", f"The review is a date (2025-01-31): {told!r}", where) from error
    if day < started_on:
        raise errors.InvalidEntry("implausible", "The review lies before the start", where)
    return day


def _details(kind: Kind, details: Mapping[str, object]) -> dict[str, str]:
    told = {}
    for key, value in details.items():
        if key not in kind.details:
            raise errors.InvalidEntry("not-allowed", f"{kind.title} has no detail {key!r}", f"details.{key}")
        allowed = kind.details[key]
        if allowed and str(value) not in allowed:
            choice = ", ".join(allowed)
            raise errors.InvalidEntry("not-allowed", f"{key} is one of {choice}: {value!r}", f"details.{key}")
        told[key] = str(_dose(value)) if key == "dose_mg" else str(value)
    return told


def _dose(value: object) -> Decimal:
    """Milligrams a day, to a tenth of a microgram."""
    dose = units.rounded(units.exact(value, "details.dose_mg"), DOSE_PLACES)
    if not 0 < dose < MOST_MG:
        reason = f"A dose lies above 0 and below {MOST_MG} mg"
        raise errors.InvalidEntry("implausible", reason, "details.dose_mg")
    return dose
