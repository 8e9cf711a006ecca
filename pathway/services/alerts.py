"""Verdicts become episodes, and episodes are told as alerts (CONVENTIONS 12-16, 37)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pathway import audit, errors
from pathway.engine.rules import Judgement as Verdict
from pathway.engine.rules import Verdict as V
from pathway.models import (
    Alert,
    AlertStatus,
    Episode,
    Evidence,
    Hit,
    Judgement,
    Observation,
    ObservationStatus,
)
from pathway.selectors import texts
from pathway.selectors.cases import Case
from pathway.selectors.definitions import SiteRule
from pathway.vocabulary import Severity

SAYS = ("verdict", "last_definite", "day", "missing", "evidence")
_JUDGED = f"SELECT rule_id, {', '.join(SAYS)} FROM pathway_judgement WHERE enrollment_id = %s"
_RUNNING = f"""
SELECT {texts.columns(Episode, "e")}, {texts.columns(Alert, "a")}
FROM pathway_episode e LEFT JOIN pathway_alert a ON a.episode_id = e.id
WHERE e.patient_id = %s AND e.ended_at IS NULL
"""
DEFINITE = {V.HIT: "hit", V.MISS: "miss"}


@dataclass(frozen=True, slots=True)
class Began:
    """An episode that has just begun, and the rule whose effects now happen."""

    episode: Episode
    rule: SiteRule


def follow(case: Case) -> list[Began]:
    """Judge every rule of the site and let the episodes follow. Returns those that began, shadow ones aside."""
    verdicts = {key: case.judge.judge(rule.compiled.code) for key, rule in case.rules.by_key.items()}
    told_anew = _keep_judgements(case, verdicts)
    running = _running(case)
    beginning = []
    for key, verdict in verdicts.items():
        if key in running:
            _continue(case, *running[key], verdict, is_new=key in told_anew)
        elif verdict.verdict is V.HIT:
            beginning.append((case.rules.by_key[key], verdict))
    began = _begin(case, beginning) if beginning else []
    return [one for one in began if not one.rule.is_shadow]


def close(case: Case, alert: Alert, *, reason: str) -> None:
    """A person has dealt with it. The episode ends with it where the rule missed last."""
    if alert.status != AlertStatus.OPEN:
        raise errors.Conflict("not-allowed", "This alert is not open any more")
    if not reason.strip():
        raise errors.NotAllowed("not-allowed", "Closing an alert needs a reason", "reason")
    alert.close()
    alert.closed_at, alert.closed_by, alert.close_reason = case.at, case.by, reason
    alert.keep("status", "closed_at", "closed_by", "close_reason")
    rule = case.rules.by_key.get(alert.episode.key)  # in the version that the site follows now
    last = Judgement.objects.filter(enrollment=alert.enrollment, rule=rule.pk if rule else alert.episode.rule_id)
    if last.values_list("last_definite", flat=True).first() == "miss":
        _end(case, alert.episode)
    audit.record("alert.closed", by=case.by, patient=case.patient, subject=alert, reason=reason)


def close_all(case: Case, *, reason: str, by_death: bool = False) -> None:
    """Death or withdrawal: nothing is told any more."""
    for alert in Alert.objects.filter(enrollment=case.enrollment, status=AlertStatus.OPEN):
        alert.close()
        alert.closed_at, alert.close_reason, alert.closed_by_death = case.at, reason, by_death
        alert.keep("status", "closed_at", "close_reason", "closed_by_death")
        audit.record("alert.closed", by=case.by, patient=case.patient, subject=alert, reason=reason)


def end_all(case: Case) -> None:
    """The care is over: what holds then is told again if the patient comes back."""
    Episode.objects.filter(patient=case.patient, ended_at=None).update(ended_at=case.at)


def restore_after_death(case: Case) -> None:
    for alert in Alert.objects.filter(enrollment=case.enrollment, status=AlertStatus.CLOSED, closed_by_death=True):
        alert.restore()
        alert.closed_at, alert.close_reason, alert.closed_by_death = None, "", False
        alert.keep("status", "closed_at", "close_reason", "closed_by_death")
        audit.record("alert.restored", by=case.by, patient=case.patient, subject=alert, reason="death reversed")


def retract(case: Case, voided: Collection[int]) -> list[Episode]:
    """Find the episodes of which no hit is left without a voided result, and whose rule does not hit without it.

    Those that still run end; open alerts of theirs, and those that a death closed, are withdrawn.
    Returns all of them, for what they had asked for.
    """
    touched = Episode.objects.filter(patient=case.patient, retracted=False, evidence__observation__in=voided)
    retracted = []
    for episode in touched.distinct().select_related("alert").prefetch_related("hits"):
        if _is_left_without_hit(episode) and not _hits_now(case, episode):
            episode.retracted, episode.ended_at = True, episode.ended_at or case.at
            episode.save(update_fields=["retracted", "ended_at"])
            alert = getattr(episode, "alert", None)
            if alert is not None and (alert.status == AlertStatus.OPEN or alert.closed_by_death):
                _withdraw(case, alert)
            retracted.append(episode)
    return retracted


def _is_left_without_hit(episode: Episode) -> bool:
    hits = [set(hit.observations) for hit in episode.hits.all()]
    read = set().union(*hits)
    gone = set(Observation.objects.filter(pk__in=read, status=ObservationStatus.VOIDED).values_list("pk", flat=True))
    return all(hit & gone for hit in hits)


def carry(case: Case, target: Case, *, reason: str) -> None:
    """To the patient's new pathway: alerts of rules that judge there go along, others are closed with the reason."""
    for alert in Alert.objects.filter(enrollment=case.enrollment, status=AlertStatus.OPEN).select_related("episode"):
        rule = target.rules.by_key.get(alert.episode.key)
        if rule is None or target.pathway not in rule.compiled.pathways:
            alert.close()
            alert.closed_at, alert.closed_by, alert.close_reason = case.at, case.by, reason
            alert.keep("status", "closed_at", "closed_by", "close_reason")
            audit.record("alert.closed", by=case.by, patient=case.patient, subject=alert, reason=reason)
    Episode.objects.filter(enrollment=case.enrollment, ended_at=None).update(enrollment=target.enrollment)
    Alert.objects.filter(enrollment=case.enrollment, status=AlertStatus.OPEN).update(enrollment=target.enrollment)
    Judgement.objects.filter(enrollment=case.enrollment).update(enrollment=target.enrollment)


# one rule at a time


def _running(case: Case) -> dict[str, tuple[Episode, Alert | None]]:
    """Running episodes with the alert that tells of each, by key."""
    width = len(Episode._meta.concrete_fields)
    found = {}
    for row in texts.rows(_RUNNING, [case.patient.pk]):
        episode = texts.made(Episode, row)
        found[episode.key] = episode, texts.made(Alert, row[width:]) if row[width] is not None else None
    return found


def _begin(case: Case, beginning: list[tuple[SiteRule, Verdict]]) -> list[Began]:
    """All episodes of one judging, with their evidence and alerts: a statement per table, however many."""
    episodes = Episode.objects.bulk_create(
        Episode(
            enrollment=case.enrollment,
            patient=case.patient,
            rule_id=rule.pk,
            key=rule.key,
            is_shadow=rule.is_shadow,
            began_at=case.at,
            began_on=case.today,
            since=verdict.day or case.today,
        )
        for rule, verdict in beginning
    )
    began = [Began(episode, rule) for episode, (rule, _) in zip(episodes, beginning, strict=True)]
    read = {
        one.episode: sorted(r.key for r in verdict.evidence) for one, (_, verdict) in zip(began, beginning, strict=True)
    }
    Evidence.objects.bulk_create(
        Evidence(episode=episode, observation_id=key) for episode, keys in read.items() for key in keys
    )
    Hit.objects.bulk_create(Hit(episode=episode, observations=keys) for episode, keys in read.items())
    told = [one for one in began if one.rule.rule.severity != Severity.NONE]
    alerts = Alert.objects.bulk_create(
        Alert(
            episode=one.episode,
            enrollment=case.enrollment,
            severity=one.rule.rule.severity,
            raised_at=case.at,
            raised_on=case.today,
        )
        for one in told
    )
    for alert, one in zip(alerts, told, strict=True):
        audit.record("alert.raised", by=case.by, patient=case.patient, subject=alert, after={"rule": one.rule.key})
    return began


def _continue(case: Case, episode: Episode, alert: Alert | None, verdict: Verdict, *, is_new: bool) -> None:
    """`is_new`: the verdict or what it read is not what it was the last time."""
    if verdict.verdict is V.HIT:
        if is_new:
            _add_evidence(episode, sorted(r.key for r in verdict.evidence))
        _mark(case, alert, no_longer_met=False)
    elif verdict.verdict is V.MISS:
        if alert is None or alert.status != AlertStatus.OPEN:
            _end(case, episode)
        else:
            _mark(case, alert, no_longer_met=True)
    elif verdict.verdict is V.NOT_APPLICABLE:
        _mark(case, alert, no_longer_met=True)


def _mark(case: Case, alert: Alert | None, *, no_longer_met: bool) -> None:
    if alert is not None and alert.status == AlertStatus.OPEN and alert.no_longer_met != no_longer_met:
        alert.no_longer_met = no_longer_met
        alert.keep("no_longer_met")
        what = "alert.no-longer-met" if no_longer_met else "alert.met-again"
        audit.record(what, by=case.by, patient=case.patient, subject=alert)


def _add_evidence(episode: Episode, read: list[int]) -> None:
    Hit.objects.bulk_create([Hit(episode=episode, observations=read)], ignore_conflicts=True)
    Evidence.objects.bulk_create([Evidence(episode=episode, observation_id=key) for key in read], ignore_conflicts=True)


def _hits_now(case: Case, episode: Episode) -> bool:
    """After a death nothing is judged any more: there the recorded evidence alone decides."""
    rule = case.rules.by_key.get(episode.key)
    return not case.is_dead and rule is not None and case.judge.judge(rule.compiled.code).verdict is V.HIT


def _end(case: Case, episode: Episode) -> None:
    episode.ended_at = case.at
    episode.save(update_fields=["ended_at"])


def _withdraw(case: Case, alert: Alert) -> None:
    alert.withdraw()
    alert.closed_at, alert.close_reason = case.at, "evidence voided"
    alert.keep("status", "closed_at", "close_reason")
    audit.record("alert.withdrawn", by=case.by, patient=case.patient, subject=alert, reason=alert.close_reason)


def _keep_judgements(case: Case, verdicts: dict[str, Verdict]) -> set[str]:
    """Write the verdicts that changed, in one statement. Returns their keys."""
    known = {pk: says for pk, *says in texts.rows(_JUDGED, [case.enrollment.pk])}
    changed, keys = [], set()
    for key, verdict in verdicts.items():
        pk = case.rules.by_key[key].pk
        old = known.get(pk)
        says = [
            verdict.verdict.value,
            DEFINITE.get(verdict.verdict, old[1] if old else ""),
            verdict.day,
            sorted(verdict.missing),
            sorted(r.key for r in verdict.evidence),
        ]
        if says != old:
            keys.add(key)
            told = dict(zip(SAYS, says, strict=True))
            changed.append(Judgement(enrollment=case.enrollment, rule_id=pk, judged_at=case.at, **told))
    if changed:
        Judgement.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["enrollment", "rule"],
            update_fields=[*SAYS, "judged_at"],
        )
    return keys
