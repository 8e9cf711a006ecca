"""Where people are reached, read at the moment of sending."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from pathway.delivery.transports import EMAIL
from pathway.models import Dispatch, MessageSettings, PersonalChannel, User


def of(dispatches: Iterable[Dispatch]) -> dict[int, str]:
    """The address for each dispatch that has one, by its key. A channel without a personal part gets ''."""
    rows = list(dispatches)
    people = {row.person_id for row in rows}
    mails = dict(User.objects.filter(pk__in=people, is_active=True).exclude(email="").values_list("pk", "email"))
    for person in MessageSettings.objects.filter(person__in=people, by_email=False).values_list("person", flat=True):
        mails.pop(person, None)
    chosen = PersonalChannel.objects.filter(person__in=people)
    others = {
        (person, channel): address
        for person, channel, address in chosen.values_list("person", "channel", "address")
        if address or "{address}" not in settings.MESSAGE_CHANNELS.get(channel, "")
    }
    found = {}
    for row in rows:
        address = mails.get(row.person_id) if row.channel == EMAIL else others.get((row.person_id, row.channel))
        if address is not None:
            found[row.pk] = address
    return found
