"""Who is away: their deputy hears of patients whom the deputy sees, and of no others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail

from pathway import errors, flow
from pathway.models import Cover, Delivery, Membership, MessageSettings, User
from pathway.selectors import inbox, invariants
from pathway.selectors.preferences import Wishes
from pathway.services import preferences
from pathway.services.deliveries import NEXT_TIER, STANDS_IN
from tests import builders
from tests.builders import Clinic

DUE = builders.at(28)
TODAY = DUE.date()
AWAY = (TODAY - timedelta(days=3), TODAY)


@pytest.fixture
def deputy(clinic: Clinic) -> User:
    """A second dietitian of the site, who does not care for the patient."""
    return builders.user(clinic.site, "dietitian", email="deputy@clinic.example")


def leave(clinic: Clinic, deputy: User | None, away: tuple[date, date] = AWAY) -> None:
    wishes = Wishes(away=away, deputy=None if deputy is None else deputy.pk)
    preferences.save(clinic.people["dietitian"], wishes, offered={})


def cover(clinic: Clinic, deputy: User, *, until: timedelta = timedelta(days=1)) -> Cover:
    return Cover.objects.create(
        site=clinic.site, user=deputy, role="dietitian", stands_in_for=clinic.people["dietitian"],
        since=DUE - timedelta(days=1), until=DUE + until, reason="leave",
    )  # fmt: skip


def told() -> dict[User, tuple[str, str]]:
    flow.sweep(at=DUE, trigger="test")
    rows = Delivery.objects.filter(reminder__task__activity="dietitian-review", channel="inbox")
    return {row.person: (row.status, row.reason) for row in rows.select_related("person")}


def test_a_deputy_of_the_team_is_told_too(clinic: Clinic, deputy: User) -> None:
    builders.join(clinic.patient, deputy, "physiotherapist")
    leave(clinic, deputy)
    assert told() == {clinic.people["dietitian"]: ("sent", ""), deputy: ("sent", STANDS_IN)}


def test_a_deputy_with_a_cover_is_told_and_reads_it(clinic: Clinic, deputy: User) -> None:
    cover(clinic, deputy)
    leave(clinic, deputy)
    assert told()[deputy] == ("sent", STANDS_IN)
    (message,) = inbox.messages(deputy, DUE).messages
    assert message.detail.endswith(STANDS_IN)
    flow.deliver(at=DUE + timedelta(minutes=2))
    assert ["deputy@clinic.example"] in [one.to for one in mail.outbox]
    assert [one for one in invariants.violations(DUE) if one.number == 4] == []


def test_a_deputy_who_does_not_see_the_patient_hears_nothing_and_the_coordinator_is_told_why(
    clinic: Clinic, deputy: User
) -> None:
    leave(clinic, deputy)
    assert told() == {
        clinic.people["dietitian"]: ("sent", ""),
        clinic.people["nurse-coordinator"]: ("sent", NEXT_TIER),
    }
    flow.deliver(at=DUE + timedelta(minutes=2))
    assert ["deputy@clinic.example"] not in [one.to for one in mail.outbox]
    assert not Delivery.objects.filter(person=deputy).exists()


def test_nobody_named_leads_to_the_coordinator_as_well(clinic: Clinic) -> None:
    leave(clinic, None)
    assert told()[clinic.people["nurse-coordinator"]] == ("sent", NEXT_TIER)


def test_a_colleague_of_the_same_role_who_is_there_is_enough(clinic: Clinic, deputy: User) -> None:
    builders.join(clinic.patient, deputy, "dietitian")
    leave(clinic, None)
    assert told() == {clinic.people["dietitian"]: ("sent", ""), deputy: ("sent", "")}


def test_a_deputy_who_is_away_too_does_not_stand_in(clinic: Clinic, deputy: User) -> None:
    builders.join(clinic.patient, deputy, "physiotherapist")
    preferences.save(deputy, Wishes(away=AWAY), offered={})
    leave(clinic, deputy)
    assert told() == {
        clinic.people["dietitian"]: ("sent", ""),
        clinic.people["nurse-coordinator"]: ("sent", NEXT_TIER),
    }


@pytest.mark.parametrize(
    "away", [(TODAY + timedelta(days=1), TODAY + timedelta(days=9)), (TODAY - timedelta(days=9), AWAY[0])]
)
def test_only_while_it_lasts(clinic: Clinic, deputy: User, away: tuple[date, date]) -> None:
    cover(clinic, deputy)
    leave(clinic, deputy, away)
    assert told() == {clinic.people["dietitian"]: ("sent", "")}


def test_a_cover_that_ends_before_the_message_leaves_keeps_it_back(clinic: Clinic, deputy: User) -> None:
    cover(clinic, deputy, until=timedelta(seconds=30))
    leave(clinic, deputy)
    assert told()[deputy] == ("sent", STANDS_IN)
    flow.deliver(at=DUE + timedelta(minutes=2))
    mailed = Delivery.objects.get(person=deputy, channel="email")
    assert (mailed.status, mailed.reason) == ("cancelled", "no longer on the care team")
    assert ["deputy@clinic.example"] not in [one.to for one in mail.outbox]


def test_only_a_colleague_of_the_same_role_and_site_can_be_a_deputy(clinic: Clinic, deputy: User) -> None:
    elsewhere = builders.user(builders.site(), "dietitian")
    for other in (elsewhere, clinic.people["physiotherapist"], clinic.people["dietitian"]):
        with pytest.raises(errors.InvalidEntry) as refusal:
            leave(clinic, other)
        assert refusal.value.field == "deputy"
    Membership.objects.filter(user=deputy).update(is_active=False)
    with pytest.raises(errors.InvalidEntry):
        leave(clinic, deputy)
    assert not MessageSettings.objects.exists()
