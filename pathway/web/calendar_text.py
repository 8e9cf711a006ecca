"""A calendar feed as a text of RFC 5545."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from icalendar import Calendar, Event

from pathway.selectors.feeds import Entry, Feed

PRODUCT = "-//Pathway//Calendar feed//EN"
REFRESH = timedelta(hours=1)

Address = Callable[[UUID], str]


def of(feed: Feed, *, at: datetime, address: Address) -> bytes:
    """`address` makes the whole address of a patient's page, which asks for the sign-in."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", feed.title)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in feed.entries:
        calendar.add_component(_event(entry, at, address))
    text: bytes = calendar.to_ical()
    return text


def _event(entry: Entry, at: datetime, address: Address) -> Event:
    """A whole day, in which nobody is taken to be busy."""
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", at)
    event.add("dtstart", entry.day)
    event.add("summary", entry.title)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT")
    event.add("url", address(entry.patient))
    return event
