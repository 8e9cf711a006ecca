"""Asking as somebody of the cast, as the web serves it, and what of an answer counts."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from pathway import actor
from pathway.models import Delivery, Notice, Patient, Proposal, Transfer
from pathway.selectors import walls as catalogue
from tests import walls
from tests.cast import canaries
from tests.cast.routes import Route
from tests.cast.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")
FORM = "application/x-www-form-urlencoded"

# What differs from answer to answer whatever was asked.
CHANGING = (
    (re.compile(rb"'nonce-[^']+'"), b"'nonce'"),
    (re.compile(rb'nonce="[^"]+"'), b'nonce=""'),
    (re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"'), b"token"),
    (re.compile(rb'"X-CSRFToken": ?"[^"]+"'), b"token"),
)
UNCOMPARED = ("Date", "Expires")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> bytes:
        """Everything that reaches the person."""
        return b"\n".join([*(f"{name}: {value}".encode() for name, value in self.headers), self.body])


@contextmanager
def as_the_web() -> Iterator[None]:
    """By the web's role of the database. What is not found is what is asked for here, and no news for the log."""
    log = logging.getLogger("django.request")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with walls.role("pathway_web"):
            yield
    finally:
        log.setLevel(level)


def ask(client: Client, method: str, address: str, body: str = "", *, keep: bool = False) -> Answer:
    """Leaves nothing behind but with `keep`; the session of the client stays what it was in any case."""
    cookies = {name: one.value for name, one in client.cookies.items()}
    try:
        with transaction.atomic():
            given = {"data": body, "content_type": FORM} if method in WITH_BODY else {}
            answer = client.generic(method, address, **given)  # type: ignore[arg-type]
            content = _read(answer)
            transaction.set_rollback(not keep)
    finally:
        client.cookies.clear()
        for name, value in cookies.items():
            client.cookies[name] = value
    return Answer(answer.status_code, tuple(sorted(answer.headers.items())), content)


def _read(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(HttpResponse.getvalue(answer))


def comparable(answer: Answer, address: str) -> Answer:
    """Without what changes by itself, and with the address that was asked for as one word: a sign-in repeats it."""
    cookies = re.compile(r"(csrftoken|sessionid)=[^;]+")
    named = [
        (name, cookies.sub(r"\1", value).replace(address, "ADDRESS"))
        for name, value in answer.headers
        if name not in UNCOMPARED
    ]
    body = answer.body.replace(address.encode(), b"ADDRESS")
    for pattern, word in CHANGING:
        body = pattern.sub(word, body)
        named = [(name, pattern.sub(word, value.encode()).decode()) for name, value in named]
    return Answer(answer.status, tuple(named), body)


def queries(world: World, route: Route) -> list[str]:
    """What pages take from the query of an address, each with something of patients that are not the person's."""
    found = [""]
    if route.pattern == "":
        found += [f"?site={site.slug}&role={role}" for site in (world.here, world.elsewhere)
                  for role in ("neurologist", "nurse-coordinator", "dietitian")]  # fmt: skip
        found += ["?after=1-1", "?after=2020-01-01-1", "?after=x"]
    elif route.pattern == "inbox/":
        found += [f"?before={world.next_message}", "?before=x"]
    elif route.pattern == "covers/":
        found += [f"?site={site.slug}" for site in (world.here, world.elsewhere)]
    elif route.pattern == "patients/":
        found += [f"?q=canary&text=canary&uuid={world.patients[4].uuid}"]
    elif route.pattern.startswith("audit/"):
        found += ["?since=2020-01-01&until=2100-01-01", "?after=99999999999999999-1"]
    elif route.pattern.endswith(("access/", "results/")):
        found += ["?after=99999999999999999-99999", "?after=999999999"]
    elif route.pattern.endswith("record/"):
        found += ["?kind=weight", "?for=weight"]
    elif route.pattern == "patients/<uuid:uuid>/start/":
        found += ["?intervention=niv"]
    elif route.pattern == "patients/<uuid:uuid>/":
        found += ["?did=1-1-99999999999999999"]
    elif route.pattern == "sign-in/":
        found += [f"?next=/patients/{world.patients[4].uuid}/"]
    return found


def body(world: World, numbers: Sequence[int]) -> str:
    """Every name that a form of the pages knows, with the keys of these patients; and a search for all of them."""
    fields: list[tuple[str, object]] = [("text", "canary"), ("q", "canary"), ("reason", "why"), ("revision", "0")]
    for number in numbers:
        patient = world.patients[number]
        deliveries = Delivery.objects.filter(reminder__task__enrollment__patient=patient)
        fields += [("message", pk) for pk in deliveries.values_list("pk", flat=True)]
        fields += [("notice", pk) for pk in Notice.objects.filter(patient=patient).values_list("pk", flat=True)]
        fields += [("members", f"{world.people['member'].pk}:neurologist")]
        fields += [("proposal", pk) for pk in _proposals(patient)]
        fields += [(name, patient.pk) for name in ("patient", "pk", "id", "_selected_action")]
        fields += [("uuid", patient.uuid), ("enrollment", world.enrollments[number].pk)]
        fields += [("grant", world.grants[number].pk), ("number", f"canary{number}"), ("site", patient.site_id)]
    return "&".join(f"{name}={value}" for name, value in fields)


def _proposals(patient: Patient) -> list[int]:
    return list(Proposal.objects.filter(enrollment__patient=patient).values_list("pk", flat=True))


def written() -> dict[str, tuple[int, int, int]]:
    """Rows of patients that this transaction has added, changed and removed, those of taken back savepoints too."""
    tables = sorted(table for table in catalogue.tables_of_patients() if table != "pathway_auditevent")
    query = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)"
    with connection.cursor() as cursor:
        cursor.execute(query, [tables])
        return {name: tuple(counts) for name, *counts in cursor.fetchall()}


def fingerprint(world: World, who: str) -> Mapping[str, str]:
    """Of every row that this person of the cast sees, table by table.

    Without the audit, and without offers of transfers: the site that is offered a patient sees the offer.
    """
    found = {}
    with walls.role("pathway_web"), actor.acting(actor.person(world.people[who].pk)), transaction.atomic():
        with connection.cursor() as cursor:
            for table in sorted(catalogue.tables_of_patients() - {"pathway_auditevent", "pathway_transfer"}):
                cursor.execute("SELECT has_table_privilege(current_user, %s, 'SELECT')", [table])
                if cursor.fetchone()[0]:
                    cursor.execute(
                        f"SELECT md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM {table} x"
                    )
                    found[table] = cursor.fetchone()[0]
    return found


def unpacked(answer: Answer) -> bytes:
    """The text of an answer, or of all files in it."""
    if not answer.body.startswith(b"PK"):
        return answer.body
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def offers(world: World, numbers: Sequence[int]) -> list[dict[str, Any]]:
    rows = Transfer.objects.filter(patient__in=[world.patients[number].pk for number in numbers])
    return list(rows.order_by("pk").values())


def uuids(text: bytes) -> set[UUID]:
    pattern = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    return {UUID(found.decode()) for found in re.findall(pattern, text)}


def leaked(answer: Answer, hidden: Sequence[int]) -> set[tuple[int, str]]:
    return {(number, name) for number, name in canaries.seen(answer.text + unpacked(answer)) if number in hidden}
