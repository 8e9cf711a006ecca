"""When a message may leave for a person. The inbox knows no hours, and no reminder is written later for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pathway.engine.schedule import instant, local_day
from pathway.models import DIGEST_HOUR

# A site that is closed for longer than this is taken to have a wrong calendar: the message leaves.
LONGEST_CLOSURE = 45  # days
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Of one person at their site. `quiet` may go over midnight."""

    zone: str
    is_working: Callable[[date], bool]
    quiet: tuple[time, time] | None = None
    digest_hour: int = DIGEST_HOUR

    def leaves_at(self, moment: datetime) -> datetime:
        """The moment itself where it lies in the person's hours, else the next one that does."""
        for _day in range(LONGEST_CLOSURE):
            day = local_day(moment, self.zone)
            if not self.is_working(day):
                moment = self._digest_on(day + ONE_DAY)
                continue
            end = self._end_of_quiet(moment)
            if end is None or end <= moment:  # the hour comes twice where clocks are set back
                return moment
            moment = end
        return moment

    def digest_at(self, day: date, at: datetime) -> datetime:
        """When the digest of this day leaves, seen from `at`: at once where its hour has passed."""
        return self.leaves_at(max(self._digest_on(day), at))

    def _digest_on(self, day: date) -> datetime:
        return instant(day, time(self.digest_hour), self.zone)

    def _end_of_quiet(self, moment: datetime) -> datetime | None:
        """None where nothing is quiet now."""
        if self.quiet is None:
            return None
        begin, end = self.quiet
        local = moment.astimezone(ZoneInfo(self.zone))
        now, day = local.time(), local.date()
        if begin < end:
            return instant(day, end, self.zone) if begin <= now < end else None
        if now >= begin:
            return instant(day + ONE_DAY, end, self.zone)
        return instant(day, end, self.zone) if now < end else None
