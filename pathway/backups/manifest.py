"""What a backup says about itself, and what a restored database is compared with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from pathway.backups import BackupError

FORMAT = 1
PRODUCT = "pathway"


@dataclass(frozen=True, slots=True)
class Table:
    """`digest` is the sum of the digests of all rows: the order in which they lie does not matter."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`objects` are triggers, policies, rights, functions, constraints, indexes: a name and a digest of what it does.

    `key` tells apart secret keys without telling them: second factors open with the key that sealed them alone.
    """

    made_at: str
    database: str
    owner: str
    server: int
    server_version: str
    program: int
    migrations: tuple[str, ...]
    content: str
    roles: tuple[str, ...]
    owners: tuple[str, ...]
    grants: tuple[str, ...]
    tables: dict[str, Table]
    objects: dict[str, str]
    key: str
    dump_bytes: int
    dump_sha256: str

    def as_text(self) -> str:
        return json.dumps({"product": PRODUCT, "format": FORMAT} | asdict(self), indent=1, sort_keys=True) + "\n"

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


def from_text(text: bytes) -> Manifest:
    """Read a manifest of this format, or raise BackupError."""
    try:
        told: dict[str, Any] = json.loads(text)
        product, number = told.pop("product"), told.pop("format")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError("This is no backup of Pathway: its manifest cannot be read.") from error
    if product != PRODUCT or number != FORMAT:
        raise BackupError(f"The backup has the format {product} {number}; this version reads {PRODUCT} {FORMAT}.")
    try:
        tables = {name: Table(**table) for name, table in told.pop("tables").items()}
        lists = {name: tuple(told.pop(name)) for name in ("migrations", "roles", "owners", "grants")}
        return Manifest(**(told | lists | {"tables": tables}))
    except (TypeError, KeyError, AttributeError) as error:
        raise BackupError("This is no backup of Pathway: its manifest is not whole.") from error
