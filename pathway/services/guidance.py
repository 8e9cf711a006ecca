"""Guidance becomes rows. What is not shipped any more is retired: what was taught by it stays readable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pathway.engine import guidance as engine
from pathway.models import ChecklistItem, InfoText, Policy, Restriction, Statement, StatementLink, Topic


def load(guidance: engine.Guidance) -> list[str]:
    """Store what is new or changed, and tell it: `8 education topics loaded`. A second time changes nothing."""
    lines = [
        *_store(Topic, (_topic(one) for one in guidance.topics.values())),
        *_store(ChecklistItem, (_item(one) for one in guidance.checklist.values())),
        *_store(Restriction, (_restriction(one) for one in guidance.restrictions.values())),
        *_store(InfoText, (_text(one) for one in guidance.texts.values())),
        *_store(Policy, (Policy(**_guided(one)) for one in guidance.policies.values())),
        *_store(Statement, (_statement(n, one) for n, one in enumerate(guidance.statements.values()))),
    ]
    return lines + _store_links(guidance.statements.values())


def _store(model: Any, wanted: Iterable[Any]) -> list[str]:
    """Insert what is new, update what differs, retire what is gone."""
    fields = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    before = {row.pk: row for row in model.objects.all()}
    rows = {row.pk: row for row in wanted}
    changed = [row for pk, row in rows.items() if pk not in before or _differs(row, before[pk], fields)]
    gone = [pk for pk, row in before.items() if pk not in rows and not row.is_retired]
    if changed:
        columns = [field.name for field in model._meta.concrete_fields if not field.primary_key]
        model.objects.bulk_create(changed, update_conflicts=True, unique_fields=["code"], update_fields=columns)
    if gone:
        model.objects.filter(pk__in=gone).update(is_retired=True)
    name = model._meta.verbose_name_plural
    told = [(len(changed), "loaded"), (len(gone), "retired")]
    return [f"{name}: {count} {what}" for count, what in told if count]


def _differs(row: Any, other: Any, fields: Sequence[str]) -> bool:
    return any(getattr(row, field) != getattr(other, field) for field in fields)


def _store_links(statements: Iterable[engine.Statement]) -> list[str]:
    wanted = {
        (one.code, position, link.kind, link.code, link.where)
        for one in statements
        for position, link in enumerate(one.implemented_by)
    }
    if wanted == set(StatementLink.objects.values_list("statement", "position", "kind", "code", "where")):
        return []
    StatementLink.objects.all().delete()
    StatementLink.objects.bulk_create(
        StatementLink(statement_id=statement, position=position, kind=kind, code=code, where=where)
        for statement, position, kind, code, where in sorted(wanted)
    )
    return [f"what implements the statements: {len(wanted)} links loaded"]


# rows


def _statement(position: int, one: engine.Statement) -> Statement:
    return Statement(
        code=one.code,
        position=position,
        short=one.short,
        text=one.text,
        classes=list(one.classes),
        owners=list(one.owners),
        mark=one.mark,
        source=one.source,
        review_by=one.review_by,
        doubt=one.doubt,
        qualification=one.qualification,
    )


def _topic(one: engine.Topic) -> Topic:
    return Topic(title=one.title, owners=list(one.owners), qualification=one.qualification, **_guided(one))


def _item(one: engine.ChecklistItem) -> ChecklistItem:
    return ChecklistItem(owners=list(one.owners), **_guided(one))


def _restriction(one: engine.Restriction) -> Restriction:
    return Restriction(
        effect=one.effect,
        types=list(one.types),
        loads=list(one.loads),
        least_rest_days=one.least_rest_days,
        check_item_id=one.check or None,
        **_guided(one),
    )


def _text(one: engine.Info) -> InfoText:
    return InfoText(audience=one.audience, as_of=one.as_of, qualification=one.qualification, **_guided(one))


def _guided(one: Any) -> dict[str, Any]:
    """The columns that topics, items, restrictions, texts and policies share."""
    return {
        "code": one.code,
        "text": one.text,
        "mark": one.mark,
        "where": one.where.text,
        "pathways": list(one.where.pathways),
        "tracks": list(one.where.tracks),
        "stages": list(one.where.stages),
        "activities": list(one.where.activities),
        "interventions": list(one.where.interventions),
        "situations": list(one.where.situations),
    }
