"""Frozen records to plain JSON and back, so that a published definition is stored as it was and compiled again.

Handles what `definitions` and `catalogue` are made of: nested dataclasses, tuples, mappings,
optional values, Fraction, date and frozenset. The type annotations are the schema.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def to_plain(record: Any) -> Any:
    """JSON-ready: fractions as `n/d` text, dates as ISO text; fields left at their default are left out."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        told = [f for f in dataclasses.fields(record) if getattr(record, f.name) != _default(f)]
        return {f.name: to_plain(getattr(record, f.name)) for f in told}
    if isinstance(record, Mapping):
        return {str(key): to_plain(value) for key, value in record.items()}
    if isinstance(record, frozenset):
        return sorted(to_plain(one) for one in record)
    if isinstance(record, tuple | list):
        return [to_plain(one) for one in record]
    if isinstance(record, Fraction):
        return str(record)
    return record.isoformat() if isinstance(record, date) else record


def from_plain(kind: type[T], plain: Any) -> T:
    """The record again. Raises TypeError or KeyError when the text does not fit the record's fields."""
    return typing.cast(T, _build(kind, plain))


def digest(plain: Any) -> str:
    """SHA-256 of the canonical text, hexadecimal."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, plain: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        make = typing.cast(Callable[..., Any], kind)
        return make(**{name: _build(hints[name], value) for name, value in plain.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _build_optional(arguments, plain)
    if origin is tuple:
        return tuple(_build(arguments[0], one) for one in plain)
    if origin is frozenset or kind is frozenset:
        return frozenset(_build(arguments[0], one) for one in plain)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(arguments[1], value) for key, value in plain.items()}
    if kind is Fraction:
        return Fraction(plain)
    return date.fromisoformat(plain) if kind is date and plain is not None else plain


def _build_optional(arguments: tuple[Any, ...], plain: Any) -> Any:
    """`X | None` and `Range | int | None`: a mapping is the record, anything else is itself."""
    if plain is None:
        return None
    records = [one for one in arguments if dataclasses.is_dataclass(one)]
    if isinstance(plain, dict) and records:
        return _build(records[0], plain)
    others = [one for one in arguments if one not in (type(None), int) and not dataclasses.is_dataclass(one)]
    return _build(others[0], plain) if others else plain
