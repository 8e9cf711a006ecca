"""What a step expects, held against what is there. Every failure says what was expected and what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pathway.engine import units
from pathway.engine.chart import Reader, Reading
from pathway.engine.rules import Verdict
from pathway.models import (
    LIVE_TASK,
    Alert,
    AlertStatus,
    AuditEvent,
    CareTask,
    Evidence,
    Observation,
    ObservationStatus,
    Proposal,
    ProposalStatus,
    QualityFlag,
    Reminder,
    Stay,
)
from pathway.replay.player import Play
from pathway.selectors import charts, offers, plans


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation: what it was about, whether it held, what was expected and what was there."""

    what: str
    holds: bool
    expected: str = ""
    found: str = ""
    evidence: tuple[str, ...] = ()


def check(play: Play, expect: Mapping[str, Any]) -> Iterator[Outcome]:
    """All expectations of a step. A refusal that is not expected is a failure too."""
    if play.refused is not None and "rejected" not in expect:
        yield Outcome("action", False, "accepted", str(play.refused))
    for key, told in expect.items():
        yield from CHECKS[key](play, told)


# alerts and proposals


def _alerts(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    opened = list(
        Alert.objects.filter(episode__patient=play.patient, status=AlertStatus.OPEN).values_list(
            "episode__key", "no_longer_met", "episode__since"
        )
    )
    keys = {key for key, _, _ in opened}
    for key in ("raised", "withdrawn"):
        if key in told:
            outcome = _exact(f"alerts.{key}", told[key], _subjects(play, f"alert.{key}", Alert, _alert_key))
            yield outcome if outcome.holds else replace(outcome, evidence=_why(play, {*told[key], *keys}))
    if "no_longer_met" in told:
        yield _exact("alerts.no_longer_met", told["no_longer_met"], [key for key, gone, _ in opened if gone])
    yield from (_has(f"alerts.open {one}", one in keys, True, keys) for one in told.get("open", ()))
    yield from (_has(f"alerts.not_open {one}", one in keys, False, keys) for one in told.get("not_open", ()))
    since = {key: day for key, _, day in opened}
    for key, day in told.get("since", {}).items():
        yield _same(f"alerts.since {key}", day, since.get(key))


def _why(play: Play, codes: set[str]) -> tuple[str, ...]:
    """The evidence chain of rules: verdict, and each result that it read."""
    judge = play.case().judge
    lines = []
    for code in sorted(codes):
        judged = judge.judge(code.rsplit("/", 1)[-1])
        read = ", ".join(f"{r.kind} {shown(r.value)} on {r.day}" for r in judged.evidence) or "nothing"
        missing = f"; missing: {', '.join(sorted(judged.missing))}" if judged.missing else ""
        lines.append(f"{code} is {judged.verdict.value} now: it read {read}{missing}")
    return tuple(lines)


def shown(value: object) -> str:
    return str(float(value)) if isinstance(value, Fraction) else str(value)


def _alert_key(alert: Alert) -> str:
    return alert.episode.key


def _proposals(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    opened = Proposal.objects.filter(enrollment=play.enrollment, status=ProposalStatus.OPEN).select_related("stage")
    now = {_proposal_key(one) for one in opened}
    for key in ("opened", "withdrawn"):
        if key in told:
            found = _subjects(play, f"proposal.{key}", Proposal, _proposal_key)
            yield _exact(f"proposals.{key}", [_target(one) for one in told[key]], found)
    for one in told.get("open", ()):
        yield _has(f"proposals.open {_target(one)}", _target(one) in now, True, now)
    for one in told.get("not_open", ()):
        yield _has(f"proposals.not_open {_target(one)}", _target(one) in now, False, now)


def _proposal_key(proposal: Proposal) -> str:
    return proposal.code or f"{proposal.track} → {proposal.stage.code if proposal.stage else ''}"


def _target(told: Any) -> str:
    return told if isinstance(told, str) else f"{told['track']} → {told['to']}"


def _subjects(play: Play, action: str, model: Any, key: Callable[[Any], str]) -> list[str]:
    """What the audit says happened since the last step, named by key."""
    events = AuditEvent.objects.filter(pk__gt=play.marks.audit, patient=play.patient, action=action).order_by("pk")
    pks = [int(event.subject.split(":")[1]) for event in events]
    rows = model.objects.in_bulk(pks)
    return [key(rows[pk]) for pk in pks]


# stages and tasks


def _stage(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    for track, stage in told.items():
        stays = Stay.objects.filter(enrollment=play.enrollment, track=track, annulled=False).order_by("pk")
        last = stays.select_related("stage").last()
        yield _same(f"stage {track}", stage, last.stage.code if last else None)


def _tasks(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    live = {task.activity_id: task for task in _live(play)}
    for code, wanted in told.items():
        task = live.get(code)
        if wanted is None:
            yield _same(f"tasks {code}", None, task.due_on if task else None)
        elif isinstance(wanted, list):
            window = [task.window_opens_on, task.due_on] if task else None
            yield _same(f"tasks {code}", list(wanted), window)
        else:
            yield _same(f"tasks {code}", wanted, task.due_on if task else None)


def _open_tasks(play: Play, told: list[Any]) -> Iterator[Outcome]:
    yield _exact("open_tasks", told, [task.activity_id for task in _live(play)])


def _live(play: Play) -> list[CareTask]:
    return list(CareTask.objects.filter(enrollment=play.enrollment, status__in=LIVE_TASK))


def _tasks_closed(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    closed: dict[str, set[str]] = {}
    for status in ("completed", "skipped", "cancelled"):
        for code in _subjects(play, f"task.{status}", CareTask, lambda task: str(task.activity_id)):
            closed.setdefault(code, set()).add(status)
    for code, wanted in told.items():
        found = next((s for s in ("completed", "skipped", "cancelled") if s in closed.get(code, ())), None)
        yield _same(f"tasks_closed {code}", wanted, found)


def _reminders(play: Play, told: Any) -> Iterator[Outcome]:
    rows = Reminder.objects.filter(task__enrollment__patient=play.patient, pk__gt=play.marks.reminders)
    sent = [(r.task.activity_id, r.to_role, r.on) for r in rows.select_related("task").order_by("on", "pk")]
    if told == "none":
        yield _same("reminders", [], [f"{code} to {role} on {day}" for code, role, day in sent])
        return
    for code, wanted in told.items():
        expected = sorted(f"{one['on']} to {one['to']}" for one in wanted)
        yield _same(f"reminders {code}", expected, sorted(f"{d} to {r}" for c, r, d in sent if c == code))


# values and verdicts


def _measures(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    reader = play.case().reader()
    for code, wanted in told.items():
        yield compare_value(f"measures {code}", wanted, reader.read(code))


def _measures_at(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    case = play.case()
    for text, values in told.items():
        day = date.fromisoformat(text)
        whole = charts.results(case.patient.pk, case.vocabulary.catalogue, until=case.today, whole=True)
        reader: Reader = case.reader_of(replace(case.chart(), today=day, results=whole))
        for code, wanted in values.items():
            yield compare_value(f"measures_at {day} {code}", wanted, reader.read(code))


def compare_value(what: str, wanted: Any, reading: Reading) -> Outcome:
    """Exact decimals rounded half up to the places given; words and booleans as they are; null is unknown."""
    value = reading.value
    if isinstance(wanted, Decimal) and isinstance(value, Fraction) and not isinstance(value, bool):
        places = max(0, -int(wanted.as_tuple().exponent))
        return Outcome(what, units.rounded(value, places) == wanted, str(wanted), str(float(value)))
    found = sorted(value) if isinstance(value, frozenset) else value
    if isinstance(wanted, list):
        wanted = sorted(wanted)
    why = f"unknown (missing: {', '.join(sorted(reading.missing))})" if value is None else str(found)
    return Outcome(what, type(wanted) is type(found) and wanted == found, str(wanted), why)


def _verdicts(verdict: Verdict) -> Callable[[Play, Any], Iterator[Outcome]]:
    def check_all(play: Play, told: list[Any]) -> Iterator[Outcome]:
        judge = play.case().judge
        for code in told:
            found = judge.judge(str(code).rsplit("/", 1)[-1])
            holds = found.verdict is verdict
            why = () if holds else _why(play, {str(code)})
            yield Outcome(f"{verdict.value} {code}", holds, verdict.value, found.verdict.value, why)

    return check_all


def _evidence(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    for code, names in told.items():
        alerts = Alert.objects.filter(episode__patient=play.patient, episode__key=code, status=AlertStatus.OPEN)
        episodes = set(alerts.values_list("episode_id", flat=True))
        if not episodes:
            proposals = Proposal.objects.filter(enrollment=play.enrollment, code=code, status=ProposalStatus.OPEN)
            episodes = set(proposals.values_list("grounds__episode_id", flat=True))
        found = set(Evidence.objects.filter(episode__in=episodes).values_list("observation_id", flat=True))
        by_pk = {pk: name for name, pk in play.ids.items()}
        missing = [name for name in names if play.ids.get(str(name)) not in found]
        yield Outcome(f"evidence {code}", not missing, str(list(names)), str([by_pk.get(pk, pk) for pk in found]))


# plans, data quality, refusals


def _planned(play: Play, told: Mapping[str, Any]) -> Iterator[Outcome]:
    found = plans.planned(play.case())
    for code, labels in told.items():
        for label, day in labels.items():
            yield _same(f"planned {code} {label}", day, found.get(code, {}).get(label))


def _held(play: Play, told: list[Any]) -> Iterator[Outcome]:
    held = Observation.objects.filter(patient=play.patient, status=ObservationStatus.HELD)
    by_pk = {pk: name for name, pk in play.ids.items()}
    yield _exact("held", told, [by_pk.get(pk, str(pk)) for pk in held.values_list("pk", flat=True)])


def _flags(play: Play, told: list[Any]) -> Iterator[Outcome]:
    found = QualityFlag.objects.filter(patient=play.patient, pk__gt=play.marks.flags)
    yield _exact("flags", told, list(found.values_list("code", flat=True).distinct()))


def _rejected(play: Play, told: Any) -> Iterator[Outcome]:
    found = play.refused.code if play.refused else None
    holds = found is not None if told is True else found == told
    yield Outcome("rejected", holds, str(told), str(play.refused) if play.refused else "accepted")


def _offered(play: Play, told: list[Any]) -> Iterator[Outcome]:
    found = set(offers.offered(play.case()))
    yield from (_has(f"offered {one}", one in found, True, found) for one in told)


def _not_offered(play: Play, told: list[Any]) -> Iterator[Outcome]:
    found = set(offers.offered(play.case()))
    yield from (_has(f"not_offered {one}", one in found, False, found) for one in told)


CHECKS: Mapping[str, Callable[[Play, Any], Iterator[Outcome]]] = {
    "alerts": _alerts,
    "proposals": _proposals,
    "stage": _stage,
    "tasks": _tasks,
    "open_tasks": _open_tasks,
    "tasks_closed": _tasks_closed,
    "reminders": _reminders,
    "measures": _measures,
    "measures_at": _measures_at,
    "planned": _planned,
    "unknown": _verdicts(Verdict.UNKNOWN),
    "not_applicable": _verdicts(Verdict.NOT_APPLICABLE),
    "held": _held,
    "rejected": _rejected,
    "flags": _flags,
    "evidence": _evidence,
    "offered": _offered,
    "not_offered": _not_offered,
}


def _exact(what: str, expected: Any, found: list[str]) -> Outcome:
    wanted, there = sorted(str(one) for one in expected), sorted(found)
    return Outcome(what, wanted == there, str(wanted), str(there))


def _same(what: str, expected: Any, found: Any) -> Outcome:
    return Outcome(what, expected == found, _shown(expected), _shown(found))


def _has(what: str, is_there: bool, wanted: bool, found: set[str]) -> Outcome:
    return Outcome(what, is_there is wanted, "there" if wanted else "not there", str(sorted(found)))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(str(one) for one in value) + "]"
    return str(value)
