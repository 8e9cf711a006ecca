"""Confirming a transition: proposal, stays, tasks laid out again, rules judged, audit."""

from __future__ import annotations

from collections.abc import Callable

from bench.cases import Action, Benchmark, Case
from bench.footprints import Footprint
from bench.originals import Clinic, Original
from pathway import flow
from pathway.models import Proposal, ProposalStatus, Stay


def _accept(track: str) -> Callable[[Clinic, Original, int], Action]:
    def action(clinic: Clinic, original: Original, enrollment: int) -> Action:
        proposal = Proposal.objects.get(enrollment=enrollment, track=track, status=ProposalStatus.OPEN).pk
        return lambda: flow.accept(proposal, at=clinic.moment, by=clinic.by)

    return action


def _moved(written: Footprint) -> bool:
    return Stay in written.added and Stay in written.changed and Proposal in written.changed


BENCHMARK = Benchmark(
    "accept",
    "confirm a transition with everything",
    2.0,
    (
        Case("nutrition", True, _accept("nutrition"), _moved),
        Case("respiratory", True, _accept("respiratory"), _moved),
    ),
)
