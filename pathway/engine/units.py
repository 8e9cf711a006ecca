"""Numbers and units: what was written becomes an exact value in the canonical unit.

All arithmetic is on fractions. Binary floats are refused: 68.4 of 72 kg must be exactly 5 %
less, and no float holds 68.4. Rounding is for display, half up (CONVENTIONS 6).
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from pathway import errors
from pathway.engine.catalogue import Kind

MAX_DIGITS = 40
MAX_EXPONENT = 15
MAX_BITS = 140  # of an integer; a bit more than 40 digits need

_NUMBER = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
_NOT_FINITE = re.compile(r"[+-]?(s?nan|inf|infinity)", re.IGNORECASE)


def exact(number: object, field: str = "value") -> Fraction:
    """The exact value of a number as it was written: digits, one point, perhaps an exponent.

    Raises InvalidEntry: `not-allowed` for what is no number (thousands separators and decimal
    commas included, since "1,250" has two readings), `implausible` for NaN, infinity, more than
    40 digits or a power of ten beyond 15.
    """
    if isinstance(number, Fraction):
        return number
    if isinstance(number, bool) or not isinstance(number, str | int | Decimal):
        raise errors.InvalidEntry("not-allowed", f"A number is needed, as text or exact decimal: {number!r}", field)
    if isinstance(number, int) and number.bit_length() > MAX_BITS:  # Python refuses to print very long ones
        raise errors.InvalidEntry("implausible", f"More than {MAX_DIGITS} digits", field)
    text = str(number).strip()
    if _NOT_FINITE.fullmatch(text):
        raise errors.InvalidEntry("implausible", f"Not a finite number: {text}", field)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise errors.InvalidEntry("not-allowed", f"Not a number (such as 68.4): {text[:MAX_DIGITS]!r}", field)
    return _parsed(match, field)


def _parsed(match: re.Match[str], field: str) -> Fraction:
    sign, mantissa, exponent = match.group(1), match.group(2), match.group(3) or "0"
    if sum(c.isdigit() for c in mantissa) > MAX_DIGITS:
        raise errors.InvalidEntry("implausible", f"More than {MAX_DIGITS} digits", field)
    if len(exponent) > 4 or abs(int(exponent)) > MAX_EXPONENT:
        raise errors.InvalidEntry("implausible", f"A power of ten beyond {MAX_EXPONENT}", field)
    value = Fraction(mantissa) * Fraction(10) ** int(exponent)
    return -value if sign == "-" else value


def canonical(kind: Kind, value: Fraction, unit: str | None) -> Fraction:
    """The value in the kind's canonical unit, by the exact factor of the vocabulary.

    Raises InvalidEntry: `unit-missing`, where the kind needs a unit; `unit-unknown`, where the
    unit is not one of this kind. Pressures that devices send as negative come back positive.
    """
    converted = value * factor(kind, unit)
    return abs(converted) if kind.magnitude_only else converted


def factor(kind: Kind, unit: str | None) -> Fraction:
    """What to multiply an entered value with; raises InvalidEntry as `canonical` does."""
    if not unit:
        if kind.unit_optional:
            return Fraction(1)
        raise errors.InvalidEntry("unit-missing", f"{kind.title} needs a unit: {_accepted(kind)}", "unit")
    if unit not in kind.units:
        raise errors.InvalidEntry("unit-unknown", f"{unit!r} is not a unit of {kind.title}: {_accepted(kind)}", "unit")
    return kind.units[unit]


def rounded(value: Fraction, places: int) -> Decimal:
    """For display and for stored doses: half up, away from zero at the half, exact before that."""
    scaled = abs(value) * Fraction(10) ** places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = tuple(int(digit) for digit in str(whole))
    sign = 1 if value < 0 and whole else 0
    return Decimal((sign, digits, -places))


def _accepted(kind: Kind) -> str:
    return ", ".join(kind.units)
