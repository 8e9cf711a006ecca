"""Guidance: statements with what implements each, topics, checklists, restrictions, texts and policies.

A statement may only name what exists. What implements a statement takes from it its owners, its mark and, if
the statement is doubtful, the qualification that must be shown with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from pathway.engine.content import marks, places
from pathway.engine.content.fields import Fields
from pathway.engine.content.places import Known
from pathway.engine.guidance import (
    EVERYONE,
    KINDS,
    STAFF,
    ChecklistItem,
    Guidance,
    Info,
    Link,
    Policy,
    Restriction,
    Statement,
    Topic,
)

CLASSES = (
    "education",
    "epidemiology",
    "escalation",
    "information",
    "intervention",
    "meta",
    "monitoring",
    "restriction",
    "threshold",
    "treatment",
)
DOUBTS = ("contested", "incomplete", "out-of-date", "unverified")
EFFECTS = ("allow", "check", "flag", "goal", "refuse")
# The files of the folder; the kinds of link that have a place in one of them bring their own `where`.
FILES = ("statements", "education", "checklists", "restrictions", "information", "policies")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Around:
    """What guidance may name. `codes` by kind of link; `rule_sets` and `tracks` by the code of a rule or stage."""

    places: Known
    roles: Collection[str]
    sources: Collection[str]
    codes: Mapping[str, Collection[str]]
    rule_sets: Mapping[str, str]
    tracks: Mapping[str, str]
    statements_of: dict[tuple[str, str], list[Statement]] = field(default_factory=lambda: defaultdict(list))


def guidance(files: Mapping[str, Fields], around: Around) -> Guidance:
    """All of it, from the files named in FILES. Raises ContentError at the first thing that does not fit."""
    listed = {
        "education": files["education"].within("topics"),
        "checklist": files["checklists"].within("items"),
        "restriction": files["restrictions"].within("restrictions"),
        "info": files["information"].within("texts"),
        "policy": files["policies"].within("policies"),
    }
    wheres = {kind: {code: entry.text("where") for code, entry in one.entries()} for kind, one in listed.items()}
    statements = _each(files["statements"].within("statements"), lambda c, e: _statement(c, e, around, wheres))
    for statement in statements.values():
        for link in statement.implemented_by:
            around.statements_of[link.kind, link.code].append(statement)
    found = Guidance(
        statements=statements,
        topics=_each(listed["education"], lambda c, e: _topic(c, e, around)),
        checklist=_each(listed["checklist"], lambda c, e: _checklist_item(c, e, around)),
        restrictions=_each(listed["restriction"], lambda c, e: _restriction(c, e, around, wheres["checklist"])),
        texts=_each(listed["info"], lambda c, e: _info(c, e, around)),
        policies=_each(listed["policy"], lambda c, e: _policy(c, e, around)),
    )
    for file in files.values():
        file.finish()
    return found


def _each(listed: Fields, make: Callable[[str, Fields], T]) -> dict[str, T]:
    found = {}
    for code, entry in listed.entries():
        found[code] = make(code, entry)
        entry.finish()
    return found


# statements


def _statement(code: str, entry: Fields, around: Around, wheres: Mapping[str, Mapping[str, str]]) -> Statement:
    statement = Statement(
        code=code,
        short=entry.text("short"),
        text=entry.text("text"),
        classes=entry.some_of("class", CLASSES, "class"),
        owners=entry.some_of("owners", around.roles, "role"),
        mark=marks.mark(entry, around.sources),
        source=entry.text("source"),
        review_by=_required_day(entry, "review_by"),
        implemented_by=tuple(_link(one, around, wheres) for one in entry.each("implemented_by")),
        doubt=entry.one_of("doubt", DOUBTS, "doubt", ""),
        qualification=entry.text("qualification", ""),
    )
    if not statement.classes:
        raise entry.error("class", "is missing")
    if not statement.implemented_by:
        raise entry.error("implemented_by", "names nothing that implements it")
    if len({(link.kind, link.code) for link in statement.implemented_by}) < len(statement.implemented_by):
        raise entry.error("implemented_by", "names something twice")
    if bool(statement.doubt) != bool(statement.qualification):
        raise entry.error("qualification", "belongs to `doubt`: each is given with the other")
    return statement


def _required_day(entry: Fields, key: str) -> date:
    found = entry.day(key)
    if found is None:
        raise entry.error(key, "is missing")
    return found


def _link(entry: Fields, around: Around, wheres: Mapping[str, Mapping[str, str]]) -> Link:
    """`{rule: NUT-5, where: core}`. For a rule and a stage `where` is its rule set or track, and is checked."""
    kinds = [key for key in entry.keys() if key in KINDS]
    if len(kinds) != 1:
        raise entry.error("", f"names exactly one of {', '.join(KINDS)}")
    kind = kinds[0]
    code = entry.one_of(kind, wheres[kind] if kind in wheres else around.codes[kind], kind)
    if kind in wheres and entry.has("where"):
        raise entry.error("where", f"stands with {code} itself")
    where = wheres[kind][code] if kind in wheres else entry.text("where", "")
    home = {"rule": around.rule_sets, "stage": around.tracks}.get(kind, {}).get(code, where)
    if where != home:
        raise entry.error("where", f"{code} is of {home}, not of {where!r}")
    entry.finish()
    return Link(kind, code, where)


# what implements them


def _named(kind: str, code: str, around: Around) -> tuple[str, ...]:
    return tuple(one.code for one in around.statements_of[kind, code])


def _owners(kind: str, code: str, around: Around) -> tuple[str, ...]:
    return _unique(role for one in around.statements_of[kind, code] for role in one.owners)


def _mark(kind: str, code: str, entry: Fields, around: Around) -> str:
    """Its own, or those of its statements."""
    of_statements = _unique(one.mark for one in around.statements_of[kind, code])
    return marks.mark(entry, around.sources) if entry.has("mark") or not of_statements else ", ".join(of_statements)


def _qualification(kind: str, code: str, around: Around) -> str:
    found = _unique(one.qualification for one in around.statements_of[kind, code] if one.qualification)
    return " ".join(found)


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _topic(code: str, entry: Fields, around: Around) -> Topic:
    return Topic(
        code=code,
        title=entry.text("title"),
        text=entry.text("text"),
        where=places.where(entry, around.places),
        mark=_mark("education", code, entry, around),
        statements=_named("education", code, around),
        owners=_owners("education", code, around),
        qualification=_qualification("education", code, around),
    )


def _checklist_item(code: str, entry: Fields, around: Around) -> ChecklistItem:
    item = ChecklistItem(
        code=code,
        text=entry.text("text"),
        where=places.where(entry, around.places),
        mark=_mark("checklist", code, entry, around),
        statements=_named("checklist", code, around),
        owners=_owners("checklist", code, around),
    )
    if not (item.where.activities or item.where.situations or item.owners):
        raise entry.error("where", "names no activity, and no statement gives the item an owner: nobody would see it")
    return item


def _restriction(code: str, entry: Fields, around: Around, items: Collection[str]) -> Restriction:
    restriction = Restriction(
        code=code,
        text=entry.text("text"),
        where=places.where(entry, around.places),
        effect=entry.one_of("effect", EFFECTS, "effect"),
        mark=_mark("restriction", code, entry, around),
        types=entry.words("types"),
        loads=entry.words("loads"),
        least_rest_days=entry.whole("least_rest_days") if entry.has("least_rest_days") else None,
        check=entry.one_of("check", items, "checklist item", ""),
        statements=_named("restriction", code, around),
        owners=_owners("restriction", code, around),
    )
    _check_effect(entry, restriction)
    return restriction


def _check_effect(entry: Fields, restriction: Restriction) -> None:
    """Each effect says what it is about, and nothing else."""
    told = {
        "types": bool(restriction.types),
        "loads": bool(restriction.loads),
        "least_rest_days": restriction.least_rest_days is not None,
        "check": bool(restriction.check),
    }
    wanted = {
        "refuse": ("types", "loads"),
        "allow": ("types",),
        "flag": ("least_rest_days",),
        "check": ("check",),
        "goal": (),
    }[restriction.effect]
    if wanted and not any(told[key] for key in wanted):
        raise entry.error("effect", f"{restriction.effect} needs {' or '.join(wanted)}")
    for key, is_told in told.items():
        if is_told and key not in wanted:
            raise entry.error(key, f"does not belong to the effect {restriction.effect}")


def _info(code: str, entry: Fields, around: Around) -> Info:
    return Info(
        code=code,
        text=entry.text("text"),
        where=places.where(entry, around.places),
        audience=entry.one_of("audience", (STAFF, EVERYONE), "audience"),
        mark=_mark("info", code, entry, around),
        as_of=entry.day("as_of"),
        statements=_named("info", code, around),
        qualification=_qualification("info", code, around),
    )


def _policy(code: str, entry: Fields, around: Around) -> Policy:
    return Policy(
        code=code,
        text=entry.text("text"),
        where=places.where(entry, around.places),
        mark=_mark("policy", code, entry, around),
        statements=_named("policy", code, around),
    )
