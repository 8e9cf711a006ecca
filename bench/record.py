"""Recording one observation with all its consequences: measures, rules, alerts, proposals, tasks, audit."""

from __future__ import annotations

from collections.abc import Callable

from bench.cases import Action, Benchmark, Case
from bench.footprints import Footprint
from bench.originals import Clinic, Original
from pathway import flow
from pathway.models import Alert, CareTask, Observation, Proposal
from pathway.services.observations import NewObservation

PLAIN, ALARMING = 98.4, 94.5  # % of the usual weight: as the last one, and a loss of more than 5 %


def _weigh(percent: float) -> Callable[[Clinic, Original, int], Action]:
    def action(clinic: Clinic, original: Original, enrollment: int) -> Action:
        form = (NewObservation("weight", f"{original.usual_weight * percent / 100:.1f}", "kg"),)
        return lambda: flow.record(enrollment, form, at=clinic.moment, by=clinic.by)

    return action


def _is_plain(written: Footprint) -> bool:
    return Observation in written.added and Alert not in written.added


def _is_alarming(written: Footprint) -> bool:
    return all(model in written.added for model in (Alert, Proposal, CareTask))


BENCHMARK = Benchmark(
    "record",
    "record one observation with all its consequences",
    2.5,
    (
        Case("plain value", False, _weigh(PLAIN), _is_plain),
        Case("alerts and a proposal", False, _weigh(ALARMING), _is_alarming),
    ),
)
