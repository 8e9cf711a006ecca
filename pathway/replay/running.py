"""Files in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pathway import errors, office
from pathway.models import Pathway, Rule
from pathway.replay import expectations, player, questions, scenarios
from pathway.replay.expectations import Outcome
from pathway.replay.scenarios import Known, Question, Scenario
from pathway.selectors import definitions


@dataclass(frozen=True, slots=True)
class Checked:
    """One expectation of one step."""

    scenario: str
    step: str
    outcome: Outcome

    def as_json(self) -> dict[str, Any]:
        return {"scenario": self.scenario, "step": self.step, **asdict(self.outcome)}


@dataclass(slots=True)
class Report:
    scenarios: int = 0
    checked: list[Checked] = field(default_factory=list)

    @property
    def failed(self) -> list[Checked]:
        return [one for one in self.checked if not one.outcome.holds]

    @property
    def summary(self) -> str:
        return f"{self.scenarios} scenarios, {len(self.checked)} expectations, {len(self.failed)} failed"


def run(paths: Iterable[Path], *, fixtures: Path | None, at: Any) -> Report:
    """Replay the files; the database is left as it was. Raises ContentError for a file that is not valid."""
    report = Report()
    with player.rolled_back():
        if fixtures is not None:
            office.load_pathways(fixtures, at=at)
        known = known_codes()
        for told in [scenarios.read(path, known) for path in paths]:
            if isinstance(told, Scenario):
                report.scenarios += 1
                with player.rolled_back():
                    report.checked += list(_play(told))
            else:
                report.scenarios += 1
                report.checked += [_answer(one) for one in told]
    return report


def known_codes() -> Known:
    """The codes of the newest release and of all published rule sets and pathways."""
    rows = Rule.objects.values_list("code", "version__rule_set__code").distinct()
    codes = {code for code, _ in rows} | {f"{rule_set}/{code}" for code, rule_set in rows}
    return Known(
        vocabulary=definitions.vocabulary(),
        rules=frozenset(codes),
        rule_sets=frozenset(rule_set for _, rule_set in rows),
        pathways=frozenset(Pathway.objects.values_list("code", flat=True)),
    )


def _play(scenario: Scenario) -> Iterator[Checked]:
    try:
        play = player.begin(scenario)
    except errors.Refused as refused:
        yield Checked(scenario.name, "enrolment", Outcome("enrolment", False, "accepted", str(refused)))
        return
    for number, step in enumerate(scenario.steps, 1):
        player.advance(play, step.on)
        player.act(play, step)
        name = f"step {number} ({step.on}, line {step.line})"
        for outcome in expectations.check(play, step.expect):
            yield Checked(scenario.name, name, outcome)
        play.note_marks()


def _answer(question: Question) -> Checked:
    return Checked(question.name, f"line {question.line}", questions.answer(question))
