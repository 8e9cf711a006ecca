"""What Pathway itself thinks of a restored database: it is held, the walls stand, promises hold, and it serves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from io import StringIO

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse

from pathway import audit, clock
from pathway.backups import dumping, restoring
from pathway.backups.manifest import Manifest
from pathway.models import OutboxHold
from pathway.selectors import audit_chain, invariants, walls


@transaction.atomic
def settle(backup: Manifest) -> None:
    """Hold the outbox, in case the backup is older than its table, and note in the audit what happened."""
    reason = restoring.reason_of(backup)
    # As a conflict it is nothing new: the restore has held it already, or it was held when the backup was taken.
    OutboxHold.objects.bulk_create(
        [OutboxHold(held_at=clock.real_now(), held_by="restore", reason=reason)], ignore_conflicts=True
    )
    audit.record("database.restored", by=None, reason=reason, after={"dump": backup.dump_sha256, "rows": backup.rows})


def problems(backup: Manifest) -> list[str]:
    """Why this database should not serve; nothing when it may. As of the backup: what came due since is not late."""
    if wrong := list(_migrations()):
        return wrong  # the other questions are about tables as this version knows them
    at = datetime.fromisoformat(backup.made_at)
    return [
        *walls.gaps(serving=False),
        *(f"broken promise {one}" for one in invariants.violations(at)),
        *(f"audit: {fault}" for fault in audit_chain.verify(at).faults),
        *_hold(),
        *_serving(),
    ]


def has_other_key(backup: Manifest) -> bool:
    """Whether what was sealed there can not be opened here."""
    return backup.key != dumping.key_mark()


def _migrations() -> Iterator[str]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield "migrations are missing"


def _hold() -> Iterator[str]:
    if not OutboxHold.objects.filter(site=None, released_at=None).exists():
        yield "the outbox is not held"


def _serving() -> Iterator[str]:
    try:
        call_command("check", stdout=StringIO(), stderr=StringIO())
    except CommandError as error:
        yield f"the checks fail: {error}"
        return
    client = Client(raise_request_exception=False, headers={"host": _host()})
    for page, expected in ((reverse("readyz"), HTTPStatus.OK), (reverse("home"), HTTPStatus.FOUND)):
        status = client.get(page, secure=True).status_code
        if status != expected:
            yield f"the page {page} answers {status}"


def _host() -> str:
    first = next(iter(settings.ALLOWED_HOSTS), "localhost").removeprefix(".")
    return "localhost" if first == "*" else first
