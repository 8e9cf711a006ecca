"""The office: what is done about people, access, the audit, calendars and messages, beside the river.

None of it concerns the course of a patient, so nothing here judges, moves a stage or lays out a task: that is
`pathway/flow.py`. The same rules hold: one transaction, the moment as `at`, a refusal leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction

from pathway import actor, audit, errors
from pathway.actor import Service
from pathway.delivery import transports
from pathway.engine import content
from pathway.models import (
    AccessReview,
    CalendarFeed,
    Cover,
    Patient,
    Site,
    User,
)
from pathway.selectors import undelivered
from pathway.selectors.preferences import Wishes
from pathway.services import (
    access_reviews,
    audit_seals,
    clock_watch,
    covers,
    emergencies,
    feeds,
    guidance,
    ladders,
    people,
    preferences,
    proofs,
    sites,
)
from pathway.services import definitions as definition_rows
from pathway.services import outbox as outbox_holds
from pathway.vocabulary import COORDINATOR

MOST_BATCHES = 200  # of seals in one run; what is left after that comes with the next one


# content


@transaction.atomic
@audit.gathered()
def load_pathways(folder: Path, *, at: datetime) -> list[str]:
    """Store what the folder says that is new. Raises ContentError naming file, line and key; nothing is stored then."""
    found = content.read(folder)
    return definition_rows.load(found, at=at).lines + guidance.load(found.guidance)


# people


@transaction.atomic
def register_patient(site: Site, details: people.Details, *, at: datetime, by: User | None) -> Patient:
    """A new patient of the site; who registers is the first of the care team."""
    patient = people.register(site, details, at=at, by=by)
    if by is not None:
        people.set_team(patient, [(by.pk, str(COORDINATOR))], at=at, by=by)
    return patient


@transaction.atomic
def set_care_team(
    patient: Patient,
    members: Sequence[people.Place],
    *,
    ends: Mapping[people.Place, datetime] = people.NO_ENDS,
    at: datetime,
    by: User | None,
) -> None:
    """Who cares for the patient from now on: user and role; those who are not named any more leave the team."""
    people.set_team(patient, members, ends=ends, at=at, by=by)


@transaction.atomic
def adopt_patient(patient: UUID, *, at: datetime, by: User) -> Patient:
    """A coordinator takes over a patient whose team nobody is left to change."""
    return people.adopt(patient, at=at, by=by)


# access for a time


@transaction.atomic
def break_glass(asked: emergencies.Asked, *, at: datetime, by: User) -> Patient | errors.NotAllowed:
    """Open one patient's record in an emergency. A refusal is returned, so that the attempt stays on record."""
    return emergencies.open_record(asked, at=at, by=by)


@transaction.atomic
def refuse_emergency(site: Site, why: str, *, by: User) -> None:
    """An attempt that failed before it came to the record goes on record."""
    emergencies.refuse(site, why, by=by)


@transaction.atomic
def is_emergency_throttled(site: Site, *, by: User) -> bool:
    """Whether the person tried and failed too often just now."""
    return emergencies.is_throttled(site, by=by)


@transaction.atomic
def end_emergency(grant: int, *, at: datetime, by: User) -> None:
    """The person gives their emergency access back."""
    emergencies.give_back(grant, at=at, by=by)


@transaction.atomic
def review_emergency(grant: int, *, justified: bool, note: str, at: datetime, by: User) -> None:
    """Somebody else says whether it was right."""
    emergencies.review(grant, justified=justified, note=note, at=at, by=by)


@transaction.atomic
def give_cover(site: Site, new: covers.NewCover, *, at: datetime, by: User) -> Cover:
    """Somebody stands in for a colleague, or is on call for the site."""
    return covers.give(site, new, at=at, by=by)


@transaction.atomic
def end_cover(cover: int, site: Site, *, at: datetime, by: User) -> None:
    """Before its time."""
    covers.end(cover, site, at=at, by=by)


@transaction.atomic
def refuse_if_proofs_failed(*, by: User) -> None:
    """Raises NotAllowed while the person has given too many wrong passwords where one is asked again."""
    proofs.refuse_if_throttled(by=by)


@transaction.atomic
def note_failed_proof(what: str, *, by: User) -> None:
    proofs.failed(what, by=by)


# the audit


def seal_audit(*, at: datetime, whole: bool = False) -> int:
    """Seal what waits, batch by batch, each in a transaction of its own; `whole` also finds what came very late."""
    total = 0
    for _batch in range(MOST_BATCHES):
        with transaction.atomic():
            sealed = audit_seals.seal(at=at, whole=whole)
        total += sealed
        if sealed < audit_seals.BATCH:
            break
    return total


@transaction.atomic
def keep_audit(*, at: datetime) -> int:
    """Make the parts of the coming months and log the head of the chain. Returns how many parts were made."""
    made = audit_seals.prepare_months()
    audit_seals.log_head()
    return made


@transaction.atomic
def note_audit_export(first: date, last: date, *, patient: UUID | None, form: str) -> None:
    """Somebody who runs the server takes the audit out."""
    about = None if patient is None else str(patient)
    after = {"from": first.isoformat(), "to": last.isoformat(), "patient": about, "format": form}
    audit.record("audit.exported", by=None, after=after)


@transaction.atomic
def review_access(
    entry: access_reviews.Looked, site: Site, *, verdict: str, reason: str, at: datetime, by: User
) -> AccessReview:
    """Somebody looked into an entry of the queue of unusual access. Raises InvalidEntry; NotAllowed for their own."""
    return access_reviews.review(entry, site, verdict=verdict, reason=reason, at=at, by=by)


# calendars and ladders


@transaction.atomic
def renew_feed(site: Site | None, *, at: datetime, by: User) -> str:
    """The secret of a new calendar feed, told once: the person's own, or that of a site which they coordinate."""
    return feeds.renew(site, at=at, by=by)


@transaction.atomic
def stop_feed(site: Site | None, *, at: datetime, by: User) -> bool:
    """Returns whether there was one."""
    return feeds.stop(site, at=at, by=by)


@transaction.atomic
def note_feed_use(feed: CalendarFeed, *, at: datetime) -> None:
    """A calendar has read it."""
    feeds.note_use(feed, at=at)


@transaction.atomic
def reckon_ladders(sites: Collection[int], activities: Collection[str], *, at: datetime) -> int:
    """Ladders have changed there: open tasks go on with the rungs to come. Returns how many wait for another moment."""
    with actor.acting(actor.service(Service.DELIVER)):  # of everybody, whoever set the ladder
        return ladders.reckon(sites, activities, at=at)


# messages


@transaction.atomic
def mark_read(delivery_ids: Sequence[int], *, notice_ids: Sequence[int] = (), at: datetime, by: User) -> int:
    """The person has seen these messages of their own. Returns how many were new."""
    return people.mark_read(delivery_ids, notice_ids, at=at, by=by)


@transaction.atomic
def set_messages(person: User, wishes: Wishes) -> None:
    """How the person wants to be told from now on, and who is told while they are away."""
    preferences.save(person, wishes, offered=transports.offered())


def channels_offered() -> dict[str, str]:
    """The operator's channels besides inbox and e-mail, with their templates."""
    return transports.offered()


@transaction.atomic
def hold_outbox(site: Site | None, *, reason: str, at: datetime, run_by: str) -> None:
    """Nothing leaves but by the inbox: of the site, or of the whole server."""
    outbox_holds.hold(site, reason=reason, at=at, run_by=run_by)


@transaction.atomic
def release_outbox(site: Site | None, *, at: datetime, run_by: str) -> bool:
    """What has waited may leave. False where nothing was held."""
    return outbox_holds.release(site, at=at, run_by=run_by)


@transaction.atomic
def retry_outbox(*, at: datetime, run_by: str) -> int:
    """What failed is tried again, under the same keys."""
    return outbox_holds.retry(at=at, run_by=run_by)


@transaction.atomic
def outbox_state() -> undelivered.Outbox:
    """What waits, and what holds it."""
    return undelivered.outbox()


def trust_clock(*, at: datetime, by: str) -> int:
    """An operator says that the clock is right. Returns how many holds that ended."""
    return clock_watch.release(at=at, by=by)


# a clinic opens


@transaction.atomic
def open_site(new: sites.NewSite, *, active: Sequence[str], shadow: Sequence[str] = (), by: User | None = None) -> Site:
    """A site that follows these rule sets. Raises InvalidEntry naming the field at fault."""
    site = sites.open_site(new, rule_sets=[*active, *shadow], by=by)
    definition_rows.follow_rule_sets(site, active=active, shadow=shadow)
    return site


@transaction.atomic
def create_admin(username: str, password: str, *, site: str = "", role: str = "admin", by: User | None = None) -> User:
    """An account for the administration, with a role at the site of that slug. Raises InvalidEntry, NotFound."""
    where = sites.site_named(site) if site else None
    return sites.create_admin(username, password, site=where, role=role, by=by)
