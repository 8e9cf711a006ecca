"""The one file of a backup: a tar of the dump, the manifest and the digests of both, there as a whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pathway.backups import BackupError, manifest

DUMP, MANIFEST, DIGESTS = "database.dump", "manifest.json", "SHA256SUMS"
ENDING = ".unfinished"
PRIVATE = 0o600
CHUNK = 1 << 20
BLOCK = tarfile.BLOCKSIZE


class Writer:
    """Writes the parts one after the other. How long the dump is, its head is told when it has been written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digests: list[str] = []

    def dump(self, pieces: Iterable[bytes]) -> tuple[int, str]:
        """Write the dump as it comes; its length and digest."""
        begin, size, digest = self._file.tell(), 0, hashlib.sha256()
        self._file.write(bytes(BLOCK))
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            self._file.write(piece)
        self._file.write(bytes(-size % BLOCK))
        end = self._file.tell()
        self._file.seek(begin)
        self._file.write(_head(DUMP, size))
        self._file.seek(end)
        self._digests.append(f"{digest.hexdigest()}  {DUMP}\n")
        return size, digest.hexdigest()

    def finish(self, what: manifest.Manifest) -> None:
        """Write the manifest, the digests and the end."""
        text = what.as_text().encode()
        self._digests.append(f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n")
        for name, content in ((MANIFEST, text), (DIGESTS, "".join(self._digests).encode())):
            self._file.write(_head(name, len(content)) + content + bytes(-len(content) % BLOCK))
        self._file.write(bytes(2 * BLOCK))


def _head(name: str, size: int) -> bytes:
    part = tarfile.TarInfo(name)
    part.size, part.mode = size, PRIVATE
    return part.tobuf(tarfile.GNU_FORMAT)


@contextmanager
def new(target: Path) -> Iterator[IO[bytes]]:
    """A file that nobody else may read, which gets its name when all of it is on the disk. Never over another one."""
    if target.exists():
        raise BackupError(f"{target} is there already; a backup never takes the place of another file.")
    _forget_unfinished(target.parent)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}{ENDING}")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            os.fchmod(descriptor, PRIVATE)
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # says that somebody still writes it
            yield file
            file.flush()
            os.fsync(descriptor)
            _name(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
    _make_lasting(target.parent)


def _name(unfinished: Path, target: Path) -> None:
    try:
        os.link(unfinished, target)  # unlike a rename, it refuses where something came to be meanwhile
    except FileExistsError as error:
        raise BackupError(f"{target} was made by somebody else meanwhile.") from error
    except OSError:  # a disk that knows no links
        unfinished.rename(target)


def _make_lasting(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget_unfinished(folder: Path) -> None:
    """Remove what a run that was killed has left: nobody holds its lock any more."""
    for path in folder.glob(f".*{ENDING}"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def read(path: Path) -> manifest.Manifest:
    """The manifest, after the whole file was read and found to be what was written; else raises BackupError."""
    try:
        with tarfile.open(path, "r:") as archive:
            parts = {part.name: part for part in archive.getmembers()}
            if set(parts) != {DUMP, MANIFEST, DIGESTS}:
                raise BackupError(f"{path} is no backup of Pathway, or its end is missing.")
            told = _digests(_content(archive, parts[DIGESTS]))
            for name in (DUMP, MANIFEST):
                if _digest(archive, parts[name]) != told.get(name):
                    raise BackupError(f"{path} was altered or damaged: {name} is not what was written.")
            found = manifest.from_text(_content(archive, parts[MANIFEST]))
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} is no backup of Pathway, or was cut off: {error}.") from error
    if found.dump_sha256 != told[DUMP]:
        raise BackupError(f"{path} was altered: its manifest belongs to another dump.")
    return found


def dump_of(path: Path) -> Iterator[bytes]:
    """The dump in pieces."""
    with tarfile.open(path, "r:") as archive:
        yield from _pieces(archive, archive.getmember(DUMP))


def dump_in(file: IO[bytes]) -> Iterator[bytes]:
    """The dump in pieces, of a file that has not got its name yet."""
    file.flush()
    end = file.tell()
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        yield from _pieces(archive, archive.getmember(DUMP))
    file.seek(end)


def _pieces(archive: tarfile.TarFile, part: tarfile.TarInfo) -> Iterator[bytes]:
    file = archive.extractfile(part)
    if file is None:
        raise BackupError(f"{part.name} is no file.")
    with file:
        while piece := file.read(CHUNK):
            yield piece


def _content(archive: tarfile.TarFile, part: tarfile.TarInfo) -> bytes:
    return b"".join(_pieces(archive, part))


def _digest(archive: tarfile.TarFile, part: tarfile.TarInfo) -> str:
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(archive, part):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest() if size == part.size else ""


def _digests(text: bytes) -> dict[str, str]:
    lines = [line.split("  ", 1) for line in text.decode("utf-8", "replace").splitlines()]
    return {line[1]: line[0] for line in lines if len(line) == 2}
