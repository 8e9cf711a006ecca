"""Teams stay changeable, places end by themselves, and a patient whom nobody steers can be taken over."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from pathway import access, clock, errors, flow, office
from pathway.models import AuditEvent, CareTeamMember, Membership, Site, User
from pathway.selectors import emergencies, inbox
from pathway.services.people import Place
from pathway.vocabulary import Role
from tests import builders
from tests.web.cast import Cast, signed_in

NURSE = str(Role.NURSE_COORDINATOR)


def team(cast: Cast) -> set[Place]:
    rows = CareTeamMember.objects.current(clock.now()).filter(patient=cast.patient)
    return set(rows.values_list("user_id", "role"))


def numbers(user: User) -> list[str]:
    return [one.number for gap in emergencies.unsteered(user, clock.now()) for one in gap.patients]


def test_no_door_can_leave_a_team_that_nobody_may_change(cast: Cast) -> None:
    before = team(cast)
    doctors = [place for place in before if place[1] == Role.NEUROLOGIST and place[0] == cast.member.pk]
    locum = (cast.coordinator.pk, NURSE)
    ends = {locum: clock.now() + timedelta(days=5)}
    for members, until in ((doctors, {}), ([*doctors, locum], ends)):
        with pytest.raises(errors.InvalidEntry) as refused:
            office.set_care_team(cast.patient, members, ends=until, at=clock.now(), by=cast.coordinator)
        assert refused.value.field == "members"
    assert team(cast) == before


def test_a_locum_is_on_the_team_until_the_day_and_not_longer(cast: Cast) -> None:
    client, here = signed_in(cast.coordinator), reverse("team", args=[cast.patient.uuid])
    members = [f"{cast.coordinator.pk}:{NURSE}", f"{cast.member.pk}:neurologist"]
    seen = " ".join(sorted(f"{user}:{role}" for user, role in team(cast)))
    friday = clock.now() + timedelta(days=3)
    form = {"members": members, "seen": seen, "guest": f"{cast.colleague.pk}:neurologist"}
    assert client.post(here, form).status_code == 422  # no day
    past = {**form, "guest_until": "2020-01-01"}
    assert client.post(here, past).status_code == 422
    assert client.post(here, {**form, "guest_until": f"{friday:%Y-%m-%d}"}).status_code == 302
    place = CareTeamMember.objects.get(patient=cast.patient, user=cast.colleague)
    assert place.until is not None and place.until > friday
    assert access.patients(cast.colleague, place.until - timedelta(seconds=1)).exists()
    assert not access.patients(cast.colleague, place.until).exists()
    # Saving the team again leaves the end as it is; leaving the locum out ends the place at once.
    seen = " ".join(sorted(f"{user}:{role}" for user, role in team(cast)))
    both = [*members, f"{cast.colleague.pk}:neurologist"]
    assert client.post(here, {"members": both, "seen": seen}).status_code == 302
    assert CareTeamMember.objects.get(pk=place.pk).until == place.until
    assert client.post(here, {"members": members, "seen": seen}).status_code == 302
    assert not access.patients(cast.colleague, clock.now()).exists()
    assert AuditEvent.objects.filter(action="care-team.set").count() == 2


def test_who_leaves_a_team_loses_messages_and_worklist_with_the_next_request(cast: Cast) -> None:
    flow.sweep(at=clock.now() + timedelta(days=1), trigger="test")
    member = next(user for user in (cast.member, cast.dietitian) if user.deliveries.exists())
    client = signed_in(member)
    assert cast.patient.family_name in client.get(reverse("inbox")).content.decode()
    office.set_care_team(cast.patient, [(cast.coordinator.pk, NURSE)], at=clock.now(), by=cast.coordinator)
    assert inbox.unread(member, clock.now()) == 0
    for address in ("/", reverse("inbox"), reverse("search")):
        assert cast.patient.family_name not in client.get(address).content.decode()


def test_a_coordinator_may_leave_and_name_another_in_one_step(cast: Cast) -> None:
    successor = builders.user(cast.site, Role.NURSE_COORDINATOR)
    seen = " ".join(sorted(f"{user}:{role}" for user, role in team(cast)))
    form = {"members": [f"{successor.pk}:{NURSE}"], "seen": seen}
    assert signed_in(cast.coordinator).post(reverse("team", args=[cast.patient.uuid]), form).status_code == 302
    assert team(cast) == {(successor.pk, NURSE)}


@pytest.mark.parametrize("how", ["account", "role"])
def test_a_patient_left_without_coordinator_is_reported_by_number_and_taken_over(cast: Cast, how: str) -> None:
    successor = builders.user(cast.site, Role.NURSE_COORDINATOR)
    assert numbers(successor) == []
    if how == "account":
        User.objects.filter(pk=cast.coordinator.pk).update(is_active=False)
    else:
        Membership.objects.filter(user=cast.coordinator).update(is_active=False)
    assert numbers(successor) == [cast.patient.identifier]
    client = signed_in(successor)
    page = client.get(reverse("unsteered")).content.decode()
    assert cast.patient.identifier in page and cast.patient.family_name not in page
    address = reverse("adopt", args=[cast.patient.uuid])
    assert client.get(reverse("patient", args=[cast.patient.uuid])).status_code == 404
    assert client.get(address).status_code == 405
    assert client.post(address).headers["Location"] == reverse("team", args=[cast.patient.uuid])
    assert client.get(reverse("patient", args=[cast.patient.uuid])).status_code == 200
    assert AuditEvent.objects.filter(action="care-team.adopted", patient=cast.patient, actor=successor).count() == 1
    assert numbers(successor) == []
    assert client.post(address).status_code == 404  # once


def test_nobody_takes_over_whom_somebody_steers_or_who_is_elsewhere(cast: Cast) -> None:
    here, nowhere = reverse("adopt", args=[cast.patient.uuid]), reverse("adopt", args=[uuid4()])
    foreign = builders.user(Site.objects.exclude(pk=cast.site.pk).get(), Role.NURSE_COORDINATOR)
    local = builders.user(cast.site, Role.NURSE_COORDINATOR)
    for user in (local, foreign, cast.colleague, cast.admin, cast.superuser):
        hidden, missing = signed_in(user).post(here), signed_in(user).post(nowhere)
        assert hidden.status_code == 404 and hidden.content == missing.content
    User.objects.filter(pk=cast.coordinator.pk).update(is_active=False)
    for user in (foreign, cast.colleague, cast.member, cast.admin, cast.superuser):
        assert signed_in(user).post(here).status_code == 404
        assert numbers(user) == []
    for user in (cast.colleague, cast.admin, cast.superuser):
        assert signed_in(user).get(reverse("unsteered")).status_code == 403
    assert not AuditEvent.objects.filter(action="care-team.adopted").exists()
