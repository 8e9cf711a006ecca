"""What the server asks a person to decide (CONVENTIONS 17-21, 37, 38)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

from pathway import audit, errors
from pathway.engine.rules import Verdict as V
from pathway.models import Episode, Hit, Observation, ObservationStatus, Proposal, ProposalGround, ProposalStatus
from pathway.selectors.cases import Case

Grounds = Iterable[Episode]


def ask(case: Case, asked: Iterable[tuple[Episode, str]]) -> None:
    """Episodes ask for stages: in each track the furthest later than the present one is opened.

    `asked` pairs an episode with `track/stage`. Nearer targets are kept as superseded, so that
    they can be asked for again when the further one is withdrawn.
    """
    by_track: dict[str, dict[str, list[Episode]]] = defaultdict(lambda: defaultdict(list))
    for episode, target in asked:
        track, stage = target.split("/")
        if case.version.has_stage(track, stage) and _rank(case, track, stage) > case.rank(track) >= 0:
            by_track[track][stage].append(episode)
    for track, targets in by_track.items():
        _ask_in_track(case, track, targets)


def ask_code(case: Case, code: str, grounds: Grounds = ()) -> None:
    """Open a code proposal, or add to the open one. Not while what it asks for is already active."""
    known = case.vocabulary.proposals[code]
    if known.not_while_active and case.reader().is_active(known.not_while_active):
        return
    if known.pathways and case.pathway not in known.pathways:
        return
    _forget_until(case, code=code)
    proposal = next((one for one in _opened(case) if one.code == code), None)
    _ground(proposal or _open(case, code=code), grounds)


def ask_again(case: Case) -> None:
    """Declined proposals whose `until` has come, and which a rule that asks for them hits now (CONVENTIONS 19)."""
    for proposal in [one for one in case.proposals if one.until is not None and one.until <= case.today]:
        hitting = _episodes_asking(case, proposal)
        if not hitting:
            continue
        if proposal.code:
            ask_code(case, proposal.code, hitting)
        elif proposal.stage is not None:
            ask(case, [(one, f"{proposal.track}/{proposal.stage.code}") for one in hitting])
        _forget_until(case, track=proposal.track, stage_id=proposal.stage_id, code=proposal.code)


def accept(case: Case, proposal: Proposal) -> None:
    """A person decides for it. What follows from that is for flow."""
    _check_open(proposal)
    proposal.accept()
    proposal.basis = _basis(proposal)
    _decided(case, proposal, "basis")
    audit.record("proposal.accepted", by=case.by, patient=case.patient, subject=proposal, after={"what": str(proposal)})


def decline(case: Case, proposal: Proposal, *, reason: str, until: date | None) -> None:
    """A person decides against it; it stays quiet until new evidence or `until`."""
    _check_open(proposal)
    if not reason.strip():
        raise errors.NotAllowed("not-allowed", "Declining needs a reason", "reason")
    if until is not None:
        case.check_ahead(until, "until")
    if until is not None and until <= case.today:
        raise errors.NotAllowed("not-allowed", "The day to ask again lies in the past", "until")
    proposal.decline()
    proposal.reason, proposal.until = reason, until
    _decided(case, proposal, "reason", "until")
    audit.record("proposal.declined", by=case.by, patient=case.patient, subject=proposal, reason=reason)


def supersede_reached(case: Case) -> None:
    """Reaching or passing a target in any way answers the question."""
    for proposal in _opened(case):
        if proposal.stage is not None and proposal.stage.rank <= case.rank(proposal.track):
            _supersede(case, proposal, "stage reached")


def supersede_code(case: Case, code: str, *, reason: str) -> None:
    """What it asks for was done without it."""
    for proposal in _opened(case):
        if code and proposal.code == code:
            _supersede(case, proposal, reason)


def retract(case: Case, retracted: Collection[Episode]) -> None:
    """Withdraw open proposals whose every ground is retracted, then ask for nearer stages again."""
    tracks = set()
    for proposal in _opened(case) if retracted else ():
        if _rests_on_retracted(proposal):
            _withdraw(case, proposal, "evidence voided")
            tracks.add(proposal.track)
    for track in sorted(tracks - {""}):
        _ask_for_nearer(case, track)


def _rests_on_retracted(proposal: Proposal) -> bool:
    grounds = [ground.episode for ground in proposal.grounds.select_related("episode")]
    return bool(grounds) and all(one.retracted for one in grounds)


def retracted_bases(case: Case, voided: Collection[int]) -> list[Proposal]:
    """Accepted proposals of which every hit they rested on used a voided result, and that no rule asks for now."""
    rested = Hit.objects.filter(episode__patient=case.patient, observations__overlap=list(voided))
    accepted = Proposal.objects.filter(
        enrollment__patient=case.patient,
        status=ProposalStatus.ACCEPTED,
        basis_retracted=False,
        basis__overlap=list(rested.values_list("pk", flat=True)) or [-1],
    )
    found = []
    for proposal in accepted.select_related("stage"):
        if _rests_on_nothing(proposal) and (case.is_dead or not _episodes_asking(case, proposal)):
            proposal.basis_retracted = True
            proposal.keep("basis_retracted")
            audit.record("proposal.basis-retracted", by=case.by, patient=case.patient, subject=proposal)
            found.append(proposal)
    return found


def _rests_on_nothing(proposal: Proposal) -> bool:
    hits = [set(one) for one in Hit.objects.filter(pk__in=proposal.basis).values_list("observations", flat=True)]
    read = set().union(*hits)
    gone = set(Observation.objects.filter(pk__in=read, status=ObservationStatus.VOIDED).values_list("pk", flat=True))
    return all(hit & gone for hit in hits)


def close_all(case: Case, *, reason: str, by_death: bool = False) -> None:
    for proposal in _opened(case):
        proposal.closed_by_death = by_death
        proposal.withdraw()
        proposal.reason = reason
        _decided(case, proposal, "reason", "closed_by_death")
        audit.record("proposal.closed", by=case.by, patient=case.patient, subject=proposal, reason=reason)


def restore_after_death(case: Case) -> None:
    for proposal in Proposal.objects.filter(
        enrollment=case.enrollment, status=ProposalStatus.WITHDRAWN, closed_by_death=True
    ):
        if _rests_on_retracted(proposal):
            continue
        proposal.reopen()
        proposal.closed_by_death, proposal.reason = False, ""
        proposal.decided_at, proposal.decided_on, proposal.decided_by = None, None, None
        proposal.keep("status", "closed_by_death", "reason", "decided_at", "decided_on", "decided_by")
        audit.record("proposal.restored", by=case.by, patient=case.patient, subject=proposal, reason="death reversed")
    case.forget_open_work()


def carry(case: Case, target: Case) -> None:
    """To the patient's new pathway: what exists there is carried, the rest is closed with the reason."""
    for proposal in _opened(case):
        if _fits(proposal, target):
            if proposal.stage is not None:
                proposal.stage_id = target.version.stage_ids[proposal.stage.code]
            proposal.enrollment = target.enrollment
            proposal.keep("enrollment", "stage")
        else:
            _withdraw(case, proposal, "change of pathway")
    case.forget_open_work()
    target.forget_open_work()


# within one track


def _ask_in_track(case: Case, track: str, targets: dict[str, list[Episode]]) -> None:
    present = _open_in(case, track)
    wanted = set(targets) | ({present.stage.code} if present and present.stage else set())
    furthest = max(wanted, key=lambda stage: _rank(case, track, stage))
    for stage, grounds in targets.items():
        _forget_until(case, track=track, stage_id=case.version.stage_ids[stage])
        if present is not None and present.stage is not None and present.stage.code == stage:
            _ground(present, grounds)
        elif stage != furthest:
            _ground(_superseded_for(case, track, stage) or _open(case, track, stage, superseded=True), grounds)
    if furthest in targets and (present is None or present.stage is None or present.stage.code != furthest):
        if present is not None:
            _supersede(case, present, "a later stage is asked for")
        _ground(_open(case, track, furthest), targets[furthest])


def _ask_for_nearer(case: Case, track: str) -> None:
    """The furthest one is gone: open the furthest superseded one that a rule still asks for."""
    waiting = [
        one
        for one in case.proposals
        if one.status == ProposalStatus.SUPERSEDED
        and one.track == track
        and one.stage is not None
        and one.stage.rank > case.rank(track)
    ]
    for proposal in sorted(waiting, key=_rank_and_age, reverse=True):
        if _episodes_asking(case, proposal, among=[g.episode_id for g in proposal.grounds.all()]):
            if not _was_decided_since(proposal):
                proposal.reopen()
                proposal.opened_at, proposal.opened_on = case.at, case.today
                proposal.decided_at, proposal.decided_on, proposal.decided_by, proposal.reason = None, None, None, ""
                proposal.keep("status", "opened_at", "opened_on", "decided_at", "decided_on", "decided_by", "reason")
                _tell_opened(case, proposal, f"{track} → {proposal.stage.code if proposal.stage else ''}")
                return


def _rank_and_age(proposal: Proposal) -> tuple[int, int]:
    return (proposal.stage.rank if proposal.stage else -1), proposal.pk


def _was_decided_since(proposal: Proposal) -> bool:
    """A person has said no to the same target after this one was superseded."""
    later = Proposal.objects.filter(
        enrollment=proposal.enrollment_id, stage=proposal.stage_id, status=ProposalStatus.DECLINED, pk__gt=proposal.pk
    )
    return bool(later.exists())


def _episodes_asking(case: Case, proposal: Proposal, among: list[int] | None = None) -> list[Episode]:
    """Running episodes whose rule asks for this target and hits now."""
    episodes = Episode.objects.filter(patient=case.patient, ended_at=None, is_shadow=False)
    if among is not None:
        episodes = episodes.filter(pk__in=among)
    target = proposal.stage.code if proposal.stage is not None else ""
    found = []
    for episode in episodes:
        rule = case.rules.by_key.get(episode.key)
        if rule is None or case.judge.judge(rule.compiled.code).verdict is not V.HIT:
            continue
        if any(
            (proposal.code and e.proposal == proposal.code)
            or (target and (e.track, e.stage) == (proposal.track, target))
            for e in rule.rule.effects
        ):
            found.append(episode)
    return found


def _opened(case: Case) -> list[Proposal]:
    return [one for one in case.proposals if one.status == ProposalStatus.OPEN]


def _open_in(case: Case, track: str) -> Proposal | None:
    return next((one for one in _opened(case) if one.track == track), None)


def _superseded_for(case: Case, track: str, stage: str) -> Proposal | None:
    target = (track, case.version.stage_ids[stage])
    found = [
        one for one in case.proposals if one.status == ProposalStatus.SUPERSEDED and (one.track, one.stage_id) == target
    ]
    return found[-1] if found else None


def _rank(case: Case, track: str, stage: str) -> int:
    return case.version.stage(track, stage).rank


def _open(case: Case, track: str = "", stage: str = "", *, code: str = "", superseded: bool = False) -> Proposal:
    proposal: Proposal = Proposal(
        enrollment=case.enrollment,
        track=track,
        stage_id=case.version.stage_ids[stage] if stage else None,
        code=code,
        opened_at=case.at,
        opened_on=case.today,
    )
    if superseded:  # asked for together with a later stage: never shown, but remembered
        proposal.supersede()
    proposal.save()
    case.proposals.append(proposal)
    if not superseded:
        _tell_opened(case, proposal, code or f"{track} → {stage}")
    return proposal


def _tell_opened(case: Case, proposal: Proposal, what: str) -> None:
    audit.record("proposal.opened", by=case.by, patient=case.patient, subject=proposal, after={"what": what})


def _ground(proposal: Proposal, grounds: Grounds) -> None:
    ProposalGround.objects.bulk_create(
        [ProposalGround(proposal=proposal, episode=episode) for episode in grounds], ignore_conflicts=True
    )


def _forget_until(case: Case, *, track: str = "", stage_id: int | None = None, code: str = "") -> None:
    """Asked for again, by whatever: the day that a declined one named is past."""
    for proposal in case.proposals:
        if proposal.until is not None and (proposal.track, proposal.stage_id, proposal.code) == (track, stage_id, code):
            proposal.until = None
            proposal.keep("until")


def _supersede(case: Case, proposal: Proposal, reason: str) -> None:
    proposal.supersede()
    proposal.reason = reason
    _decided(case, proposal, "reason")
    audit.record("proposal.superseded", by=case.by, patient=case.patient, subject=proposal, reason=reason)


def _withdraw(case: Case, proposal: Proposal, reason: str) -> None:
    proposal.withdraw()
    proposal.reason = reason
    _decided(case, proposal, "reason")
    audit.record("proposal.withdrawn", by=case.by, patient=case.patient, subject=proposal, reason=reason)


def _decided(case: Case, proposal: Proposal, *more: str) -> None:
    proposal.decided_at, proposal.decided_on, proposal.decided_by = case.at, case.today, case.by
    proposal.keep("status", "decided_at", "decided_on", "decided_by", *more)


def _basis(proposal: Proposal) -> list[int]:
    """The hits so far of every episode that asks for it."""
    return sorted(Hit.objects.filter(episode__proposal_grounds__proposal=proposal).values_list("pk", flat=True))


def _check_open(proposal: Proposal) -> None:
    if proposal.status != ProposalStatus.OPEN:
        raise errors.Conflict("not-allowed", f"This proposal is {proposal.get_status_display()} already")


def _fits(proposal: Proposal, target: Case) -> bool:
    if proposal.stage is None:
        known = target.vocabulary.proposals[proposal.code]
        return proposal.code != "change-pathway" and (not known.pathways or target.pathway in known.pathways)
    return target.version.has_stage(proposal.track, proposal.stage.code) and proposal.stage.rank > target.rank(
        proposal.track
    )
