"""What watchers are told, who may watch, and what everybody reads above their page while reminders are late."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.urls import reverse

from config.settings import security
from pathway import VERSION, clock, flow
from pathway.models import ClockHold, Heartbeat, Membership, SweepRun, User
from pathway.selectors import health
from pathway.web import context
from tests.web.cast import Cast, signed_in

ELSEWHERE = "203.0.113.7"
TOKEN = "a-token-of-more-than-thirty-two-characters"


def swept() -> None:
    flow.sweep(at=clock.now(), trigger="loop")


def stop_every_trigger(minutes: int = 10) -> None:
    """As if nothing had swept for so long."""
    ago = clock.now() - timedelta(minutes=minutes)
    SweepRun.objects.update(started_at=ago, finished_at=ago)


def told(**more: Any) -> tuple[int, dict[str, Any]]:
    answer = Client(REMOTE_ADDR="127.0.0.1").get("/status", **more)
    return answer.status_code, json.loads(answer.content)


def test_while_somebody_sweeps_all_is_well(cast: Cast) -> None:
    swept()
    code, found = told()
    assert code == 200
    assert found["status"] == "ok"
    assert found["late"] is None
    assert found["last_sweep_age_seconds"] < 60
    assert found["lag_seconds"] == 0
    assert found["version"] == VERSION
    assert found["heartbeats"]["loop"]["old"] is False
    assert abs(found["clock"]["skew_seconds"]) < 2


def test_when_every_trigger_is_stopped_the_status_is_503_and_the_banner_stands_on_every_page(cast: Cast) -> None:
    swept()
    client = signed_in(cast.member)
    pages = [reverse("home"), reverse("inbox"), reverse("patient", args=[cast.patient.uuid]), reverse("account")]
    for page in pages:
        assert "Reminders are late" not in client.get(page).content.decode(), page
    stop_every_trigger()
    code, found = told()
    assert (code, found["status"], found["late"]["why"]) == (503, "late", "no-sweep")
    for page in pages:
        text = client.get(page).content.decode()
        assert "Reminders are late" in text, page
        assert "10 minutes ago" in text
        assert "Tell whoever runs this server" in text
    swept()
    assert told()[0] == 200
    assert "Reminders are late" not in client.get(pages[0]).content.decode()


def test_three_intervals_are_the_limit(cast: Cast) -> None:
    swept()
    now = clock.now()
    SweepRun.objects.update(finished_at=now - timedelta(seconds=3 * settings.SWEEP_SECONDS - 5))
    assert told()[0] == 200
    SweepRun.objects.update(finished_at=now - timedelta(seconds=3 * settings.SWEEP_SECONDS + 1))
    assert told()[0] == 503
    with override_settings(SWEEP_SECONDS=600):
        assert told()[0] == 200


def test_a_reminder_whose_persons_nobody_has_named_is_late_too(cast: Cast) -> None:
    swept()
    task = cast.enrollment.care_tasks.first()
    assert task is not None
    task.reminders.create(
        due_on=task.due_on, rung="another", to_role="dietitian", on=task.due_on,
        created_at=clock.now() - timedelta(minutes=6), resolved_at=None,
    )  # fmt: skip
    code, found = told()
    assert (code, found["late"]["why"], found["reminders_unresolved"]) == (503, "backlog", 1)


def test_before_the_first_sweep_it_is_late(cast: Cast) -> None:
    assert told()[1]["late"]["why"] == "never"
    assert "Nothing has looked for due reminders yet" in signed_in(cast.member).get("/").content.decode()


def test_staff_are_told_what_to_do(cast: Cast) -> None:
    User.objects.filter(pk=cast.member.pk).update(is_staff=True)
    text = signed_in(User.objects.get(pk=cast.member.pk)).get("/").content.decode()
    assert "manage.py sweep" in text
    assert reverse("status") in text


def test_the_banner_says_until_when_a_clock_that_jumped_is_not_trusted(cast: Cast) -> None:
    swept()
    now = clock.now()
    ClockHold.objects.create(
        found_at=now, step=timedelta(hours=3), is_witnessed=True, until=now + timedelta(minutes=10)
    )
    code, found = told()
    assert (code, found["late"]["why"]) == (503, "clock")
    assert "has jumped ahead" in signed_in(cast.member).get("/").content.decode()


def test_who_is_not_signed_in_sees_no_banner(cast: Cast) -> None:
    assert "Reminders are late" not in Client().get(reverse("login")).content.decode()


def test_a_process_asks_now_and_then_and_not_for_each_page(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    real = health.lateness
    monkeypatch.setattr(health, "lateness", lambda: asked.append(None) or real())
    monkeypatch.setattr(context, "_known", (float("-inf"), None))
    client = signed_in(cast.member)
    with override_settings(BANNER_SECONDS=15):
        for _ in range(3):
            client.get("/")
    assert len(asked) == 1


@pytest.mark.parametrize("address", ["/status", "/metrics"])
def test_outsiders_learn_nothing_not_even_that_there_is_something(cast: Cast, address: str) -> None:
    missing = Client(REMOTE_ADDR=ELSEWHERE).get("/no-such-page").content
    for client in (Client(REMOTE_ADDR=ELSEWHERE), Client(REMOTE_ADDR="10.1.2.3"), Client(REMOTE_ADDR="")):
        answer = client.get(address)
        assert (answer.status_code, answer.content) == (404, missing)
    member = signed_in(cast.member)
    assert member.get(address, REMOTE_ADDR=ELSEWHERE).status_code == 404
    assert Client().get(address, REMOTE_ADDR="127.0.0.1").status_code in (200, 503)


@pytest.mark.parametrize("address", ["/status", "/metrics"])
def test_staff_a_network_of_the_operator_and_the_token_are_let_in(cast: Cast, address: str) -> None:
    swept()
    staff = User.objects.create_superuser("watcher", password="correct horse")
    assert signed_in(staff).get(address, REMOTE_ADDR=ELSEWHERE).status_code == 200
    with override_settings(MONITOR_NETWORKS=["203.0.113.0/24"]):
        assert Client(REMOTE_ADDR=ELSEWHERE).get(address).status_code == 200
        assert Client(REMOTE_ADDR="127.0.0.1").get(address).status_code == 404
    with override_settings(MONITOR_TOKEN=TOKEN):
        client = Client(REMOTE_ADDR=ELSEWHERE)
        assert client.get(address, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        for wrong in ("", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"):
            assert client.get(address, headers={"Authorization": wrong}).status_code == 404, wrong
    assert Client(REMOTE_ADDR=ELSEWHERE).get(address, headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("proxies", [[], ["127.0.0.0/8", "10.0.0.0/8"]])
def test_nobody_claims_to_be_near_through_a_proxy(cast: Cast, proxies: list[str]) -> None:
    with override_settings(TRUSTED_PROXIES=proxies):
        client = Client(REMOTE_ADDR="10.1.2.3")
        for chain in ("127.0.0.1", "127.0.0.1, 10.9.9.9", "::1"):
            assert client.get("/status", headers={"X-Forwarded-For": chain}).status_code == 404, chain


def test_settings_that_would_let_strangers_watch_are_refused() -> None:
    assert security.weakness_of_monitor(["10.0.0.0/8"], TOKEN) == ""
    assert "too short" in security.weakness_of_monitor([], "short")
    assert "no network" in security.weakness_of_monitor(["everybody"], "")


def test_no_patient_is_in_what_watchers_read(cast: Cast) -> None:
    swept()
    texts = [Client().get(address).content.decode() for address in ("/status", "/metrics")]
    for text in texts:
        for canary in (cast.patient.family_name, cast.patient.identifier, str(cast.patient.uuid), cast.site.name):
            assert canary not in text


def test_the_numbers_to_be_scraped_are_those_of_the_database_and_in_the_format_of_prometheus(cast: Cast) -> None:
    flow.sweep(at=clock.now() + timedelta(days=60), trigger="loop")
    answer = Client().get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    lines = answer.content.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["pathway_late"] == "0.0"
    assert float(values["pathway_sweep_age_seconds"]) < 60
    assert float(values['pathway_reminders_day{status="resolved"}']) > 0
    assert float(values['pathway_deliveries_day{channel="inbox",status="sent"}']) > 0
    assert 'pathway_heartbeat_age_seconds{component="loop"}' in values
    assert values[f'pathway_build_info{{version="{VERSION}"}}'] == "1.0"
    stop_every_trigger()
    assert "pathway_late 1.0" in Client().get("/metrics").content.decode()


def test_a_part_that_fell_silent_and_clocks_that_differ_are_warnings(cast: Cast) -> None:
    swept()
    now = clock.now()
    Heartbeat.objects.create(component="judge", at=now - timedelta(hours=1))
    Heartbeat.objects.create(component="command", at=now - timedelta(days=9))
    Heartbeat.objects.filter(component="loop").update(skew=timedelta(seconds=-3))
    code, found = told()
    assert code == 200
    assert set(found["warnings"]) == {"silent-judge", "clock-skew", "not-judged"}
    flow.judge_day(at=now)
    assert set(told()[1]["warnings"]) == {"silent-judge", "clock-skew"}
    assert found["clock"]["skew_seconds"] == -3


def test_a_site_with_patients_and_nobody_who_coordinates_is_a_warning(cast: Cast) -> None:
    swept()
    assert told()[1]["sites_without_coordinator"] == 0
    Membership.objects.filter(user=cast.coordinator).update(is_active=False)
    code, found = told()
    assert (code, found["sites_without_coordinator"]) == (200, 1)
    assert "site-without-coordinator" in found["warnings"]
    assert cast.site.name not in json.dumps(found)


def test_the_lag_is_asked_with_one_row_of_an_index_each(cast: Cast) -> None:
    with connection.cursor() as cursor:
        # The tables of a test are too small for their size to decide.
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("EXPLAIN " + health._PULSE, {"at": None})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    for index in ("task_next_rung", "reminder_unresolved", "pathway_sweeprun_pkey"):
        assert index in plan


def test_the_version_is_that_of_the_package() -> None:
    text = (settings.BASE_DIR / "pyproject.toml").read_text()
    assert f'version = "{VERSION}"' in text


def test_without_a_database_watchers_hear_that(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(health, "state", broken)
    assert Client().get("/status").status_code == 503
