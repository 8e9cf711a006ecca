"""The shape of an action: a title, a permit, a form, and the call to flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from pathway import access, errors
from pathway.access import Permit
from pathway.selectors import cases
from pathway.selectors.cases import Case
from pathway.web import forms
from pathway.web.forms import PlainForm


@dataclass(slots=True)
class Target:
    """What is acted on. `key` is a code in the address (a track, an intervention) where there is one."""

    patient: access.Subject
    row: Any
    case: Case
    title: str
    key: str = ""

    @property
    def revision(self) -> int:
        return int(getattr(self.row, "revision", 0))


Act = Callable[[Target, PlainForm, datetime, access.Person], object]
MakeForm = Callable[[Target, dict[str, Any]], PlainForm]


@dataclass(frozen=True, slots=True)
class Action:
    """`is_grave`: the button says so by its color. `more` is what its template shows beside the form."""

    title: Any
    button: Any
    permit: Permit
    make_form: MakeForm
    act: Act
    is_grave: bool = False
    hint: Any = ""
    template: str = "act"
    more: Callable[[Target], Mapping[str, Any]] = lambda target: {}
    # Asked after the permit, where it depends on the row: raises Forbidden.
    also_require: Callable[[Target, access.Person, datetime], None] = lambda target, user, at: None


def plain(form_class: type[PlainForm]) -> MakeForm:
    """A form that needs nothing from the patient but the day."""

    def make(target: Target, given: dict[str, Any]) -> PlainForm:
        return form_class(initial=forms.today_for(form_class, target.case.today), **given)

    return make


@dataclass(frozen=True)
class Noun:
    """A kind of row: how it is found by one user, what it is called, what can be done to it."""

    find: Callable[[access.Person, int, datetime], Any]
    enrollment_of: Callable[[Any], Any]
    title: Callable[[Any, Case], str]
    state: Callable[[Any, Case], str]
    actions: Mapping[str, Action] = field(default_factory=dict)


def check_revision(noun: Noun, target: Target, seen: str, at: datetime, by: access.Person) -> None:
    """Under the lock of the enrollment: the row is still what the person saw, else Conflict saying what it is now."""
    cases.lock(target.case.enrollment.pk, at=at, by=by)
    target.row.refresh_from_db()
    if hasattr(target.row, "revision") and seen != str(target.row.revision):
        now = noun.state(target.row, target.case)
        reason = _("Someone was faster, and nothing of yours was stored. Now: %(state)s") % {"state": now}
        raise errors.Conflict("not-allowed", reason)
