"""Standing in and being on call: for a time, in a role, by a coordinator of the site, effective at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from pathway import access, actor, clock, errors, flow, office
from pathway.access import Permit
from pathway.models import AuditEvent, Cover, Membership, Patient, Site, User
from pathway.services import deliveries
from pathway.services.covers import NewCover
from pathway.vocabulary import Role
from tests import builders
from tests.web.cast import Cast, signed_in


def cover(cast: Cast, person: User, instead_of: User | None, **changed: Any) -> Cover:
    now = clock.now()
    plain = {"role": str(Role.NEUROLOGIST), "since": None, "until": now + timedelta(days=2), "reason": "Holiday"}
    new = NewCover(person.pk, instead_of=instead_of.pk if instead_of else None, **{**plain, **changed})
    return office.give_cover(cast.site, new, at=now, by=changed.pop("by", cast.coordinator))


def sees(user: User, at: datetime | None = None) -> list[Patient]:
    return list(access.patients(user, at or clock.now()).order_by("pk"))


def test_who_stands_in_sees_the_patients_of_the_other_and_nobody_elses(cast: Cast) -> None:
    builders.patient(cast.site)
    row = cover(cast, cast.colleague, cast.member)
    assert sees(cast.colleague) == [cast.patient]
    assert sees(cast.colleague, row.until - timedelta(microseconds=1)) == [cast.patient]
    assert sees(cast.colleague, row.until) == []
    assert access.ways_for(cast.colleague, cast.patient, clock.now()) == {"cover"}
    event = AuditEvent.objects.get(action="cover.given")
    assert (event.actor, event.reason) == (cast.coordinator, "Holiday")


def test_who_is_on_call_sees_everybody_at_the_site_and_nobody_elsewhere(cast: Cast) -> None:
    alone = builders.patient(cast.site)
    builders.patient(Site.objects.exclude(pk=cast.site.pk).get())
    cover(cast, cast.colleague, None)
    assert sees(cast.colleague) == [cast.patient, alone]


def test_a_cover_counts_for_its_role_and_ends_with_the_role(cast: Cast) -> None:
    Membership.objects.create(user=cast.colleague, site=cast.site, role=Role.NURSE_COORDINATOR)
    cover(cast, cast.colleague, cast.member)
    assert access.roles_for(cast.colleague, cast.patient, clock.now()) == {Role.NEUROLOGIST}
    assert Permit.SET_TEAM not in access.permits_for(cast.colleague, cast.patient, clock.now())
    Membership.objects.filter(user=cast.colleague, role=Role.NEUROLOGIST).update(is_active=False)
    assert sees(cast.colleague) == []


def test_it_shows_on_the_worklist_and_on_the_patients_page_and_ends_with_the_next_request(cast: Cast) -> None:
    row = cover(cast, cast.colleague, cast.member)
    client = signed_in(cast.colleague)
    here = reverse("patient", args=[cast.patient.uuid])
    sentence = f"You stand in for {cast.member.display_name}"
    assert sentence in client.get("/").content.decode()
    assert sentence in client.get(here).content.decode()
    assert signed_in(cast.coordinator).post(reverse("cover-end", args=[row.pk])).status_code == 302
    assert client.get(here).status_code == 404
    assert sentence not in client.get("/").content.decode()
    row.refresh_from_db()
    assert row.until <= clock.now()
    assert AuditEvent.objects.filter(action="cover.ended", actor=cast.coordinator).count() == 1
    assert signed_in(cast.coordinator).post(reverse("cover-end", args=[row.pk])).status_code == 404


def test_one_that_has_not_begun_gives_nothing_and_can_be_taken_back(cast: Cast) -> None:
    since = clock.now() + timedelta(days=1)
    row = cover(cast, cast.colleague, cast.member, since=since)
    assert sees(cast.colleague) == [] and sees(cast.colleague, since) == [cast.patient]
    office.end_cover(row.pk, cast.site, at=clock.now(), by=cast.coordinator)
    assert sees(cast.colleague, since) == []
    assert Cover.objects.filter(pk=row.pk).exists()  # what was planned stays on record


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"until": timedelta(days=91)}, "until"),
        ({"until": timedelta(hours=-1)}, "until"),
        ({"since": timedelta(days=400), "until": timedelta(days=401)}, "since"),
        ({"role": "admin"}, "person"),
        ({"role": "dietitian"}, "person"),
    ],
)
def test_what_makes_no_sense_is_refused(cast: Cast, changed: dict[str, Any], field: str) -> None:
    now = clock.now()
    values = {key: now + value if isinstance(value, timedelta) else value for key, value in changed.items()}
    with pytest.raises(errors.InvalidEntry) as refused:
        cover(cast, cast.colleague, cast.member, **values)
    assert refused.value.field == field and not Cover.objects.exists()


def test_on_call_lasts_a_week_at_most_and_nobody_lets_themselves_in(cast: Cast) -> None:
    with pytest.raises(errors.InvalidEntry) as refused:
        cover(cast, cast.colleague, None, until=clock.now() + timedelta(days=8))
    assert refused.value.field == "until"
    nurse = str(Role.NURSE_COORDINATOR)
    with pytest.raises(errors.InvalidEntry) as refused:
        cover(cast, cast.coordinator, None, role=nurse)
    assert refused.value.field == "person"
    for who, away in ((cast.colleague, cast.colleague), (cast.colleague, cast.dietitian), (cast.stranger, cast.member)):
        with pytest.raises(errors.InvalidEntry):
            cover(cast, who, away)
    assert not Cover.objects.exists()


def test_overlapping_and_needless_ones_are_refused(cast: Cast) -> None:
    cover(cast, cast.colleague, cast.member)
    with pytest.raises(errors.InvalidEntry) as refused:
        cover(cast, cast.colleague, cast.member, since=clock.now() + timedelta(days=1))
    assert "already" in refused.value.reason
    cover(
        cast, cast.colleague, cast.member, since=clock.now() + timedelta(days=3), until=clock.now() + timedelta(days=4)
    )
    cover(cast, cast.removed, None, until=clock.now() + timedelta(days=5))
    with pytest.raises(errors.InvalidEntry) as refused:
        cover(cast, cast.removed, cast.member)
    assert "not needed" in refused.value.reason
    assert Cover.objects.count() == 3


def test_the_page_is_for_coordinators_of_the_site(cast: Cast) -> None:
    row = cover(cast, cast.colleague, cast.member)
    client = signed_in(cast.coordinator)
    now = clock.now()
    form = {
        "person": f"{cast.dietitian.pk}:dietitian",
        "instead_of": "",
        "since": "",
        "until": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "reason": "On call tonight",
    }
    assert client.post(reverse("covers"), {**form, "reason": ""}).status_code == 422
    assert client.post(reverse("covers"), form).status_code == 302
    page = client.get(reverse("covers")).content.decode()
    assert "On call tonight" in page and cast.colleague.display_name in page
    for outsider in (cast.member, cast.admin, cast.superuser, cast.stranger):
        assert signed_in(outsider).get(reverse("covers")).status_code == 403
        assert signed_in(outsider).post(reverse("covers"), form).status_code == 403
    foreign = builders.user(Site.objects.exclude(pk=cast.site.pk).get(), Role.NURSE_COORDINATOR)
    for outsider in (foreign, cast.member, cast.admin):
        hidden = signed_in(outsider).post(reverse("cover-end", args=[row.pk]))
        missing = signed_in(outsider).post(reverse("cover-end", args=[99999999]))
        assert hidden.status_code == 404 and hidden.content == missing.content
    assert signed_in(foreign).get(f"{reverse('covers')}?site={cast.site.slug}").status_code == 404
    assert cast.colleague.display_name not in signed_in(foreign).get(reverse("covers")).content.decode()
    assert Cover.objects.count() == 2


def test_times_are_meant_as_at_the_site(cast: Cast) -> None:
    Site.objects.filter(pk=cast.site.pk).update(time_zone="America/New_York")
    tomorrow = clock.now() + timedelta(days=1)
    form = {
        "person": f"{cast.colleague.pk}:neurologist",
        "instead_of": str(cast.member.pk),
        "until": f"{tomorrow:%Y-%m-%d}T20:00",
        "reason": "Away",
    }
    signed_in(cast.coordinator).post(reverse("covers"), form)
    ends = Cover.objects.get().until
    assert ends.astimezone(tomorrow.tzinfo).hour in (0, 1)


def test_covers_do_not_bring_reminders(cast: Cast) -> None:
    cover(cast, cast.colleague, None)
    at = clock.now() + timedelta(days=1)
    flow.sweep(at=at, trigger="test")
    deliveries.resolve(at=at)
    assert not cast.colleague.deliveries.exists()
    assert cast.member.deliveries.exists() or cast.coordinator.deliveries.exists()


def test_the_database_lets_only_coordinators_write_covers(cast: Cast) -> None:
    with (
        pytest.raises(DatabaseError),
        actor.acting(actor.person(cast.colleague.pk)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL ROLE pathway_web")
        cursor.execute(
            "INSERT INTO pathway_cover (site_id, user_id, role, since, until, reason)"
            " VALUES (%s, %s, 'neurologist', now(), now() + interval '1 day', 'x')",
            [cast.site.pk, cast.colleague.pk],
        )
