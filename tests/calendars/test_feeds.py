"""A calendar feed tells its owner, and nobody else, what they see at that moment, without a name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.test import Client
from icalendar import Calendar

from pathway import clock, errors, flow, office
from pathway.models import (
    AuditEvent,
    CalendarFeed,
    CareTask,
    CareTeamMember,
    EmergencyGrant,
    Intervention,
    Membership,
    Patient,
    Site,
    User,
)
from pathway.selectors import feeds
from pathway.web.feeds import READS
from tests import builders, walls
from tests.web.cast import Cast, assemble, signed_in


@pytest.fixture
def cast(loaded: None) -> Cast:
    cache.clear()
    return assemble(given_name="Zenobia", family_name="Quartermain")


def feed_of(user: User, site: Site | None = None) -> str:
    """The address of a new feed."""
    return f"/feeds/{office.renew_feed(site, at=clock.now(), by=user)}.ics"


def read(address: str, status: int = 200) -> Any:
    """As a calendar program does: no session, and as the web's role in the database."""
    with walls.role("pathway_web"):
        answer = Client().get(address)
    assert answer.status_code == status, answer.content
    return answer


def events(address: str) -> list[Any]:
    return list(Calendar.from_ical(read(address).content).walk("VEVENT"))


def uids(address: str) -> set[str]:
    return {str(event["UID"]) for event in events(address)}


def tasks(cast: Cast, **wanted: Any) -> set[str]:
    found = CareTask.objects.live().filter(enrollment=cast.enrollment, **wanted)
    return {f"task-{pk}@pathway" for pk in found.values_list("pk", flat=True)}


# what is in it


def test_a_personal_feed_has_what_is_owned_by_the_role_and_what_is_assigned(cast: Cast) -> None:
    assert uids(feed_of(cast.dietitian)) == tasks(cast, owner="dietitian") != set()
    other = CareTask.objects.live().filter(enrollment=cast.enrollment, owner="physiotherapist").first()
    assert other is not None
    CareTask.objects.filter(pk=other.pk).update(assignee=cast.dietitian)
    assert f"task-{other.pk}@pathway" in uids(feed_of(cast.dietitian))
    assert f"task-{other.pk}@pathway" not in uids(feed_of(cast.member))


def test_the_feed_of_a_site_has_every_role_and_is_for_who_coordinates_it(cast: Cast) -> None:
    assert uids(feed_of(cast.coordinator, cast.site)) == tasks(cast) > uids(feed_of(cast.coordinator))
    for person in (cast.member, cast.stranger, cast.admin, cast.superuser):
        with pytest.raises(errors.NotFound), transaction.atomic():
            office.renew_feed(cast.site, at=clock.now(), by=person)
    with pytest.raises(errors.NotAllowed), transaction.atomic():
        office.renew_feed(None, at=clock.now(), by=cast.admin)


def test_doses_and_reviews_of_patients_are_in_it(cast: Cast) -> None:
    now, tomorrow = clock.now(), clock.now().date() + timedelta(days=1)
    flow.start(cast.enrollment.pk, "tofersen", at=now, by=None)
    dose = CareTask.objects.live().get(activity="tofersen-dose")
    flow.start(cast.enrollment.pk, "wheelchair-manual", at=now, by=None)
    chair = Intervention.objects.get(kind="wheelchair-manual")
    Intervention.objects.filter(pk=chair.pk).update(review_on=tomorrow)
    assert f"task-{dose.pk}@pathway" in uids(feed_of(cast.dietitian))
    (review,) = [e for e in events(feed_of(cast.coordinator)) if e["UID"] == f"review-{chair.pk}@pathway"]
    assert review["DTSTART"].dt == tomorrow
    flow.stop(cast.enrollment.pk, "wheelchair-manual", at=now + timedelta(days=2), by=None)
    assert f"review-{chair.pk}@pathway" not in uids(feed_of(cast.coordinator))


def test_the_text_is_a_calendar_with_whole_private_days(cast: Cast) -> None:
    answer = read(feed_of(cast.dietitian))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    calendar = Calendar.from_ical(answer.content)
    assert calendar["VERSION"] == "2.0" and "PRODID" in calendar
    text = answer.content.decode()
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    for event in calendar.walk("VEVENT"):
        task = CareTask.objects.get(pk=str(event["UID"]).removeprefix("task-").removesuffix("@pathway"))
        assert event["DTSTART"].dt == task.due_on and not hasattr(event["DTSTART"].dt, "hour")
        assert event["DTSTART"].params["VALUE"] == "DATE"
        assert event["CLASS"] == "PRIVATE" and event["TRANSP"] == "TRANSPARENT" and "DTSTAMP" in event
        assert str(event["SUMMARY"]) == task.activity.title
        assert str(event["URL"]) == f"http://testserver/patients/{cast.patient.uuid}/"
        assert event.keys() == {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "CLASS", "TRANSP", "URL"}


def test_several_of_a_kind_on_one_day_are_counted(cast: Cast) -> None:
    again = builders.patient(cast.site)
    builders.join(again, cast.dietitian, "dietitian")
    builders.enroll(again, moment=clock.now())
    CareTask.objects.live().filter(activity="dietitian-review").update(due_on=clock.now().date())
    title = CareTask.objects.filter(activity="dietitian-review")[0].activity.title
    told = {str(event["SUMMARY"]) for event in events(feed_of(cast.dietitian))}
    assert {f"{title}, 1 of 2", f"{title}, 2 of 2"} <= told


def test_a_uid_stays_while_the_task_moves(cast: Cast) -> None:
    address = feed_of(cast.dietitian)
    before = uids(address)
    CareTask.objects.live().filter(owner="dietitian").update(due_on=clock.now().date() + timedelta(days=40))
    assert uids(address) == before


@pytest.mark.parametrize("shows", [False, True])
def test_no_name_number_or_birth_date_is_ever_in_it_and_initials_only_where_the_site_wants_them(
    cast: Cast, shows: bool
) -> None:
    Site.objects.filter(pk=cast.site.pk).update(feed_shows_initials=shows)
    for address in (feed_of(cast.dietitian), feed_of(cast.coordinator, cast.site)):
        text = read(address).content.decode().replace("\r\n ", "")
        for word in ("Zenobia", "Quartermain", cast.patient.identifier, "1964", "als"):
            assert word not in text, word
        assert ("Z.Q." in text) is shows


# who sees what


def test_who_leaves_the_team_has_an_empty_feed_from_that_moment(cast: Cast) -> None:
    address = feed_of(cast.dietitian)
    assert events(address)
    CareTeamMember.objects.filter(user=cast.dietitian).update(until=clock.now())
    assert events(address) == []


def test_nobody_outside_the_team_has_anything_in_theirs(cast: Cast) -> None:
    for name in ("colleague", "stranger", "removed"):
        assert events(feed_of(cast.outsiders[name])) == [], name
    with pytest.raises(errors.NotAllowed), transaction.atomic():
        office.renew_feed(None, at=clock.now(), by=cast.inactive_member)


def test_emergency_access_ends_in_the_feed_too(cast: Cast) -> None:
    address, now = feed_of(cast.colleague), clock.now()
    grant = EmergencyGrant.objects.create(
        patient=cast.patient, user=cast.colleague, reason_code="other", reason="called",
        since=now - timedelta(hours=1), until=now + timedelta(hours=1),
    )  # fmt: skip
    assert events(address)
    EmergencyGrant.objects.filter(pk=grant.pk).update(until=now - timedelta(seconds=1))
    assert events(address) == []


def test_the_second_wall_stands_in_a_feed_whatever_the_program_asks(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everybody(_user: User, _at: datetime) -> QuerySet[Patient]:
        return Patient.objects.unscoped("test")

    monkeypatch.setattr(feeds.access, "patients", everybody)
    address = feed_of(cast.colleague)
    assert events(address) == []


def test_who_is_signed_in_as_somebody_else_reads_the_feed_of_its_owner(cast: Cast) -> None:
    address = feed_of(cast.dietitian)
    with walls.role("pathway_web"):
        answer = signed_in(cast.stranger).get(address)
    assert {str(e["UID"]) for e in Calendar.from_ical(answer.content).walk("VEVENT")} == tasks(cast, owner="dietitian")


# when it is dead


def test_wrong_revoked_and_dead_addresses_answer_the_same_bytes(cast: Cast) -> None:
    wrong = read(f"/feeds/{'A' * 43}.ics", 404)
    dead = []
    old = feed_of(cast.dietitian)
    new = feed_of(cast.dietitian)  # renewed
    dead.append(old)
    office.stop_feed(None, at=clock.now(), by=cast.dietitian)
    dead.append(new)
    disabled = feed_of(cast.member)
    User.objects.filter(pk=cast.member.pk).update(is_active=False)
    dead.append(disabled)
    gone = feed_of(cast.coordinator)
    of_site = feed_of(cast.coordinator, cast.site)
    Membership.objects.filter(user=cast.coordinator).update(is_active=False)
    dead += [gone, of_site]
    for address in dead:
        answer = read(address, 404)
        assert answer.content == wrong.content
        assert dict(answer.headers) == dict(wrong.headers)
    User.objects.filter(pk=cast.member.pk).update(is_active=True)
    assert read(disabled, 404).content == wrong.content  # who comes back makes a new one
    assert read(f"/patients/{cast.patient.uuid}.ics", 404).content == wrong.content


def test_ending_all_sessions_of_an_account_ends_its_feeds(cast: Cast) -> None:
    address = feed_of(cast.dietitian)
    read(address)
    User.objects.filter(pk=cast.dietitian.pk).update(session_epoch=cast.dietitian.session_epoch + 1)
    read(address, 404)
    cast.dietitian.refresh_from_db()
    assert feeds.offers(cast.dietitian)[0].made is None
    read(feed_of(cast.dietitian))


def test_who_coordinates_a_site_no_more_keeps_their_own_feed(cast: Cast) -> None:
    Membership.objects.create(user=cast.coordinator, site=cast.site, role="dietitian")
    own, of_site = feed_of(cast.coordinator), feed_of(cast.coordinator, cast.site)
    Membership.objects.filter(user=cast.coordinator, role="nurse-coordinator").update(is_active=False)
    read(own)
    read(of_site, 404)


def test_only_a_hash_is_stored_and_one_feed_of_a_kind_lives(cast: Cast) -> None:
    secret = office.renew_feed(None, at=clock.now(), by=cast.dietitian)
    row = CalendarFeed.objects.get(person=cast.dietitian)
    assert len(secret) == 43 and secret not in str(row.__dict__) and len(row.digest) == 64
    assert feeds.live(secret) == row and feeds.live(row.digest) is None
    with pytest.raises(IntegrityError), transaction.atomic():
        CalendarFeed.objects.create(
            person=cast.dietitian, digest="x", session_epoch=0, created_at=clock.now(), site=None
        )


# the record, and how often


def test_each_reading_is_on_record_with_the_patients_and_a_wrong_one_is_not(cast: Cast) -> None:
    address = feed_of(cast.dietitian)
    before = AuditEvent.objects.count()
    read(address)
    (event,) = AuditEvent.objects.filter(action="feed.read")
    assert (event.actor, event.patients, event.ways) == (cast.dietitian, [cast.patient.pk], "team")
    assert str(event.address) == "127.0.0.1"
    assert CalendarFeed.objects.get(person=cast.dietitian).last_used_at is not None
    read("/feeds/nothing.ics", 404)
    assert AuditEvent.objects.count() == before + 1
    assert {e.action for e in AuditEvent.objects.filter(subject__startswith="calendarfeed")} == {
        "feed.made",
        "feed.read",
    }


def test_a_calendar_that_asks_without_end_is_told_to_wait_and_others_are_not(cast: Cast) -> None:
    address, other = feed_of(cast.dietitian), feed_of(cast.coordinator)
    for _ in range(READS):
        read(address)
    answer = read(address, 429)
    assert answer.content == b"" and int(answer["Retry-After"]) > 0
    assert AuditEvent.objects.filter(action="feed.read").count() == READS
    read(other)


def test_guessing_from_one_address_stops(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathway.web.feeds.MISSES", 5)
    for number in range(5):
        read(f"/feeds/guess-{number}.ics", 404)
    read("/feeds/guess-6.ics", 429)


def test_nothing_can_be_sent_to_it(cast: Cast) -> None:
    address = feed_of(cast.dietitian)
    assert Client().post(address).status_code == 405
    assert Client().head(address).content == b""


# the page


def test_the_page_shows_an_address_once_and_stops_it(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    page = client.get("/account/calendar/")
    assert page.status_code == 200 and b"/feeds/" not in page.content
    assert cast.site.name.encode() in page.content
    made = client.post("/account/calendar/renew/", {"calendar": str(cast.site.pk)})
    address = made.context["address"]
    assert address.encode() in made.content and "no-store" in made["Cache-Control"]
    assert b"/feeds/" not in client.get("/account/calendar/").content
    assert uids(address) == tasks(cast)
    assert client.post("/account/calendar/stop/", {"calendar": str(cast.site.pk)}).status_code == 302
    read(address, 404)
    assert b"/account/calendar/" in client.get("/account/").content


@pytest.mark.parametrize("calendar", ["", "0", "abc", "9" * 30])
def test_what_is_no_calendar_of_the_person_is_not_found(cast: Cast, calendar: str) -> None:
    client = signed_in(cast.dietitian)
    for what in ("renew", "stop"):
        assert client.post(f"/account/calendar/{what}/", {"calendar": calendar}).status_code == 404
    assert client.post("/account/calendar/renew/", {"calendar": str(cast.site.pk)}).status_code == 404
    assert not CalendarFeed.objects.exists()


def test_who_cares_for_nobody_is_offered_nothing(cast: Cast) -> None:
    client = signed_in(cast.admin)
    assert b"no such role" in client.get("/account/calendar/").content
    assert client.post("/account/calendar/renew/", {"calendar": "own"}).status_code == 422
    assert not CalendarFeed.objects.exists()
