"""Why something is asked for: the rule with its condition day, the values it read, and its source.

What is read here must have been prefetched (`EVIDENCE_OF_…`, `GROUNDS_OF_TASKS`), so that a list costs
the same number of queries however long it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pathway.engine.schedule import Period
from pathway.models import CareTask, Episode, Proposal, StageActivity
from pathway.selectors import shown

_OBSERVATIONS = "evidence__observation__kind", "evidence__observation__items"
EVIDENCE_OF_ALERTS = tuple(f"episode__{path}" for path in _OBSERVATIONS)
EVIDENCE_OF_PROPOSALS = (
    "grounds__episode__rule",
    *(f"grounds__episode__{path}" for path in _OBSERVATIONS),
)
GROUNDS_OF_TASKS = EVIDENCE_OF_PROPOSALS


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that asks, since when, on which values."""

    code: str
    title: str
    since: str
    values: tuple[str, ...]
    source: str  # citation and mark
    ended: bool = False


def of_episode(episode: Episode) -> Reason:
    rule = episode.rule
    return Reason(
        code=rule.code,
        title=rule.title or rule.code,
        since=shown.day(episode.since),
        values=tuple(_values(episode)),
        source=" ".join(part for part in (rule.citation, rule.mark) if part),
        ended=episode.ended_at is not None,
    )


def of_proposal(proposal: Proposal) -> list[Reason]:
    """Empty: it was opened on entering a stage."""
    return [of_episode(ground.episode) for ground in proposal.grounds.all()]


def of_task(task: CareTask) -> list[str]:
    """Everybody and everything that asks for it, in words."""
    found = []
    if task.row is not None and task.asked_by_stage:
        found.append(of_row(task.row))
    for ground in task.grounds.all():
        found.append(ground.episode.rule.title or ground.episode.rule.code)
    if task.asked_by_plan is not None:
        found.append(_("plan of %(intervention)s") % {"intervention": task.asked_by_plan.kind.title})
    if task.asked_by_person:
        found.append(_("a decision"))
    return found or [_("a rule")]


def of_row(row: StageActivity) -> str:
    """The schedule row: which stages, how often."""
    first, last = row.first_stage, row.last_stage
    stages = first.code if first.code == last.code else f"{first.code}–{last.code}"
    if not row.every:
        return _("stage %(stages)s (%(title)s)") % {"stages": stages, "title": first.title}
    how_often = _("every %(period)s") % {"period": period(row.every)}
    return _("stage %(stages)s, %(often)s") % {"stages": stages, "often": how_often}


def period(text: str) -> str:
    """`3 mo` → 3 months."""
    one = Period.parse(text)
    count = {"n": one.amount}
    return {
        "d": ngettext("%(n)d day", "%(n)d days", one.amount) % count,
        "wk": ngettext("%(n)d week", "%(n)d weeks", one.amount) % count,
        "mo": ngettext("%(n)d month", "%(n)d months", one.amount) % count,
        "a": ngettext("%(n)d year", "%(n)d years", one.amount) % count,
    }[one.unit]


def _values(episode: Episode) -> Iterable[str]:
    rows = sorted((e.observation for e in episode.evidence.all()), key=lambda o: (o.effective_at, o.pk), reverse=True)
    for row in rows:
        text = f"{row.kind.title} {shown.observation(row)}, {shown.day(row.effective_on)}"
        yield _("%(value)s (entered in error)") % {"value": text} if row.status == "voided" else text
