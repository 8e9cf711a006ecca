"""Forms of work with a patient: completing a task with its checklist and teaching, and teaching by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.selectors import guidance
from pathway.selectors.guidance import ItemView, TaskGuidance, TopicView
from pathway.services.guidance import Answer
from pathway.web.forms import DayField, PlainForm

NOTE_LENGTH = 300
CHECK, NOTE, TEACH = "check.", "note.", "teach."


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item with its two fields."""

    item: ItemView
    answer: forms.BoundField
    note: forms.BoundField


@dataclass(frozen=True, slots=True)
class TopicRow:
    topic: TopicView
    answer: forms.BoundField


class CompleteForm(PlainForm):
    """Nothing of the checklist must be answered: what was not looked at stays without an answer."""

    effective = DayField(label=_("Done on"), help_text=_("The next one is counted from this day."))
    outcome = forms.CharField(label=_("Outcome (if any)"), required=False, max_length=40)

    def __init__(self, *args: Any, asked: TaskGuidance, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = asked
        for item in asked.checklist:
            answers = [("", _("not looked at")), *guidance.findings()]
            self.add(f"{CHECK}{item.code}", _radios(item.text, answers, item.answer))
            self.add(f"{NOTE}{item.code}", _note(item.note))
        for topic in asked.topics:
            answers = [("", _("not taught today")), *guidance.teach_backs()]
            self.add(f"{TEACH}{topic.code}", _radios(topic.title, answers, ""))

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        return [self["effective"], self["outcome"]]

    @property
    def checklist(self) -> list[ItemRow]:
        return [ItemRow(one, self[f"{CHECK}{one.code}"], self[f"{NOTE}{one.code}"]) for one in self.asked.checklist]

    @property
    def topics(self) -> list[TopicRow]:
        return [TopicRow(one, self[f"{TEACH}{one.code}"]) for one in self.asked.topics]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name, note in list(given.items()):
            answer = f"{CHECK}{name.removeprefix(NOTE)}"
            if name.startswith(NOTE) and note and not given.get(answer):
                self.add_error(answer, _("Say what this note is about"))
        return given

    def answers(self) -> dict[str, Answer]:
        given = self.cleaned_data
        return {
            item.code: Answer(given[f"{CHECK}{item.code}"], given.get(f"{NOTE}{item.code}", ""))
            for item in self.asked.checklist
            if given.get(f"{CHECK}{item.code}")
        }

    def taught(self) -> dict[str, str]:
        """How each topic that was taught was told back."""
        given = self.cleaned_data
        return {one.code: given[f"{TEACH}{one.code}"] for one in self.asked.topics if given.get(f"{TEACH}{one.code}")}


class TeachForm(PlainForm):
    teach_back = forms.ChoiceField(label=_("Told back in their own words"), widget=forms.RadioSelect)
    effective = DayField(label=_("Taught on"))
    note = forms.CharField(
        label=_("Note (if any)"), required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["teach_back"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = guidance.teach_backs()


def _radios(label: str, choices: list[Any], initial: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect, required=False, initial=initial)


def _note(initial: str) -> forms.CharField:
    return forms.CharField(label=_("Note"), required=False, max_length=NOTE_LENGTH, initial=initial)
