"""PostgreSQL's own programs: those of the embedded database, of the search path, or of a Debian package."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config import binaries, environment
from pathway.backups import BackupError

NAMES = ("pg_dump", "pg_restore", "psql")
PACKAGED = Path("/usr/lib/postgresql")
# From here on, `pg_restore` sets something that older servers do not know.
NEWER_SETTINGS = 17


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder with the three programs, and the major version of them."""

    folder: Path
    major: int
    version: str

    def path(self, name: str) -> str:
        return str(self.folder / name)


def for_server(major: int, *, restoring: bool = False, dumped_by: int = 0) -> Programs:
    """The oldest programs that are not older than the server and the dump: an older one cannot read a newer server."""
    found = sorted(_installed(), key=lambda one: one.major)
    usable = [one for one in found if one.major >= max(major, dumped_by)]
    if restoring and major < NEWER_SETTINGS:
        usable = [one for one in usable if one.major < NEWER_SETTINGS]
    if usable:
        return usable[0]
    there = ", ".join(f"{one.version} in {one.folder}" for one in found) or "none"
    raise BackupError(
        f"pg_dump, pg_restore and psql of PostgreSQL {max(major, dumped_by)} are needed, and there are: {there}."
        " Install the client programs of the server's version, or set PATHWAY_POSTGRES_BIN to their folder."
    )


def _installed() -> Iterator[Programs]:
    seen = set()
    for folder in _folders():
        if folder not in seen and all((folder / name).is_file() for name in NAMES):
            seen.add(folder)
            if (found := _version(folder)) is not None:
                yield found


def _folders() -> Iterator[Path]:
    chosen = environment.Environment().text("PATHWAY_POSTGRES_BIN")
    if chosen:
        yield Path(chosen)
        return
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent
    yield from sorted(PACKAGED.glob("*/bin"))
    own = binaries.own_postgres_bin()
    if own is not None:
        yield own  # last among equals: they speak no TLS


def _version(folder: Path) -> Programs | None:
    told = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) ((\d+)\S*)", told)
    return Programs(folder, int(found[2]), found[1]) if found else None
