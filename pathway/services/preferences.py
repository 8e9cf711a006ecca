"""How somebody wants to hear of what waits for them, and who hears of it while they are away: their own to change."""

from __future__ import annotations

from collections.abc import Mapping

from pathway import audit, errors
from pathway.models import PLAIN_ADDRESS, MessageSettings, PersonalChannel, User
from pathway.selectors.preferences import Wishes, colleagues

LONGEST_ABSENCE = 366  # days


def save(person: User, wishes: Wishes, *, offered: Mapping[str, str]) -> MessageSettings:
    """`offered` are the operator's channels with their templates. Raises InvalidEntry naming the field at fault."""
    _check(person, wishes)
    for channel, address in wishes.channels.items():
        _check_address(channel, address, offered)
    row = MessageSettings.objects.select_for_update().filter(person=person).first() or MessageSettings(person=person)
    before = _told(row, person) if row.pk else None
    row.by_email, row.digest_hour = wishes.by_email, wishes.digest_hour
    row.quiet_from, row.quiet_until = wishes.quiet or (None, None)
    row.absent_from, row.absent_until = wishes.away or (None, None)
    row.deputy_id = wishes.deputy if wishes.away else None
    row.save()
    own = PersonalChannel.objects.filter(person=person)
    # What is not offered at present stays: the operator may have left a channel out by mistake.
    own.filter(channel__in=set(offered) - set(wishes.channels)).delete()
    for channel, address in wishes.channels.items():
        own.update_or_create(person=person, channel=channel, defaults={"address": address})
    after = _told(row, person)
    if after != before:
        audit.record("messages.set", by=person, subject=row, before=before, after=after)
    return row


def _told(row: MessageSettings, person: User) -> dict[str, object]:
    """For the audit: which channels, and nowhere the address."""
    return {
        "email": row.by_email,
        "digest": row.digest_hour,
        "quiet": [str(one) for one in (row.quiet_from, row.quiet_until) if one is not None],
        "away": [one.isoformat() for one in (row.absent_from, row.absent_until) if one is not None],
        "deputy": row.deputy_id,
        "channels": sorted(PersonalChannel.objects.filter(person=person).values_list("channel", flat=True)),
    }


def _check(person: User, wishes: Wishes) -> None:
    if not 0 <= wishes.digest_hour <= 23:
        raise errors.InvalidEntry("not-allowed", "Choose an hour of the day", "digest_hour")
    if wishes.quiet is not None and wishes.quiet[0] == wishes.quiet[1]:
        raise errors.InvalidEntry("not-allowed", "The whole day cannot be quiet", "quiet_from")
    if wishes.away is not None:
        first, last = wishes.away
        if last < first:
            raise errors.InvalidEntry("not-allowed", "It ends before it begins", "absent_until")
        if (last - first).days > LONGEST_ABSENCE:
            raise errors.InvalidEntry("not-allowed", "A year at most", "absent_until")
    if wishes.deputy is not None:
        _check_deputy(person, wishes.deputy, is_away=wishes.away is not None)


def _check_deputy(person: User, deputy: int, *, is_away: bool) -> None:
    if not is_away:
        raise errors.InvalidEntry("not-allowed", "Say from when to when", "absent_from")
    if not colleagues(person).filter(pk=deputy).exists():
        raise errors.InvalidEntry("not-allowed", "Choose a colleague of the same role and site", "deputy")


def _check_address(channel: str, address: str, offered: Mapping[str, str]) -> None:
    if channel not in offered:
        raise errors.InvalidEntry("not-allowed", "This channel is not offered", channel)
    if "{address}" in offered[channel] and not PLAIN_ADDRESS.match(address):
        raise errors.InvalidEntry(
            "not-allowed", "Say where you are found there: letters, digits and @ + - _ . only", channel
        )
