"""Where the embedded servers keep their files, and as whom they run.

PostgreSQL refuses to run as root. When root starts Pathway, the servers therefore run as the owner of the data that
is already there, else as `nobody`, and everything they need has to be reachable for that user. Permissions of folders
that exist are never changed.
"""

import dataclasses
import functools
import hashlib
import os
import pwd
import stat
from pathlib import Path

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent
OVERFLOW_ID = 65534  # `nobody` where the user database does not name it


@dataclasses.dataclass(frozen=True)
class ServerUser:
    """The user and group that the embedded servers run as."""

    uid: int
    gid: int


@functools.cache
def data_dir() -> Path:
    """The data folder, made on first use: `PATHWAY_DATA_DIR`, else `.data` in the checkout, else one in /var/lib.

    Raises ConfigurationError when the servers could not use it.
    """
    chosen = environment.Environment().text("PATHWAY_DATA_DIR")
    return prepared(Path(chosen)) if chosen else default_data_dir(BASE_DIR / ".data")


def prepared(folder: Path) -> Path:
    """A data folder at a chosen place, made when missing; raises ConfigurationError when it is not usable."""
    return _prepared(folder.expanduser().absolute())


def default_data_dir(preferred: Path) -> Path:
    """`preferred` when the servers' user can use it, else a folder that belongs to it elsewhere.

    That is one under /var/lib for root, and one in the home for a user whose checkout belongs to somebody else.
    """
    if can_reach(server_user(preferred), preferred) and _is_mine_to_write(preferred):
        return _prepared(preferred)
    mark = hashlib.sha256(str(preferred).encode()).hexdigest()[:10]
    home = Path("/var/lib") if os.geteuid() == 0 else Path.home() / ".local" / "share"
    return _prepared(home / f"pathway-{mark}")


def server_user(data: Path) -> ServerUser:
    """This process's user, or for root the owner of the database in `data`, else `nobody`."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    try:
        owner = (data / "postgres").stat()
    except OSError:
        return _nobody()
    return ServerUser(owner.st_uid, owner.st_gid) if owner.st_uid else _nobody()


def can_reach(user: ServerUser, path: Path) -> bool:
    """True when `user` may walk into every existing folder on the way to `path`."""
    return all(_may_enter(user, folder) for folder in (path, *path.parents) if folder.is_dir())


def socket_dir(data: Path) -> Path:
    """A private folder for the servers' sockets, made on first use.

    Socket paths hold 107 bytes at most, so it stands in /tmp. Its name is fixed, so that kill -9 leaves no litter;
    somebody else may have taken the name, so the owner and the mode are checked.
    """
    user = server_user(data)
    mark = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    folder = Path(f"/tmp/pathway-{user.uid}-{mark}")
    make_private(folder, user)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or stat.S_IMODE(found.st_mode) & 0o077:
        raise environment.ConfigurationError(f"{folder} is not a private folder of user {user.uid}; remove it.")
    return folder


def make_private(folder: Path, user: ServerUser) -> None:
    """Make `folder` for `user` alone; one that exists stays as it is."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    if os.geteuid() != user.uid:
        os.chown(folder, user.uid, user.gid)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; it appears complete or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)


def make_passable(folder: Path) -> None:
    """Make `folder` and its missing parents; root's can be walked through, since another user's servers live below."""
    if folder.is_dir():
        return
    make_passable(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _prepared(folder: Path) -> Path:
    try:
        make_passable(folder)
    except OSError as error:
        raise environment.ConfigurationError(
            f"The data folder {folder} cannot be made ({error.strerror}); set PATHWAY_DATA_DIR to one of yours."
        ) from error
    user = server_user(folder)
    if not can_reach(user, folder) or not os.access(folder, os.W_OK):
        raise environment.ConfigurationError(
            f"The data folder {folder} is not usable by user {user.uid}; set PATHWAY_DATA_DIR to another folder."
        )
    return folder


def _is_mine_to_write(folder: Path) -> bool:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return os.access(existing, os.W_OK)


def _nobody() -> ServerUser:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return ServerUser(OVERFLOW_ID, OVERFLOW_ID)
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _may_enter(user: ServerUser, folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    if found.st_uid == user.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == user.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
