"""Values, dates and names as people read them. Templates get finished texts and format nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pathway.engine import definitions, units
from pathway.engine.chart import age_in_years
from pathway.models import Observation, Site, User

# UCUM says what is meant without doubt; clinicians write it like this.
PLAIN_UNITS = {
    "[lb_av]": "lb",
    "[in_i]": "in",
    "mm[Hg]": "mmHg",
    "cm[H2O]": "cmH₂O",
    "10*9/L": "10⁹/L",
    "kg/m2": "kg/m²",
    "umol/L": "µmol/L",
    "ukat/L": "µkat/L",
    "deg": "°",
    "a": "years",
    "d": "days",
    "{score}": "points",
    "{Zscore}": "SD",
    "{count}": "",
    "{titre}": "",
}
ITEM_TITLES = {
    "recording-minutes": gettext_lazy("Minutes recorded"),
    "minutes-lt-90": gettext_lazy("Minutes below 90 %"),
    "minutes-le-88": gettext_lazy("Minutes at or below 88 %"),
    "significant": gettext_lazy("Significant desaturation by the reader's judgment"),
}
MAX_SHOWN_PLACES = 4


def day(value: date | None) -> str:
    return date_format(value, "j M Y") if value is not None else ""


def moment(value: datetime | None, site: Site) -> str:
    """Date and time at the site."""
    return date_format(value.astimezone(ZoneInfo(site.time_zone)), "j M Y, H:i") if value is not None else ""


def age(birth_date: date | None, today: date) -> str:
    if birth_date is None:
        return ""
    years = age_in_years(birth_date, today)
    if years >= 2:
        return ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
    months = (today.year - birth_date.year) * 12 + today.month - birth_date.month - (today.day < birth_date.day)
    return ngettext("%(n)d month", "%(n)d months", months) % {"n": months}


def days(count: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", count) % {"n": count}


def person(user: User | None) -> str:
    return user.display_name if user is not None else _("the server")


def unit(code: str) -> str:
    known = PLAIN_UNITS.get(code)
    if known is None:
        # Rates are written around a unit: cm[H2O]/3 mo.
        known = code.replace("cm[H2O]", PLAIN_UNITS["cm[H2O]"]).replace("mm[Hg]", PLAIN_UNITS["mm[Hg]"])
    return known


def number(value: Decimal | Fraction, places: int, unit_code: str = "") -> str:
    """Rounded half up for display only."""
    exact = value if isinstance(value, Fraction) else Fraction(value)
    return f"{units.rounded(exact, places):f} {unit(unit_code)}".strip()


def entered(value: Decimal, unit_code: str) -> str:
    """As it was typed, without the zeros that the column adds."""
    plain = units.rounded(Fraction(value), MAX_SHOWN_PLACES).normalize()
    return f"{plain:f} {unit(unit_code)}".strip()


def reading(value: object, places: int, unit_code: str) -> str:
    """What the engine derived; True and False are answers, not numbers."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Fraction):
        return number(value, places, unit_code)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, frozenset):
        return ", ".join(words(one) for one in sorted(value)) or _("none")
    return words(str(value))


def plain(value: object) -> str:
    """A reading without its unit, two places at most, and no zeros that say nothing."""
    if isinstance(value, Fraction):
        return f"{units.rounded(value, 2).normalize():f}"
    return reading(value, 2, "")


def words(code: str) -> str:
    """A code of the closed lists as words: `daytime-sleepiness` → daytime sleepiness."""
    return code.replace("-", " ").replace("_", " ")


def titles(codes: Iterable[str], vocabulary: definitions.Vocabulary, measures: Mapping[str, str]) -> str:
    """What is missing, by the names that people know."""
    kinds = vocabulary.catalogue.kinds
    named = [kinds[code].title if code in kinds else measures.get(code, words(code)) for code in codes]
    return ", ".join(sorted(dict.fromkeys(named)))


def observation(row: Observation) -> str:
    """The value of one result; for panels its answered items (prefetch `items`)."""
    if not row.performable:
        return _("not performable: %(reason)s") % {"reason": row.text} if row.text else _("not performable")
    if row.entered is not None:
        return entered(row.entered, row.unit)
    if row.members is not None:
        return ", ".join(words(one) for one in row.members) or _("none of the list")
    if row.truth is not None:
        return _("yes") if row.truth else _("no")
    if row.day_value is not None:
        return day(row.day_value)
    if row.text:
        return words(row.text)
    return _panel(row) or _("happened")


def item_title(code: str) -> str:
    return str(ITEM_TITLES.get(code, words(code)))


def context(row: Observation) -> str:
    """Under what circumstances: posture, reference, method …"""
    known = {key: getattr(row, key) for key in ("posture", "assistance", "activity", "oxygen", "reference")}
    if row.antibiotics:
        known["antibiotics"] = _("yes") if row.antibiotics == "true" else _("no")
    if row.uln is not None:
        known["upper limit of normal"] = entered(row.uln, "")
    if row.days is not None:
        known["for"] = days(row.days)
    told = {**known, **{str(key): str(value) for key, value in row.notes.items()}}
    return ", ".join(f"{words(key)}: {words(value)}" for key, value in told.items() if value)


def _panel(row: Observation) -> str:
    items = list(row.items.all())
    if row.kind_id == "alsfrs-r":
        answered = [item.value for item in items if item.value is not None]
        total = sum(answered, Decimal(0))
        if len(answered) == 12:
            return _("total %(total)s of 48") % {"total": f"{total.normalize():f}"}
        return _("%(count)d of 12 items answered, no total") % {"count": len(answered)}
    told = []
    for item in items:
        if item.truth is not None:
            told.append(f"{item_title(item.code)}: {_('yes') if item.truth else _('no')}")
        elif item.value is not None:
            told.append(f"{item_title(item.code)}: {item.value.normalize():f}")
    return ", ".join(told)
