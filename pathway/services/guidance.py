"""Guidance becomes rows, and what was taught and what a checklist found is recorded.

What is not shipped any more is retired: what was taught by it stays readable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pathway import audit, errors
from pathway.engine import guidance as engine
from pathway.models import (
    CareTask,
    ChecklistAnswer,
    ChecklistItem,
    EducationGiven,
    Finding,
    InfoText,
    Policy,
    Restriction,
    Statement,
    StatementLink,
    TaskStatus,
    TeachBack,
    Topic,
)
from pathway.selectors import guidance as guided
from pathway.selectors.cases import Case

ANSWERABLE = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED)
ANSWERED_AGAIN = "answered again"


@dataclass(frozen=True, slots=True)
class Answer:
    """`finding` is one of fine, concern and not-applicable."""

    finding: str
    note: str = ""


# facts


def give_education(case: Case, topic: str, *, effective: date, teach_back: str, note: str) -> EducationGiven:
    """A topic was taught on that day. It may be taught before its stage comes."""
    if not Topic.objects.filter(pk=topic, is_retired=False).exists():
        raise errors.NotAllowed("not-allowed", f"There is no education topic {topic!r}", "topic")
    if teach_back not in TeachBack.values:
        raise errors.InvalidEntry("not-allowed", f"It is one of {', '.join(TeachBack.values)}", "teach_back")
    born = case.patient.birth_date
    if effective > case.today or (born is not None and effective < born):
        raise errors.InvalidEntry("implausible", "The day lies ahead, or before the patient's birth", "effective")
    given = EducationGiven.objects.create(
        patient=case.patient,
        topic_id=topic,
        given_on=effective,
        teach_back=teach_back,
        note=note,
        recorded_at=case.at,
        recorded_by=case.by,
    )
    told = {"topic": topic, "on": effective.isoformat(), "teach_back": teach_back}
    audit.record("education.given", by=case.by, patient=case.patient, subject=given, after=told)
    return given


def void_education(case: Case, given: EducationGiven, *, reason: str) -> None:
    """It was entered in error. Raises NotAllowed if that was said before."""
    if given.voided_at is not None:
        raise errors.NotAllowed("not-allowed", "It is marked as entered in error already")
    _void(case, given, reason)
    audit.record("education.voided", by=case.by, patient=case.patient, subject=given, reason=reason)


def answer_checklist(case: Case, task: CareTask, answers: Mapping[str, Answer]) -> list[ChecklistAnswer]:
    """What the items of a task came to. Another answer than the one that stands replaces it; the same changes nothing.

    Raises NotAllowed for a task that was given up, for an item that does not belong to it, and for another word
    than those of Finding.
    """
    if task.status not in ANSWERABLE:
        raise errors.NotAllowed("not-allowed", f"The task is {task.get_status_display()}")
    known = {one.code for one in guided.for_task(case, task).checklist}
    for item, answer in answers.items():
        if item not in known:
            raise errors.NotAllowed("not-allowed", f"{item!r} is not on the checklist of this task", "item")
        if answer.finding not in Finding.values:
            raise errors.InvalidEntry("not-allowed", f"The answer is one of {', '.join(Finding.values)}", item)
    standing = {row.item_id: row for row in ChecklistAnswer.objects.filter(task=task, voided_at=None)}
    return [
        _answer(case, task, item, answer, before)
        for item, answer in answers.items()
        if (before := standing.get(item)) is None or (before.answer, before.note) != (answer.finding, answer.note)
    ]


def _answer(case: Case, task: CareTask, item: str, answer: Answer, before: ChecklistAnswer | None) -> ChecklistAnswer:
    if before is not None:
        _void(case, before, ANSWERED_AGAIN)
    row = ChecklistAnswer.objects.create(
        task=task,
        item_id=item,
        answer=answer.finding,
        note=answer.note,
        recorded_at=case.at,
        recorded_by=case.by,
    )
    audit.record(
        "checklist.answered",
        by=case.by,
        patient=case.patient,
        subject=row,
        before={"answer": before.answer} if before else None,
        after={"item": item, "answer": answer.finding},
    )
    return row


def _void(case: Case, row: EducationGiven | ChecklistAnswer, reason: str) -> None:
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "Say why it is entered in error", "reason")
    row.voided_at, row.voided_by, row.void_reason = case.at, case.by, reason
    row.save(update_fields=["voided_at", "voided_by", "void_reason"])


# definitions


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
