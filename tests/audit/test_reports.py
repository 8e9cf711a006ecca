"""Who looked at whom, as those may read it who answer for it; auditors know patients by number alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from pathway import audit, clock
from pathway.models import AccessReview, AuditEvent, CareTeamMember, EmergencyGrant, Membership, User
from pathway.selectors import access_reports, unusual
from pathway.vocabulary import Role
from tests import builders
from tests.web import cast as people
from tests.web.cast import Cast


@pytest.fixture
def auditor(cast: Cast) -> User:
    return builders.user(cast.site, Role.AUDITOR, first_name="Olga", last_name="Ledger")


def text(answer: object) -> str:
    assert answer.status_code == 200, answer.status_code  # type: ignore[attr-defined]
    return str(answer.content.decode())  # type: ignore[attr-defined]


def look(cast: Cast, user: User) -> None:
    assert people.signed_in(user).get(reverse("patient", args=[cast.patient.uuid])).status_code == 200


def last() -> AuditEvent:
    found = AuditEvent.objects.order_by("-pk").first()
    assert found is not None
    return found


# who looked at this patient


def test_the_coordinator_sees_who_looked_and_the_look_is_on_record(cast: Cast) -> None:
    User.objects.filter(pk=cast.dietitian.pk).update(first_name="Dora", last_name="Plate")
    look(cast, cast.dietitian)
    shown = text(people.signed_in(cast.coordinator).get(reverse("access-of-patient", args=[cast.patient.uuid])))
    assert "Dora Plate" in shown
    assert "opened the patient&#x27;s page" in shown
    assert "on the care team" in shown
    event = last()
    assert (event.action, event.actor, event.patient) == (
        "access.patient-report-read",
        cast.coordinator,
        cast.patient,
    )


def test_lists_that_the_patient_was_on_count_as_looks(cast: Cast) -> None:
    people.signed_in(cast.dietitian).get(reverse("home"))
    who = access_reports.people([cast.dietitian.pk])[cast.dietitian.pk]
    assert who in {one.who for one in access_reports.visitors(cast.patient.pk, cast.site)}


@pytest.mark.parametrize("who", ["dietitian"])
def test_others_of_the_team_do_not_see_it(cast: Cast, who: str) -> None:
    answer = people.signed_in(getattr(cast, who)).get(reverse("access-of-patient", args=[cast.patient.uuid]))
    assert answer.status_code == 403


def test_outsiders_do_not_find_it(cast: Cast, auditor: User) -> None:
    for user in [*cast.outsiders.values(), auditor]:
        answer = people.signed_in(user).get(reverse("access-of-patient", args=[cast.patient.uuid]))
        assert answer.status_code == 404, user


def test_the_link_is_on_the_page_of_those_who_may_follow_it(cast: Cast) -> None:
    address = reverse("access-of-patient", args=[cast.patient.uuid])
    page = reverse("patient", args=[cast.patient.uuid])
    assert address in text(people.signed_in(cast.member).get(page))
    assert address not in text(people.signed_in(cast.dietitian).get(page))


# by number, for auditors


def test_an_auditor_finds_a_patient_by_number_and_learns_no_name(cast: Cast, auditor: User) -> None:
    look(cast, cast.member)
    client = people.signed_in(auditor)
    answer = client.post(reverse("audit"), {"number": f" {cast.patient.identifier} "})
    assert answer.status_code == 302
    shown = text(client.get(answer["Location"]))
    assert cast.patient.identifier in shown
    assert cast.member.username in shown
    for name in (cast.patient.family_name, cast.patient.given_name):
        assert name not in shown
    assert last().purpose == "audit"


def test_a_number_of_another_site_is_not_known(cast: Cast, auditor: User) -> None:
    other = builders.patient(builders.site())
    client = people.signed_in(auditor)
    assert client.post(reverse("audit"), {"number": other.identifier}).status_code == 422
    assert client.get(reverse("audit-patient", args=[other.uuid])).status_code == 404


def test_what_a_person_looked_at_tells_numbers_of_the_site_alone(cast: Cast, auditor: User) -> None:
    elsewhere = builders.site()
    other = builders.patient(elsewhere)
    Membership.objects.create(user=cast.member, site=elsewhere, role=Role.NEUROLOGIST)
    builders.join(other, cast.member, Role.NEUROLOGIST)
    people.signed_in(cast.member).post(reverse("search"), {"text": ""})
    assert set(last().patients or []) == {cast.patient.pk, other.pk}
    shown = text(people.signed_in(auditor).get(reverse("audit-person", args=[cast.site.pk, cast.member.pk])))
    assert cast.patient.identifier in shown
    assert other.identifier not in shown
    assert cast.patient.family_name not in shown
    event = last()
    assert (event.action, event.subject, event.patients) == (
        "access.person-report-read",
        f"user:{cast.member.pk}",
        [cast.patient.pk],
    )


def test_the_days_of_the_report_are_chosen(cast: Cast, auditor: User) -> None:
    look(cast, cast.member)
    client = people.signed_in(auditor)
    address = reverse("audit-person", args=[cast.site.pk, cast.member.pk])
    assert cast.patient.identifier in text(client.get(address, {"since": "", "until": ""}))
    assert cast.patient.identifier not in text(client.get(address, {"since": "", "until": "2020-01-01"}))


def test_nobody_but_an_auditor_of_the_site_reads_the_audit(cast: Cast) -> None:
    elsewhere = builders.user(builders.site(), Role.AUDITOR)
    addresses = [reverse("audit-person", args=[cast.site.pk, cast.member.pk])]
    addresses += [reverse("audit-patient", args=[cast.patient.uuid]), reverse("audit")]
    for address in addresses:
        for user in (cast.member, cast.coordinator, cast.admin, cast.superuser):
            assert people.signed_in(user).get(address).status_code == 403, (user, address)
    for address in addresses[:2]:
        assert people.signed_in(elsewhere).get(address).status_code == 404


def test_pages_go_on_where_the_last_one_ended(cast: Cast) -> None:
    for _number in range(access_reports.PAGE + 7):
        audit.read("patient.read", by=cast.member, patients=[cast.patient.pk])
    total = AuditEvent.objects.filter(patient=cast.patient).count()
    seen, after = 0, ""
    while True:
        report = access_reports.of_patient(cast.patient.pk, cast.site, after=after)
        seen, after = seen + len(report.lines), report.next
        if not after:
            break
    assert seen == total > access_reports.PAGE
    assert access_reports.of_patient(cast.patient.pk, cast.site, after="x-1").lines


def test_the_report_costs_the_same_for_many_events(cast: Cast, django_assert_num_queries: object) -> None:
    audit.read("patient.read", by=cast.member, patients=[cast.patient.pk])
    with django_assert_num_queries(2):  # type: ignore[operator]
        access_reports.of_patient(cast.patient.pk, cast.site)
    for _number in range(40):
        audit.read("patient.read", by=cast.member, patients=[cast.patient.pk])
    with django_assert_num_queries(2):  # type: ignore[operator]
        access_reports.of_patient(cast.patient.pk, cast.site)


# unusual access


def keys(cast: Cast, user: User) -> set[str]:
    return {one.key.rsplit(":", 1)[0] for one in unusual.queue(cast.site, user, clock.now()).waiting}


def test_ordinary_work_is_not_unusual(cast: Cast, auditor: User) -> None:
    for user in (cast.member, cast.coordinator, cast.dietitian):
        look(cast, user)
    assert unusual.queue(cast.site, auditor, clock.now()).waiting == []


def test_many_patients_in_an_hour(cast: Cast, auditor: User, settings: Any) -> None:
    settings.UNUSUAL_PATIENTS_PER_HOUR = 3
    patients = [builders.patient(cast.site) for _number in range(4)]
    for patient in patients[:3]:
        audit.read("patient.read", by=cast.member, patients=[patient.pk])
    audit.read("worklist.read", by=cast.dietitian, patients=[one.pk for one in patients])
    assert keys(cast, auditor) == set()
    audit.read("patient.read", by=cast.member, patients=[patients[3].pk])
    assert keys(cast, auditor) == {f"many:{cast.member.pk}"}


def test_somebody_who_left_the_team_and_tries_again(cast: Cast, auditor: User) -> None:
    look(cast, cast.dietitian)
    CareTeamMember.objects.filter(user=cast.dietitian).update(until=clock.now())
    page = reverse("patient", args=[cast.patient.uuid])
    assert people.signed_in(cast.dietitian).get(page).status_code == 404
    (entry,) = unusual.queue(cast.site, auditor, clock.now()).waiting
    assert "saw before and do not see now" in entry.why
    assert cast.patient.identifier in entry.why
    assert cast.patient.family_name not in entry.why


def test_an_address_of_nobody_is_not_unusual_until_it_comes_often(cast: Cast, auditor: User, settings: Any) -> None:
    settings.UNUSUAL_NOT_FOUND_PER_HOUR = 2
    client = people.signed_in(cast.colleague)
    for number in range(3):
        assert keys(cast, auditor) == set()
        client.get(reverse("patient", args=[f"00000000-0000-4000-8000-00000000000{number}"]))
    assert keys(cast, auditor) == {f"not-found:{cast.colleague.pk}"}


def test_the_own_name(cast: Cast, auditor: User) -> None:
    User.objects.filter(pk=cast.member.pk).update(last_name=f" {cast.patient.family_name.upper()} ")
    look(cast, cast.member)
    (entry,) = unusual.queue(cast.site, auditor, clock.now()).waiting
    assert "own family name" in entry.why
    assert cast.patient.family_name.lower() not in entry.why.lower()


def test_the_audit_does_not_watch_itself(cast: Cast, auditor: User, settings: Any) -> None:
    settings.UNUSUAL_PATIENTS_PER_HOUR = 1
    client = people.signed_in(auditor)
    for patient in (cast.patient, builders.patient(cast.site)):
        client.get(reverse("audit-patient", args=[patient.uuid]))
    assert unusual.queue(cast.site, auditor, clock.now()).waiting == []


def test_emergencies_have_a_queue_of_their_own_and_a_link_here(cast: Cast, auditor: User) -> None:
    now = clock.now()
    EmergencyGrant.objects.create(
        patient=cast.patient, user=cast.colleague, reason_code="other", reason="fell", since=now, until=now
    )
    shown = text(people.signed_in(auditor).get(reverse("unusual")))
    assert reverse("emergency-reviews") in shown
    assert "1 emergency access waits" in shown


def test_a_mark_takes_the_entry_out_of_the_queue(cast: Cast, auditor: User) -> None:
    people.signed_in(cast.colleague).get(reverse("patient", args=[cast.patient.uuid]))
    client = people.signed_in(auditor)
    (entry,) = unusual.queue(cast.site, auditor, clock.now()).waiting
    address = reverse("unusual-mark", args=[cast.site.pk])
    assert client.post(address, {"key": entry.key}).status_code == 200
    assert client.post(address, {"key": entry.key, "verdict": "fine", "reason": " "}).status_code == 422
    assert AccessReview.objects.count() == 0
    done = client.post(address, {"key": entry.key, "verdict": "follow-up", "reason": "asked her chief"})
    assert done["Location"] == reverse("unusual")
    found = unusual.queue(cast.site, auditor, clock.now())
    assert found.waiting == []
    assert [one.note for one in found.followed_up] == ["asked her chief"]
    assert last().action == "access.reviewed"
    client.post(address, {"key": entry.key, "verdict": "fine", "reason": "old bookmark"})
    found = unusual.queue(cast.site, auditor, clock.now())
    assert (found.waiting, found.followed_up) == ([], [])
    assert AccessReview.objects.count() == 2


def test_nobody_looks_into_their_own_access(cast: Cast) -> None:
    Membership.objects.create(user=cast.colleague, site=cast.site, role=Role.AUDITOR)
    client = people.signed_in(cast.colleague)
    client.get(reverse("patient", args=[cast.patient.uuid]))
    (entry,) = unusual.queue(cast.site, cast.colleague, clock.now()).waiting
    assert entry.is_own
    answer = client.post(
        reverse("unusual-mark", args=[cast.site.pk]), {"key": entry.key, "verdict": "fine", "reason": "me"}
    )
    assert answer.status_code == 422
    assert AccessReview.objects.count() == 0


def test_a_key_that_is_in_no_queue_is_not_found(cast: Cast, auditor: User) -> None:
    sent = {"key": f"many:{cast.member.pk}:2026-01-01T10", "verdict": "fine", "reason": "made up"}
    assert people.signed_in(auditor).post(reverse("unusual-mark", args=[cast.site.pk]), sent).status_code == 404


def test_only_those_who_review_see_the_queue(cast: Cast) -> None:
    for user in (cast.member, cast.dietitian, cast.admin, cast.superuser):
        assert people.signed_in(user).get(reverse("unusual")).status_code == 403, user
    assert people.signed_in(cast.coordinator).get(reverse("unusual")).status_code == 200
