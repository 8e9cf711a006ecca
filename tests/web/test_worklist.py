"""The worklist: what is due, for whom, in which order, at which cost."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathway import clock, flow
from pathway.engine.schedule import local_day
from pathway.models import AuditEvent, CareTask, Episode, Membership, Patient, Proposal
from pathway.selectors import worklists
from pathway.vocabulary import Role
from tests import builders
from tests.web.cast import Cast, facts, signed_in
from tests.web.queries import QUERIES

TODAY = date(2026, 3, 1)
DAYS = st.dates(date(2025, 12, 1), date(2026, 6, 1))


@pytest.mark.parametrize(
    ("away", "answer"),
    [(-400, "overdue"), (-1, "overdue"), (0, "soon"), (1, "soon"), (14, "soon"), (15, "upcoming"), (400, "upcoming")],
)
def test_overdue_begins_the_day_after_and_soon_ends_in_14_days(away: int, answer: str) -> None:
    assert worklists.timeliness(TODAY + timedelta(days=away), TODAY) == answer


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(today=DAYS)
def test_python_and_sql_agree_on_what_is_overdue(cast: Cast, today: date) -> None:
    tasks = CareTask.objects.annotate(answer=worklists.timeliness_in_sql(today)).values_list("due_on", "answer")
    found = list(tasks)
    assert found
    for due_on, answer in found:
        assert answer == worklists.timeliness(due_on, today)


@pytest.mark.parametrize("away", range(-2, 18))
def test_python_and_sql_agree_on_every_boundary(cast: Cast, away: int) -> None:
    CareTask.objects.filter(enrollment=cast.enrollment).update(due_on=TODAY + timedelta(days=away))
    answers = CareTask.objects.annotate(answer=worklists.timeliness_in_sql(TODAY)).values_list("answer", flat=True)
    assert set(answers) == {worklists.timeliness(TODAY + timedelta(days=away), TODAY)}


def desk(cast: Cast, role: str) -> worklists.Desk:
    return worklists.Desk(cast.site, role)


def lines(found: worklists.Worklist) -> list[worklists.Line]:
    return [line for group in found.groups for line in group.lines]


def test_a_role_sees_its_own_tasks_and_the_coordinator_all(cast: Cast) -> None:
    at = clock.now()
    mine = worklists.worklist(cast.dietitian, desk(cast, Role.DIETITIAN), at)
    assert {line.owner for line in lines(mine)} == {"Dietitian"}
    everything = worklists.worklist(cast.coordinator, desk(cast, Role.NURSE_COORDINATOR), at)
    open_tasks = CareTask.objects.live().filter(enrollment=cast.enrollment)
    assert {line.pk for line in lines(everything)} == set(open_tasks.values_list("pk", flat=True))


def test_each_line_says_who_when_how_late_and_why(cast: Cast) -> None:
    at = clock.now()
    task = CareTask.objects.live().filter(enrollment=cast.enrollment, owner=Role.DIETITIAN).order_by("due_on").first()
    assert task is not None
    today = local_day(at, cast.site.time_zone)
    CareTask.objects.filter(pk=task.pk).update(due_on=today - timedelta(days=12))
    line = lines(worklists.worklist(cast.dietitian, desk(cast, Role.DIETITIAN), at))[0]
    assert (line.pk, line.detail, line.severity) == (task.pk, "12 days late", "overdue")
    assert line.why and line.identifier == cast.patient.identifier and line.birth == "1 Jan 1964"


def test_urgent_alerts_come_first_and_shadow_ones_never(cast: Cast) -> None:
    shown = worklists.worklist(cast.member, desk(cast, Role.NEUROLOGIST), clock.now()).alerts
    ranks = [worklists.MOST_URGENT_FIRST[line.severity] for line in shown]  # type: ignore[index]
    assert ranks == sorted(ranks) and ranks
    Episode.objects.filter(patient=cast.patient).update(is_shadow=True)
    assert worklists.worklist(cast.member, desk(cast, Role.NEUROLOGIST), clock.now()).alerts == []
    page = signed_in(cast.member).get("/").content.decode()
    assert 'id="alerts"' not in page and "<strong>0</strong> open alerts" in page


def test_decisions_show_their_evidence_and_age(cast: Cast) -> None:
    decisions = worklists.worklist(cast.member, desk(cast, Role.NEUROLOGIST), clock.now()).decisions
    assert decisions
    assert any("FVC" in text and "48 %" in text for line in decisions for text in line.evidence)
    assert {line.detail for line in decisions} == {"for 40 days"}


def test_paging_by_key_shows_every_task_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklists, "PAGE", 4)
    # Ties on the due date are told apart by the key.
    CareTask.objects.live().update(due_on=TODAY)
    seen: list[int] = []
    key, at = "", clock.now()
    for _page in range(50):
        found = worklists.worklist(cast.coordinator, desk(cast, Role.NURSE_COORDINATOR), at, after=key)
        seen += [line.pk for line in lines(found)]
        key = found.next
        if not key:
            break
    assert sorted(seen) == sorted(CareTask.objects.live().values_list("pk", flat=True))


@pytest.mark.parametrize("key", ["x", "2026-01-01", "2026-13-01.1", ".", "1.2.3"])
def test_a_made_up_key_is_not_found(cast: Cast, key: str) -> None:
    assert signed_in(cast.member).get("/", {"after": key}).status_code == 404


def test_the_role_of_somebody_else_is_not_found(cast: Cast) -> None:
    client = signed_in(cast.member)
    assert client.get("/", {"site": cast.site.slug, "role": "neurologist"}).status_code == 200
    assert client.get("/", {"site": cast.site.slug, "role": "dietitian"}).status_code == 404
    assert client.get("/", {"site": "elsewhere", "role": "neurologist"}).status_code == 404


def test_several_roles_can_be_switched_between(cast: Cast) -> None:
    Membership.objects.create(user=cast.member, site=cast.site, role=Role.PALLIATIVE)
    page = signed_in(cast.member).get("/").content.decode()
    assert "role=neurologist" in page and "role=palliative" in page


def test_a_list_is_one_event_with_the_patients_that_were_on_it(cast: Cast) -> None:
    another = builders.patient(cast.site)
    builders.join(another, cast.member, Role.NEUROLOGIST)
    flow.enroll(another, "als-limb", at=clock.now(), by=None)
    hidden = builders.patient(cast.site)
    flow.enroll(hidden, "als-limb", at=clock.now(), by=None)
    signed_in(cast.member).get("/")
    event = AuditEvent.objects.get(action="worklist.read")
    assert event.actor == cast.member and set(event.patients or []) == {cast.patient.pk, another.pk}


def crowd(cast: Cast, count: int) -> None:
    """So many more patients with the same story, in the care of the same people."""
    moment = clock.now() - timedelta(days=30)
    for _number in range(count):
        patient = builders.patient(cast.site)
        for person, role in ((cast.member, Role.NEUROLOGIST), (cast.coordinator, Role.NURSE_COORDINATOR)):
            builders.join(patient, person, role)
        builders.enroll(patient, moment=moment, facts=facts(moment))


def cost(client: Any, address: str, django_assert_max_num_queries: Any) -> int:
    client.get(address)  # what is compiled once per process is compiled now
    with django_assert_max_num_queries(1000) as captured:
        assert client.get(address).status_code == 200
    return len(captured.captured_queries)


def test_pages_cost_the_same_for_1_and_for_40_patients(cast: Cast, django_assert_max_num_queries: Any) -> None:
    client = signed_in(cast.coordinator)
    about = f"/patients/{cast.patient.uuid}/"
    pages = {
        "worklist": "/",
        "patient": about,
        "why": f"{about}why/",
        "results": f"{about}results/",
        "search": "/patients/",
        "inbox": "/inbox/",
        "visit": f"{about}visit/",
        "coverage": "/content/coverage/",
        "pathway": "/content/pathways/als-limb/",
    }
    for_one = {name: cost(client, address, django_assert_max_num_queries) for name, address in pages.items()}
    crowd(cast, 39)
    assert Patient.objects.visible_to(cast.coordinator, clock.now()).count() == 40
    for_forty = {name: cost(client, address, django_assert_max_num_queries) for name, address in pages.items()}
    assert for_one == QUERIES
    assert for_forty == QUERIES


def test_nothing_of_a_page_is_stored_but_its_event(cast: Cast) -> None:
    before = list(CareTask.objects.order_by("pk").values_list("pk", "revision", "due_on"))
    signed_in(cast.coordinator).get("/")
    assert list(CareTask.objects.order_by("pk").values_list("pk", "revision", "due_on")) == before
    assert AuditEvent.objects.filter(action="worklist.read").count() == 1
    assert not CareTask.objects.filter(due_set_on__gt=F("due_on") + timedelta(days=4000)).exists()


def test_a_question_asked_by_a_stage_says_so(cast: Cast) -> None:
    asked = Proposal.objects.filter(enrollment=cast.enrollment, status="open").first()
    assert asked is not None
    asked.grounds.all().delete()
    page = signed_in(cast.member).get("/").content.decode()
    assert "Asked on entering the present stage" in page
