"""Whom the daily judge has not visited yet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import DateField, F, Func, Q, Value
from django.db.models.functions import Cast

from pathway.models import LIVE, Enrollment

EASTERNMOST = timedelta(hours=14)  # no zone is further ahead of UTC


def waiting(at: datetime, limit: int | None = None) -> list[int]:
    """Live enrollments not judged on their site's present day: those that wait longest first, failures last."""
    site_day = Cast(Func(F("patient__site__time_zone"), Value(at), function="timezone"), DateField())
    # The bound that is the same everywhere is redundant; it is there for the index.
    behind = Q(judged_on__lt=newest_day(at)) & Q(judged_on__lt=site_day)
    found = Enrollment.objects.filter(behind | Q(judged_on=None), status__in=LIVE)
    return list(
        found.order_by(F("judge_failed_at").asc(nulls_first=True), "judged_on", "pk").values_list("pk", flat=True)[
            :limit
        ]
    )


def newest_day(at: datetime) -> date:
    """The latest day that it is anywhere."""
    return (at + EASTERNMOST).date()
