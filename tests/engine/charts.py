"""Short ways to say what a patient's chart holds, and to take a measure from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

from pathway.engine import measures
from pathway.engine.chart import Chart, Reader, Reading, Result, Value
from tests.engine.catalogue import CATALOGUE

TODAY = date(2025, 6, 30)


def on(days_ago: int) -> date:
    return TODAY - timedelta(days=days_ago)


def result(
    kind: str,
    value: Value | int | str | None = None,
    days_ago: int = 0,
    *,
    hour: int = 12,
    order: int = 0,
    context: Mapping[str, str] | None = None,
    items: Mapping[str, int | bool | None] | None = None,
    performable: bool = True,
) -> Result:
    """A result; quantities may be written as int or text. Keys are made by `chart`."""
    if CATALOGUE.kinds[kind].type == "quantity" and isinstance(value, int | str):
        value = Fraction(value)
    day = on(days_ago)
    answers = {
        name: Fraction(a) if isinstance(a, int) and not isinstance(a, bool) else a for name, a in (items or {}).items()
    }
    at = datetime.combine(day, time(hour), UTC)
    return Result(0, kind, value, day, at, order, context or {}, answers, performable)


def chart(results: Iterable[Result] = (), **facts: object) -> Chart:
    """A man of 58 with ALS unless said otherwise; results get their keys and order as given."""
    by_kind: dict[str, list[Result]] = {}
    for number, one in enumerate(results, start=1):
        stored = Result(
            number, one.kind, one.value, one.day, one.at, one.order or number, one.context, one.items, one.performable
        )
        by_kind.setdefault(one.kind, []).append(stored)
    for stored_results in by_kind.values():
        stored_results.sort(key=lambda r: (r.at, r.order))
    settings: dict[str, object] = {
        "today": TODAY,
        "sex": "male",
        "birth_date": date(1967, 3, 2),
        "pathway": "als-limb",
        "results": by_kind,
    }
    return Chart(**{**settings, **facts})  # type: ignore[arg-type]


def reader(results: Iterable[Result] = (), **facts: object) -> Reader:
    return Reader(chart(results, **facts), CATALOGUE, measures.TAKE_ALL)


def reading(code: str, *results: Result, **facts: object) -> Reading:
    return reader(results, **facts).read(code)


def take(code: str, *results: Result, **facts: object) -> Value | None:
    """The value of one measure."""
    return reading(code, *results, **facts).value


FULL_FORM = {**{str(n): 4 for n in range(1, 13) if n != 5}, "5a": 4}


def form(days_ago: int = 0, **answers: int | None) -> Result:
    """An ALSFRS-R of 48, but for the named items: form(q3=2, q5b=4, q5a=None)."""
    items = {**FULL_FORM, **{name.removeprefix("q"): answer for name, answer in answers.items()}}
    return result("alsfrs-r", None, days_ago, items=items)
