"""Which deliveries leave together: urgent ones by themselves and at once, the others in one digest a day.

Whoever had as many single messages within an hour as they may have gets the rest with their digest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max, Q

from pathway.engine.schedule import local_day
from pathway.models import DeliveryStatus, Dispatch, Membership, MessageSettings, Site, Urgency, digest_key
from pathway.selectors.hours import Hours
from pathway.selectors.working_days import is_working_day
from pathway.vocabulary import NO_CARE

INBOX = "inbox"
ONE_HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
# A digest waits so long after its first item, for what the same sweep finds for the same morning.
GATHERS = timedelta(minutes=1)
REMEMBERED = timedelta(days=60)  # a digest that was due longer ago can be no obstacle to one of today

WAITS = (DeliveryStatus.QUEUED, DeliveryStatus.IN_FLIGHT)

Way = tuple[int, str]  # person and channel

_WAITING = """
SELECT d.id, d.key, d.person_id, d.channel, d.urgency, p.site_id
FROM pathway_delivery d
JOIN pathway_reminder r ON r.id = d.reminder_id
JOIN pathway_caretask t ON t.id = r.task_id
JOIN pathway_enrollment e ON e.id = t.enrollment_id
JOIN pathway_patient p ON p.id = e.patient_id
WHERE d.status = 'queued' AND d.dispatch_id IS NULL AND d.channel <> %(inbox)s
ORDER BY d.urgency DESC, d.queued_at, d.id
LIMIT %(limit)s
FOR UPDATE OF d SKIP LOCKED
"""

# A dispatch that was settled already, as after a restore of a part, settles its delivery too.
_BELONG = """
UPDATE pathway_delivery d
SET dispatch_id = x.id,
    status = CASE WHEN x.status IN ('sent', 'failed', 'cancelled') THEN x.status ELSE d.status END,
    sent_at = x.sent_at,
    reason = CASE WHEN x.status IN ('failed', 'cancelled') THEN x.reason ELSE d.reason END
FROM unnest(%(ids)s::bigint[], %(keys)s::uuid[]) AS w(id, key)
JOIN pathway_dispatch x ON x.key = w.key
WHERE d.id = w.id AND d.status = 'queued'
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    pk: int
    key: UUID
    person: int
    channel: str
    urgency: int
    patient_site: int

    @property
    def way(self) -> Way:
        return self.person, self.channel


@dataclass(slots=True)
class Present:
    """What each person has already: an open digest, the last day with one, and single messages by their moments."""

    open: dict[Way, UUID] = field(default_factory=dict)
    last_day: dict[Way, date] = field(default_factory=dict)
    singles: dict[Way, list[datetime]] = field(default_factory=lambda: defaultdict(list))


def lay_out(*, at: datetime, limit: int) -> tuple[int, int]:
    """One batch in the caller's transaction: (deliveries taken, dispatches made)."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"inbox": INBOX, "limit": limit})
        waiting = [Waiting(*row) for row in cursor.fetchall()]
    if not waiting:
        return 0, 0
    sites, hours = places({one.person: one.patient_site for one in waiting})
    present = _present({one.person for one in waiting}, sites, at)
    made: list[Dispatch] = []
    carriers = [_carrier(one, sites[one.person], hours[one.person], present, made, at) for one in waiting]
    Dispatch.objects.bulk_create(made, ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(_BELONG, {"ids": [one.pk for one in waiting], "keys": carriers})
    return len(waiting), len(made)


def places(people: Mapping[int, int]) -> tuple[dict[int, Site], dict[int, Hours]]:
    """Whose calendar and clock count for each person: the site where they began to work.

    `people` maps each to the site that counts where they work nowhere any more.
    """
    own = Membership.objects.filter(user__in=people, is_active=True).exclude(role__in=NO_CARE)
    first = {**people, **dict(own.order_by("user", "-pk").values_list("user", "site"))}
    known = Site.objects.in_bulk(set(first.values()))
    chosen = {row.person_id: row for row in MessageSettings.objects.filter(person__in=people)}
    works = _working_days()
    sites = {person: known[site] for person, site in first.items()}
    return sites, {person: _hours(site, chosen.get(person), works(site)) for person, site in sites.items()}


def _working_days() -> Callable[[Site], Callable[[date], bool]]:
    """Each day of each site is asked for once in a batch."""

    @cache
    def works(site: Site) -> Callable[[date], bool]:
        return cache(lambda day: is_working_day(site, day))

    return works


def _hours(site: Site, row: MessageSettings | None, works: Callable[[date], bool]) -> Hours:
    if row is None:
        return Hours(site.time_zone, works)
    begin, end = row.quiet_from, row.quiet_until
    quiet = (begin, end) if begin is not None and end is not None else None
    return Hours(site.time_zone, works, quiet, row.digest_hour)


def _present(people: set[int], sites: Mapping[int, Site], at: datetime) -> Present:
    found = Present()
    digests = Dispatch.objects.filter(person__in=people, kind=Dispatch.Kind.DIGEST)
    # Locked, so that nobody claims it while it takes in more.
    opened = digests.filter(is_open=True).select_for_update(no_key=True)
    for person, channel, key in opened.values_list("person", "channel", "key"):
        found.open[person, channel] = key
    past = digests.filter(is_open=False, next_at__gt=at - REMEMBERED).values("person", "channel")
    for row in past.annotate(last=Max("day"), sent=Max("sent_at")):
        days = [row["last"]]
        if row["sent"] is not None:
            days.append(local_day(row["sent"], sites[row["person"]].time_zone))
        found.last_day[row["person"], row["channel"]] = max(days)
    singles = Dispatch.objects.filter(person__in=people, kind=Dispatch.Kind.SINGLE)
    lately = singles.filter(Q(next_at__gt=at - ONE_HOUR) | Q(sent_at__gt=at - ONE_HOUR) | Q(status__in=WAITS))
    rows = lately.exclude(status=DeliveryStatus.CANCELLED)
    for person, channel, planned, sent, status in rows.values_list("person", "channel", "next_at", "sent_at", "status"):
        # What waits longer than it was meant to, as while the outbox is held, leaves from now on.
        found.singles[person, channel].append(max(planned, sent or (at if status in WAITS else planned)))
    return found


def _carrier(one: Waiting, site: Site, hours: Hours, present: Present, made: list[Dispatch], at: datetime) -> UUID:
    """The key of the dispatch that carries the delivery; a new one is added to `made`."""
    if one.urgency > Urgency.ROUTINE:
        leaves = hours.leaves_at(at)
        taken = [moment for moment in present.singles[one.way] if moment > leaves - ONE_HOUR]
        if len(taken) < settings.SINGLE_MESSAGES_PER_HOUR:
            present.singles[one.way].append(leaves)
            made.append(_dispatch(one, site, leaves, at))
            return one.key
    if one.way not in present.open:
        digest = _digest(one, site, hours, present.last_day.get(one.way), at)
        present.open[one.way] = digest.key
        made.append(digest)
    return present.open[one.way]


def _dispatch(one: Waiting, site: Site, leaves: datetime, at: datetime) -> Dispatch:
    return Dispatch(
        person_id=one.person,
        site=site,
        channel=one.channel,
        kind=Dispatch.Kind.SINGLE,
        day=local_day(leaves, site.time_zone),
        key=one.key,
        urgency=one.urgency,
        next_at=leaves,
        created_at=at,
    )


def _digest(one: Waiting, site: Site, hours: Hours, last: date | None, at: datetime) -> Dispatch:
    """Of today where there was none yet, else of the next day on which it may leave."""
    today = local_day(at, site.time_zone)
    wanted = today if last is None or last < today else last + ONE_DAY
    leaves = hours.digest_at(wanted, at)
    day = local_day(leaves, site.time_zone)
    return Dispatch(
        person_id=one.person,
        site=site,
        channel=one.channel,
        kind=Dispatch.Kind.DIGEST,
        day=day,
        key=digest_key(one.person, one.channel, day.isoformat()),
        is_open=True,
        next_at=leaves + GATHERS,
        created_at=at,
    )
