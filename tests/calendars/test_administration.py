"""The administration of calendars: closures and weekdays, what a site does otherwise, ladders of its own."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from pathway.models import AuditEvent, CareTask, Closure, Ladder, Rung, Site, SiteActivity, User
from tests import builders, walls
from tests.web.cast import signed_in

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def client() -> Client:
    return signed_in(User.objects.create_superuser("root", password="correct horse"))


def inline(prefix: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        sent |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return sent


def closure(first: str, last: str, reason: str = "Summer") -> dict[str, str]:
    return {"first_day": first, "last_day": last, "reason": reason}


def save_site(client: Client, site: Site, *closures: dict[str, str], **changed: Any) -> Any:
    sent = {name: getattr(site, name) for name in ("slug", "name", "time_zone", "region", "holiday_country")}
    sent |= {"clinic_weekdays": site.clinic_weekdays.split(","), "reminder_time": "08:00", "demo_patients": 0}
    sent |= {"fvc_equation": ""} | inline("rule_sets") | inline("closures", *closures) | changed
    with walls.role("pathway_web"):
        return client.post(reverse("admin:pathway_site_change", args=[site.pk]), sent)


def save_ladder(client: Client, *rungs: tuple[Any, str], title: str = "Slow one", ladder: Ladder | None = None) -> Any:
    rows: list[dict[str, Any]] = [{"offset_days": days, "to": to} for days, to in rungs]
    known = list(ladder.rungs.order_by("offset_days")) if ladder else []
    for row, rung in zip(rows, known, strict=False):
        row |= {"id": rung.pk, "ladder": rung.ladder_id}
    address = (
        reverse("admin:pathway_ladder_change", args=[ladder.pk]) if ladder else reverse("admin:pathway_ladder_add")
    )
    with walls.role("pathway_web"):
        return client.post(address, {"title": title} | inline("rungs", *rows, initial=len(known)))


# closures, weekdays, country


def test_a_site_enters_when_it_is_closed_and_when_it_works(client: Client) -> None:
    site = builders.site()
    answer = save_site(
        client, site, closure("2026-08-03", "2026-08-21"), clinic_weekdays=["4", "1"], holiday_country="GB-SCT"
    )
    assert answer.status_code == 302, answer.context["errors"]
    site.refresh_from_db()
    assert (site.clinic_weekdays, site.holiday_country) == ("1,4", "GB-SCT")
    (row,) = Closure.objects.filter(site=site)
    assert (row.first_day, row.last_day) == (date(2026, 8, 3), date(2026, 8, 21))
    assert {e.action for e in AuditEvent.objects.filter(action__in=["site.changed", "closure.added"])} == {
        "site.changed",
        "closure.added",
    }


@pytest.mark.parametrize(
    ("closures", "says"),
    [
        ([closure("2026-08-03", "2026-08-21"), closure("2026-08-21", "2026-08-30")], b"overlap"),
        ([closure("2026-08-03", "2026-08-21"), closure("2026-08-10", "2026-08-11")], b"overlap"),
        ([closure("2026-08-21", "2026-08-03")], b"ends before it begins"),
        ([closure("2026-08-03", "2026-08-04", reason="")], b"required"),
    ],
)
def test_overlapping_inverted_and_unexplained_closures_are_refused(
    client: Client, closures: list[dict[str, str]], says: bytes
) -> None:
    answer = save_site(client, builders.site(), *closures)
    assert answer.status_code == 200 and says in answer.content
    assert not Closure.objects.exists()


def test_an_unknown_country_and_a_week_without_a_day_are_refused(client: Client) -> None:
    site = builders.site()
    answer = save_site(client, site, holiday_country="ZZ")
    assert answer.status_code == 200 and b"No holidays are known for ZZ" in answer.content
    assert save_site(client, site, clinic_weekdays=[]).status_code == 200
    site.refresh_from_db()
    assert (site.holiday_country, site.clinic_weekdays) == ("", "0,1,2,3,4")


def test_the_page_of_a_site_shows_its_weekdays_ticked(client: Client) -> None:
    site = builders.site(clinic_weekdays="1,3")
    page = client.get(reverse("admin:pathway_site_change", args=[site.pk]))
    assert page.context["adminform"].form["clinic_weekdays"].value() == ["1", "3"]


# ladders


def test_a_ladder_of_the_site_itself_is_added_and_its_rungs_are_named_after_their_days(client: Client) -> None:
    answer = save_ladder(client, (-7, "owner"), (0, "owner"), (10, "palliative"))
    assert answer.status_code == 302, answer.context["errors"]
    made = Ladder.objects.get(code="own-slow-one")
    assert not made.is_shipped
    assert list(made.rungs.order_by("offset_days").values_list("code", "to")) == [
        ("before-7", "owner"),
        ("on-day", "owner"),
        ("after-10", "palliative"),
    ]
    assert save_ladder(client, (1, "owner")).status_code == 302
    assert Ladder.objects.filter(code="own-slow-one-2").exists()


@pytest.mark.parametrize(
    "rungs",
    [
        [],
        [(5, "owner"), (0, "owner")],
        [(5, "owner"), (5, "palliative")],
        [(5, "boss")],
        [(5, "admin")],
        [("soon", "owner")],
        [(4000, "owner")],
    ],
)
def test_a_ladder_without_rungs_out_of_order_or_to_nobody_is_refused(
    client: Client, rungs: list[tuple[Any, str]]
) -> None:
    assert save_ladder(client, *rungs).status_code == 200
    assert list(Ladder.objects.values_list("code", flat=True)) == ["default"]


def test_the_ladder_of_the_release_is_shown_and_never_changed(client: Client) -> None:
    shipped = Ladder.objects.get(code="default")
    before = list(shipped.rungs.values_list("code", "offset_days", "to"))
    page = client.get(reverse("admin:pathway_ladder_change", args=[shipped.pk]))
    assert page.status_code == 200 and b"escalated" in page.content and b'name="_save"' not in page.content
    assert save_ladder(client, (1, "owner"), ladder=shipped, title="Mine").status_code == 403
    gone = client.post(reverse("admin:pathway_ladder_delete", args=[shipped.pk]), {"post": "yes"})
    assert gone.status_code == 403
    client.post(
        reverse("admin:pathway_ladder_changelist"),
        {"action": "delete_selected", "_selected_action": [shipped.pk], "post": "yes"},
    )
    shipped.refresh_from_db()
    assert (shipped.title, list(shipped.rungs.values_list("code", "offset_days", "to"))) == ("default", before)


# activities at a site


def test_a_site_gives_an_activity_a_ladder_and_open_tasks_follow(client: Client) -> None:
    clinic = builders.clinic()
    CareTask.objects.filter(activity="dietitian-review").update(due_on=date(2035, 1, 1), due_set_on=date(2034, 1, 1))
    save_ladder(client, (-1, "owner"))
    ladder = Ladder.objects.get(code="own-slow-one")
    sent = {"site": clinic.site.pk, "activity": "dietitian-review", "ladder": ladder.pk, "shift": "next"}
    with walls.role("pathway_web"):
        answer = client.post(reverse("admin:pathway_siteactivity_add"), sent)
    assert answer.status_code == 302, answer.context["errors"]
    task = clinic.task("dietitian-review")
    assert task.next_rung_at is not None and task.next_rung_at.date() == date(2034, 12, 31)
    assert save_ladder(client, (-4, "owner"), ladder=ladder).status_code == 302
    assert Rung.objects.get(ladder=ladder).code == "before-4"
    task = clinic.task("dietitian-review")
    assert task.next_rung_at is not None and task.next_rung_at.date() == date(2034, 12, 28)
    row = SiteActivity.objects.get()
    with walls.role("pathway_web"):
        client.post(reverse("admin:pathway_siteactivity_delete", args=[row.pk]), {"post": "yes"})
    task = clinic.task("dietitian-review")
    assert task.next_rung_at is not None and task.next_rung_at.date() == date(2034, 12, 18)
    assert AuditEvent.objects.filter(action="siteactivity.removed").exists()


def test_a_ladder_that_an_activity_has_is_not_removed_and_a_row_says_something(client: Client) -> None:
    site = builders.site()
    save_ladder(client, (-1, "owner"))
    ladder = Ladder.objects.get(code="own-slow-one")
    SiteActivity.objects.create(site=site, activity_id="weight", ladder=ladder)
    client.post(reverse("admin:pathway_ladder_delete", args=[ladder.pk]), {"post": "yes"})
    assert Ladder.objects.filter(pk=ladder.pk).exists()
    answer = client.post(reverse("admin:pathway_siteactivity_add"), {"site": site.pk, "activity": "mdt-review"})
    assert answer.status_code == 200
    assert SiteActivity.objects.count() == 1
