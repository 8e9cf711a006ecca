"""The one predicate against its sentence: a team, standing in, on call or an emergency, where the person works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathway import access, actor, clock
from pathway.access import Permit
from pathway.models import CareTeamMember, Cover, EmergencyGrant, Membership, Patient, Site, User
from tests import builders, walls

NOW = builders.at(10)
ROLES = ("neurologist", "dietitian", "nurse-coordinator", "admin", "auditor")
CARE = ("neurologist", "dietitian", "nurse-coordinator")
PEOPLE, SITES, PATIENTS = range(3), range(2), range(4)


@dataclass(frozen=True)
class Spell:
    """Hours around NOW; `until` None is open."""

    since: int
    until: int | None

    def holds(self, hour: int) -> bool:
        return self.since <= hour and (self.until is None or hour < self.until)


def moment(hour: int) -> datetime:
    return NOW + timedelta(hours=hour)


spells = st.builds(
    lambda since, length: Spell(since, None if length is None else since + length),
    st.integers(-3, 3),
    st.one_of(st.none(), st.integers(1, 4)),
)
bounded = st.builds(lambda since, length: Spell(since, since + length), st.integers(-3, 3), st.integers(1, 4))
person, site, patient = st.sampled_from(PEOPLE), st.sampled_from(SITES), st.sampled_from(PATIENTS)
worlds = st.fixed_dictionaries(
    {
        "active": st.lists(st.booleans(), min_size=len(PEOPLE), max_size=len(PEOPLE)),
        "homes": st.lists(site, min_size=len(PATIENTS), max_size=len(PATIENTS)),
        "memberships": st.dictionaries(st.tuples(person, site, st.sampled_from(ROLES)), st.booleans(), max_size=9),
        "places": st.lists(st.tuples(patient, person, st.sampled_from(CARE), spells), max_size=6),
        "covers": st.lists(
            st.tuples(person, site, st.sampled_from(CARE), st.one_of(st.none(), person), bounded), max_size=3
        ),
        "emergencies": st.lists(st.tuples(patient, person, bounded), max_size=3),
    }
)
World = dict[str, Any]


def expected(world: World, who: int, hour: int) -> dict[int, set[str]]:
    """Patient → roles in which this person sees them at that hour, as the documents say it."""
    found: dict[int, set[str]] = {}
    if not world["active"][who]:
        return found
    held = {(s, role) for (p, s, role), is_active in world["memberships"].items() if p == who and is_active}
    for subject in PATIENTS:
        home = world["homes"][subject]
        here = {role for s, role in held if s == home and role in CARE}
        for on, member, role, spell in world["places"]:
            if on == subject and member == who and here and spell.holds(hour):
                found.setdefault(subject, set()).update({role} & here)
        for coverer, at_site, role, absent, spell in world["covers"]:
            if coverer != who or at_site != home or role not in here or absent == who or not spell.holds(hour):
                continue
            if absent is None or any(
                on == subject and member == absent and place == role and term.holds(hour)
                for on, member, place, term in world["places"]
            ):
                found.setdefault(subject, set()).add(role)
        for on, opener, spell in world["emergencies"]:
            if on == subject and opener == who and here and spell.holds(hour):
                found.setdefault(subject, set()).update(here)
    return found


def build(world: World) -> tuple[list[User], list[Patient], list[Site]]:
    sites = [builders.site() for _ in SITES]
    people = [builders.user(is_active=is_active) for is_active in world["active"]]
    patients = [builders.patient(sites[home]) for home in world["homes"]]
    for (who, where, role), is_active in world["memberships"].items():
        Membership.objects.create(user=people[who], site=sites[where], role=role, is_active=is_active)
    taken = set()
    for on, who, role, spell in world["places"]:
        if spell.until is None and (on, who, role) in taken:
            continue
        taken.add((on, who, role)) if spell.until is None else None
        CareTeamMember.objects.create(patient=patients[on], user=people[who], role=role, **stretch(spell))
    for who, where, role, absent, spell in world["covers"]:
        if absent != who:
            colleague = None if absent is None else people[absent]
            Cover.objects.create(
                user=people[who], site=sites[where], role=role, stands_in_for=colleague, reason="x", **stretch(spell)
            )
    for on, who, spell in world["emergencies"]:
        EmergencyGrant.objects.create(
            patient=patients[on], user=people[who], reason_code="other", reason="x", **stretch(spell)
        )
    return people, patients, sites


def stretch(spell: Spell) -> dict[str, datetime | None]:
    return {"since": moment(spell.since), "until": None if spell.until is None else moment(spell.until)}


@pytest.mark.usefixtures("loaded")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds, who=person, hour=st.integers(-4, 8))
def test_list_detail_count_roles_and_the_wall_agree_with_the_sentence_for_anybody_at_any_time(
    world: World, who: int, hour: int
) -> None:
    savepoint = transaction.savepoint()
    people, patients, _ = build(world)
    user, at = people[who], moment(hour)
    should = {patients[number].pk: roles for number, roles in expected(world, who, hour).items()}
    listed = access.patients(user, at)
    assert set(listed.values_list("pk", flat=True)) == should.keys()
    assert listed.count() == len(should)
    for one in patients:
        assert access.roles_for(user, one, at) == should.get(one.pk, set())
        assert bool(access.ways_for(user, one, at)) == (one.pk in should)
        if one.pk in should:
            assert access.patient_or_not_found(user, one.uuid, at) == one
        else:
            with pytest.raises(access.errors.NotFound):
                access.patient_or_not_found(user, one.uuid, at)
            assert access.permits_for(user, one, at) == frozenset()
    with walls.role("pathway_web"), actor.acting(actor.person(user.pk)), clock.simulated(at), transaction.atomic():
        assert set(Patient.objects.unscoped("test").values_list("pk", flat=True)) == should.keys()
        assert set(access.patients(user, at).values_list("pk", flat=True)) == should.keys()
    transaction.savepoint_rollback(savepoint)


def test_an_emergency_gives_care_and_neither_the_record_nor_the_team(loaded: None) -> None:
    clinic = builders.clinic()
    nurse = builders.user(clinic.site, "nurse-coordinator")
    EmergencyGrant.objects.create(
        patient=clinic.patient, user=nurse, reason_code="other", reason="called",
        since=builders.at(1), until=builders.at(1, hour=13),
    )  # fmt: skip
    permits = access.permits_for(nurse, clinic.patient, builders.at(1, hour=10))
    assert Permit.OBSERVE in permits and Permit.DECIDE in permits
    assert not permits & {Permit.EXPORT, Permit.SET_TEAM, Permit.COVER, Permit.MERGE, Permit.TRANSFER, Permit.STEER}
    assert access.permits_for(nurse, clinic.patient, builders.at(1, hour=13)) == frozenset()
