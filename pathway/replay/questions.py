"""Unit cases: single questions to the pure parts, without a patient in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dateutil.relativedelta import relativedelta

from pathway import errors
from pathway.engine import entries, rules, units
from pathway.engine.chart import Chart, Reader, Result, Span
from pathway.engine.definitions import Vocabulary
from pathway.engine.measures import TAKE_ALL
from pathway.engine.schedule import Period
from pathway.replay.expectations import Outcome, compare_value
from pathway.replay.scenarios import Question
from pathway.selectors import definitions

TODAY = date(2025, 6, 16)
DEFAULT_AGE, DEFAULT_SEX, DEFAULT_PATHWAY = 50, "male", "als-limb"


def answer(question: Question) -> Outcome:
    """One question is one expectation."""
    told, expected = question.told, question.told["expect"]
    vocabulary = definitions.vocabulary()
    if "convert" in told:
        return _convert(vocabulary, told["convert"], expected)
    if "add" in told:
        asked: Any = told["add"]
        found = Period.parse(str(asked["period"])).after(asked["date"])
        return Outcome("add", found == expected, str(expected), str(found))
    if "store" in told:
        return _store(vocabulary, told, expected)
    reader = Reader(_chart(vocabulary, told), vocabulary.catalogue, TAKE_ALL)
    if "measure" in told:
        return compare_value(f"measure {told['measure']}", expected, reader.read(str(told["measure"])))
    judge = rules.Judge(reader, definitions.all_rules(), reader.chart.pathway)
    judged = judge.judge(str(told["rule"]))
    return Outcome(f"rule {told['rule']}", judged.verdict.value == expected, str(expected), judged.verdict.value)


def _convert(vocabulary: Vocabulary, asked: Any, expected: Any) -> Outcome:
    kind = vocabulary.catalogue.kinds[str(asked["code"])]
    found = units.canonical(kind, units.exact(asked["value"]), asked.get("unit"))
    return Outcome("convert", found == Fraction(expected), str(expected), str(found))


def _store(vocabulary: Vocabulary, told: Mapping[str, Any], expected: Any) -> Outcome:
    asked = told["store"]
    kind = vocabulary.catalogue.kinds[str(asked["code"])]
    entry = entries.Entry(
        asked.get("value"), asked.get("unit"), dict(asked.get("context") or {}), dict(asked.get("items") or {})
    )
    try:
        entries.check(kind, entry, age=_age(told), today=TODAY)
        found = "ok"
    except errors.Refused as refused:
        found = refused.code
    return Outcome("store", found == expected, str(expected), found)


def _chart(vocabulary: Vocabulary, told: Mapping[str, Any]) -> Chart:
    patient = told.get("patient") or {}
    pathway = str(patient.get("pathway", DEFAULT_PATHWAY))
    record = definitions.version(definitions.published(pathway).pk).record
    return Chart(
        today=TODAY,
        sex=str(patient.get("sex", DEFAULT_SEX)),
        birth_date=TODAY - relativedelta(years=_age(told)),
        pathway=pathway,
        stages={**record.initial, **{str(k): str(v) for k, v in (patient.get("stage") or {}).items()}},
        results=_results(vocabulary, told.get("given") or {}),
        spans=[Span(str(code), TODAY) for code in patient.get("active") or ()],
    )


def _age(told: Mapping[str, Any]) -> int:
    return int((told.get("patient") or {}).get("age", DEFAULT_AGE))


def _results(vocabulary: Vocabulary, given: Mapping[str, Any]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    number = 0
    for code, told in given.items():
        many = told if isinstance(told, list) and any(isinstance(one, dict) for one in told) else [told]
        for one in many:
            number += 1
            found.setdefault(code, []).append(_result(vocabulary, code, one, number))
        found[code].sort(key=lambda result: (result.at, result.order))
    return found


def _result(vocabulary: Vocabulary, code: str, told: Any, number: int) -> Result:
    body = told if isinstance(told, dict) else {"value": told}
    kind = vocabulary.catalogue.kinds[code]
    day = TODAY - timedelta(days=int(body.get("days_ago", 0)))
    unit = body.get("unit") or (kind.unit if kind.type == "quantity" else None)
    value = body.get("value")
    entry = entries.Entry(value, unit, dict(body.get("context") or {}), dict(body.get("items") or {}))
    try:
        checked = entries.check(kind, entry, age=None, today=TODAY)
        canonical, items, context = checked.canonical, checked.items, checked.context
    except errors.Refused:
        # A question may be about a value that no door would take.
        canonical = Fraction(value) if isinstance(value, Decimal) else value
        items, context = {}, {}
    noon = datetime.combine(day, time(12), UTC)
    return Result(number, code, canonical, day, noon, number, context, items)
