"""The verbs of a scenario, each one call of flow, just as a page or the API would call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pathway import errors, flow
from pathway.models import LIVE_TASK, Alert, AlertStatus, CareTask, Observation, Proposal, ProposalStatus
from pathway.replay.scenarios import Action
from pathway.services.observations import NewObservation

if TYPE_CHECKING:
    from pathway.replay.player import Play

SOURCE = "scenario"


def perform(play: Play, action: Action) -> None:
    """Raises Refused when the server says no."""
    VERBS[action.verb](play, action.told)


def entry(told: Any, zone: ZoneInfo, *, performable: bool = True) -> NewObservation:
    """An `observe` mapping as what flow takes."""
    return NewObservation(
        kind=str(told["code"]),
        value=told.get("value"),
        unit=told.get("unit"),
        context=dict(told.get("context") or {}),
        items=dict(told.get("items") or {}),
        performable=performable,
        reason=str(told.get("reason") or ""),
        effective=_moment(told.get("effective"), zone),
        source=SOURCE,
    )


def _observe(play: Play, told: Any) -> None:
    entries = list(told) if isinstance(told, list) else [told]
    _record(play, entries, performable=True)


def _not_performable(play: Play, told: Any) -> None:
    _record(play, [told], performable=False)


def _record(play: Play, entries: list[Any], *, performable: bool) -> None:
    zone = ZoneInfo(play.site.time_zone)
    form = [entry(one, zone, performable=performable) for one in entries]
    rows = flow.record(play.enrollment.pk, form, at=play.at, by=play.person)
    _name(play, entries, rows)


def _name(play: Play, entries: list[Any], rows: list[Observation]) -> None:
    for told, row in zip(entries, rows, strict=False):
        if "id" in told:
            play.ids[str(told["id"])] = row.pk


def _void(play: Play, told: Any) -> None:
    replace = told.get("replace")
    new = entry(replace, ZoneInfo(play.site.time_zone)) if replace else None
    row = play.observation(str(told["id"]))
    reason = str(told.get("reason") or "entered in error")
    rows = flow.void(row.pk, reason=reason, at=play.at, by=play.person, replace=new)
    if replace:
        _name(play, [replace], rows)


def _confirm(play: Play, told: Any) -> None:
    row = play.observation(str(told["id"]))
    flow.confirm(row.pk, reason=str(told.get("reason") or ""), at=play.at, by=play.person)


def _accept(play: Play, told: Any) -> None:
    flow.accept(_proposal(play, told["proposal"]).pk, at=play.at, by=play.person)


def _decline(play: Play, told: Any) -> None:
    proposal = _proposal(play, told["proposal"])
    flow.decline(proposal.pk, reason=str(told.get("reason") or ""), until=told.get("until"), at=play.at, by=play.person)


def _complete(play: Play, told: Any) -> None:
    flow.complete(
        _task(play, told).pk,
        effective=_day(told.get("effective")),
        outcome=str(told.get("outcome") or ""),
        at=play.at,
        by=play.person,
    )


def _skip(play: Play, told: Any) -> None:
    flow.skip(
        _task(play, told).pk,
        reason=str(told["reason"]),
        effective=_day(told.get("effective")),
        at=play.at,
        by=play.person,
    )


def _reassign(play: Play, told: Any) -> None:
    flow.reassign(_task(play, told).pk, to=str(told["to"]), at=play.at, by=play.person)


def _snooze(play: Play, told: Any) -> None:
    reason = str(told.get("reason") or "")
    flow.snooze(_task(play, told).pk, until=told["until"], reason=reason, at=play.at, by=play.person)


def _close_alert(play: Play, told: Any) -> None:
    alert = Alert.objects.filter(
        episode__patient=play.patient, episode__key=told["rule"], status=AlertStatus.OPEN
    ).first()
    if alert is None:
        raise errors.NotFound("not-found", f"no alert of {told['rule']} is open")
    flow.close_alert(alert.pk, reason=str(told.get("reason") or ""), at=play.at, by=play.person)


def _move(play: Play, told: Any) -> None:
    reason = str(told.get("reason") or "")
    flow.move(play.enrollment.pk, str(told["track"]), str(told["to"]), reason=reason, at=play.at, by=play.person)


def _start(play: Play, told: Any) -> None:
    flow.start(
        play.enrollment.pk,
        str(told["intervention"]),
        effective=_day(told.get("effective")),
        details=dict(told.get("details") or {}),
        at=play.at,
        by=play.person,
    )


def _stop(play: Play, told: Any) -> None:
    flow.stop(
        play.enrollment.pk,
        str(told["intervention"]),
        effective=_day(told.get("effective")),
        reason=str(told.get("reason") or ""),
        at=play.at,
        by=play.person,
    )


def _give(play: Play, told: Any) -> None:
    flow.give(
        play.enrollment.pk,
        str(told["intervention"]),
        dose=str(told["dose"]),
        effective=_day(told.get("effective")),
        at=play.at,
        by=play.person,
    )


def _plan(play: Play, told: Any) -> None:
    item = told["exercise"]
    flow.prescribe(
        play.enrollment.pk,
        type=str(item["type"]),
        load=str(item["load"]),
        minutes=_whole(item.get("minutes")),
        rest_days=_whole(item.get("rest_days")),
        at=play.at,
        by=play.person,
    )


def _death(play: Play, told: Any) -> None:
    flow.record_death(play.enrollment.pk, effective=_day(told.get("effective")), at=play.at, by=play.person)


def _reverse_death(play: Play, told: Any) -> None:
    flow.reverse_death(play.enrollment.pk, reason=_reason(told), at=play.at, by=play.person)


def _hold(play: Play, told: Any) -> None:
    flow.hold(play.enrollment.pk, reason=_reason(told), at=play.at, by=play.person)


def _resume(play: Play, told: Any) -> None:
    flow.resume(play.enrollment.pk, reason=_reason(told), at=play.at, by=play.person)


def _withdraw(play: Play, told: Any) -> None:
    flow.withdraw(play.enrollment.pk, reason=_reason(told), at=play.at, by=play.person)


def _change_pathway(play: Play, told: Any) -> None:
    play.enrollment = flow.change_pathway(
        play.enrollment.pk,
        str(told["to"]),
        reason=_reason(told),
        start={str(track): str(stage) for track, stage in (told.get("start") or {}).items()},
        at=play.at,
        by=play.person,
    )


VERBS: Mapping[str, Callable[[Play, Any], None]] = {
    "observe": _observe,
    "not_performable": _not_performable,
    "void": _void,
    "confirm": _confirm,
    "accept": _accept,
    "decline": _decline,
    "complete": _complete,
    "skip": _skip,
    "reassign": _reassign,
    "snooze": _snooze,
    "close_alert": _close_alert,
    "move": _move,
    "start": _start,
    "stop": _stop,
    "give": _give,
    "plan": _plan,
    "death": _death,
    "reverse_death": _reverse_death,
    "hold": _hold,
    "resume": _resume,
    "withdraw": _withdraw,
    "change_pathway": _change_pathway,
}


def _proposal(play: Play, told: Any) -> Proposal:
    found = Proposal.objects.filter(enrollment=play.enrollment, status=ProposalStatus.OPEN)
    if isinstance(told, str):
        found = found.filter(code=told)
    else:
        found = found.filter(track=told["track"], stage__code=told["to"])
    proposal: Proposal | None = found.first()
    if proposal is None:
        # After a death or a withdrawal that, and not the missing proposal, is the reason.
        flow.refuse_unless_live(play.enrollment.pk, at=play.at, by=play.person)
        raise errors.NotFound("not-allowed", f"no such proposal is open: {told}")
    return proposal


def _task(play: Play, told: Any) -> CareTask:
    task: CareTask | None = CareTask.objects.filter(
        enrollment=play.enrollment, activity=told["task"], status__in=LIVE_TASK
    ).first()
    if task is None:
        flow.refuse_unless_live(play.enrollment.pk, at=play.at, by=play.person)
        raise errors.NotFound("not-allowed", f"no task {told['task']} is open")
    return task


def _reason(told: Any) -> str:
    return str((told or {}).get("reason") or "as told by the scenario")


def _whole(told: Any) -> int | None:
    return None if told is None else int(told)


def _day(told: Any) -> date | None:
    return told.date() if isinstance(told, datetime) else told


def _moment(told: Any, zone: ZoneInfo) -> date | datetime | None:
    if isinstance(told, datetime):
        return told if told.tzinfo else told.replace(tzinfo=zone)
    return told if isinstance(told, date) else None
