"""What guidance belongs to a patient now and to a task: topics, checklists, texts, restrictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pathway.engine import guidance as engine
from pathway.models import (
    CareTask,
    ChecklistAnswer,
    ChecklistItem,
    EducationGiven,
    Finding,
    InfoText,
    LinkKind,
    Restriction,
    RestrictionEffect,
    StatementLink,
    TeachBack,
    Topic,
)
from pathway.selectors import shown
from pathway.selectors.cases import Case

EXERCISE_SESSION = "exercise-session"

Row = TypeVar("Row", Topic, ChecklistItem, InfoText, Restriction)


@dataclass(frozen=True, slots=True)
class Source:
    """Where it comes from: the statements that it implements, and how sure they are."""

    statements: tuple[str, ...]
    mark: str


@dataclass(frozen=True, slots=True)
class TopicView:
    """`is_due`: never taught, or not understood the last time. Without a day it was never taught."""

    code: str
    title: str
    text: str
    qualification: str
    owners: tuple[str, ...]
    is_due: bool
    given_on: str
    teach_back: str
    given_by: str
    given_pk: int  # 0: never
    source: Source


@dataclass(frozen=True, slots=True)
class ItemView:
    """A checklist item, with what stands as its answer in the task (empty: not answered)."""

    code: str
    text: str
    answer: str
    answer_title: str
    note: str
    source: Source


@dataclass(frozen=True, slots=True)
class TextView:
    """Always shown whole: the text, its qualification and the day for which it was true."""

    code: str
    text: str
    qualification: str
    as_of: str
    is_staff_only: bool
    source: Source


@dataclass(frozen=True, slots=True)
class RestrictionView:
    code: str
    text: str
    effect: str
    effect_title: str
    source: Source


@dataclass(frozen=True, slots=True)
class PatientGuidance:
    """`session_checks`: what is looked at in an exercise session of this patient."""

    topics: tuple[TopicView, ...]
    texts: tuple[TextView, ...]
    restrictions: tuple[RestrictionView, ...]
    session_checks: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True)
class TaskGuidance:
    """`topics` are those that are due and belong to the role that does the task."""

    checklist: tuple[ItemView, ...]
    topics: tuple[TopicView, ...]


@dataclass(frozen=True, slots=True)
class ExerciseLimits:
    """`types` are all that may be prescribed (empty: no list limits them); fewer rest days a week are flagged."""

    types: frozenset[str]
    least_rest_days: int


def for_patient(case: Case) -> PatientGuidance:
    """What belongs to the pathway, the present stages and the running interventions of a patient."""
    sources = _Sources()
    restrictions = _here(case, Restriction)
    needed = {row.check_item_id for row in restrictions if row.check_item_id}
    items = (row for row in _here(case, ChecklistItem) if EXERCISE_SESSION in row.situations or row.pk in needed)
    return PatientGuidance(
        topics=_topics(case, sources),
        texts=tuple(_text(row, sources) for row in _here(case, InfoText)),
        restrictions=tuple(_restriction(row, sources) for row in restrictions),
        session_checks=tuple(_item(row, None, sources) for row in items),
    )


def for_task(case: Case, task: CareTask) -> TaskGuidance:
    """What is looked at and taught in a task of this case."""
    sources = _Sources()
    activity = case.vocabulary.activities[task.activity_id]
    answers = {one.item_id: one for one in ChecklistAnswer.objects.filter(voided_at=None, task=task)}
    items = (row for row in _here(case, ChecklistItem) if row.pk in answers or record_of(row).belongs_to(activity))
    topics = _topics(case, sources)
    return TaskGuidance(
        checklist=tuple(_item(row, answers.get(row.pk), sources) for row in items),
        topics=tuple(one for one in topics if one.is_due and activity.owner in one.owners),
    )


def exercise_limits() -> ExerciseLimits:
    """What the restrictions say about a prescription."""
    rows = Restriction.objects.filter(effect__in=(RestrictionEffect.ALLOW, RestrictionEffect.FLAG), is_retired=False)
    told = list(rows.values_list("effect", "types", "least_rest_days"))
    return ExerciseLimits(
        types=frozenset(one for effect, types, _ in told if effect == RestrictionEffect.ALLOW for one in types),
        least_rest_days=max((days for _, _, days in told if days is not None), default=0),
    )


def findings() -> list[tuple[str, str]]:
    """What a checklist item may come to."""
    return [(one.value, str(one.label)) for one in Finding]


def teach_backs() -> list[tuple[str, str]]:
    return [(one.value, str(one.label)) for one in TeachBack]


def topic(case: Case, code: str) -> TopicView | None:
    """Any topic, with what this patient was taught of it last."""
    sources, given = _Sources(), _given(case)
    row = Topic.objects.filter(is_retired=False, pk=code).first()
    return _topic(row, given.get(row.pk), sources) if row is not None else None


# what is here


def _here(case: Case, model: type[Row]) -> list[Row]:
    stages = {track: stay.stage.code for track, stay in case.stays.items()}
    running = {row.kind_id for row in case.running if row.took_effect}
    rows: Iterable[Row] = model.objects.filter(is_retired=False).order_by("pk")
    return [row for row in rows if where_of(row).holds(case.pathway, stages, running)]


def where_of(row: Any) -> engine.Where:
    return engine.Where(
        text=row.where,
        pathways=tuple(row.pathways),
        tracks=tuple(row.tracks),
        stages=tuple(row.stages),
        activities=tuple(row.activities),
        interventions=tuple(row.interventions),
        situations=tuple(row.situations),
    )


def record_of(row: ChecklistItem) -> engine.ChecklistItem:
    return engine.ChecklistItem(row.code, row.text, where_of(row), row.mark, owners=tuple(row.owners))


class _Sources:
    """The statements behind each thing, read once."""

    def __init__(self) -> None:
        self._statements: Mapping[tuple[str, str], list[str]] = defaultdict(list)
        kinds = (LinkKind.EDUCATION, LinkKind.CHECKLIST, LinkKind.INFO, LinkKind.RESTRICTION)
        links = StatementLink.objects.filter(kind__in=kinds, statement__is_retired=False)
        for kind, code, statement in links.order_by("statement__position").values_list("kind", "code", "statement"):
            self._statements[kind, code].append(statement)

    def of(self, kind: str, row: Any) -> Source:
        return Source(tuple(self._statements[kind, row.code]), row.mark)


# views


def _topics(case: Case, sources: _Sources) -> tuple[TopicView, ...]:
    given = _given(case)
    return tuple(_topic(row, given.get(row.pk), sources) for row in _here(case, Topic))


def _given(case: Case) -> dict[str, EducationGiven]:
    """What was taught last, by topic."""
    rows = EducationGiven.objects.filter(voided_at=None, patient=case.patient).select_related("recorded_by")
    return {row.topic_id: row for row in rows.order_by("given_on", "pk")}


def _topic(row: Topic, given: EducationGiven | None, sources: _Sources) -> TopicView:
    return TopicView(
        code=row.code,
        title=row.title,
        text=row.text,
        qualification=row.qualification,
        owners=tuple(row.owners),
        is_due=given is None or given.teach_back == TeachBack.NEEDS_REPEAT,
        given_on=shown.day(given.given_on) if given else "",
        teach_back=str(TeachBack(given.teach_back).label) if given else "",
        given_by=shown.person(given.recorded_by) if given else "",
        given_pk=given.pk if given else 0,
        source=sources.of(LinkKind.EDUCATION, row),
    )


def _item(row: ChecklistItem, answer: ChecklistAnswer | None, sources: _Sources) -> ItemView:
    return ItemView(
        code=row.code,
        text=row.text,
        answer=answer.answer if answer else "",
        answer_title=answer.get_answer_display() if answer else "",
        note=answer.note if answer else "",
        source=sources.of(LinkKind.CHECKLIST, row),
    )


def _text(row: InfoText, sources: _Sources) -> TextView:
    return TextView(
        code=row.code,
        text=row.text,
        qualification=row.qualification,
        as_of=shown.day(row.as_of) if row.as_of else "",
        is_staff_only=row.audience == engine.STAFF,
        source=sources.of(LinkKind.INFO, row),
    )


def _restriction(row: Restriction, sources: _Sources) -> RestrictionView:
    return RestrictionView(
        row.code, row.text, row.effect, row.get_effect_display(), sources.of(LinkKind.RESTRICTION, row)
    )
