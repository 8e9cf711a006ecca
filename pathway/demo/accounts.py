"""The people of the demo clinic: one user per role, with passwords that nobody knew before."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pathway.models import Membership, Site, User
from pathway.vocabulary import NO_CARE, Role

PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the private file of demo accounts."""

    username: str
    password: str
    role: str


Keep = Callable[[Path, str], None]  # writes a private file, complete or not at all


def read(path: Path) -> list[Account]:
    """What the file says; nothing when there is none. Raises ValueError for one that is damaged."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [Account(str(one["username"]), str(one["password"]), str(one["role"])) for one in told]


def ensure(
    site: Site, staff: Mapping[Role, tuple[str, str]], *, prefix: str = "", path: Path, keep: Keep
) -> tuple[dict[str, User], list[Account]]:
    """The users of one team by role, and the accounts that are new. Existing users keep their passwords.

    The file is written before the users are: a password is never in the database alone.
    """
    names = {role: f"{prefix}{role}" for role in staff}
    present = {user.username: user for user in User.objects.filter(username__in=names.values())}
    known = {account.username: account for account in read(path)}
    missing = [role for role in staff if names[role] not in present]
    new = [known.get(names[role]) or _account(names[role], role) for role in missing]
    if any(account.username not in known for account in new):
        keep(path, _text([*known.values(), *(one for one in new if one.username not in known)]))
    for role, account in zip(missing, new, strict=True):
        present[account.username] = _user(account, staff[role], is_admin=role == Role.ADMIN)
    team = {str(role): present[names[role]] for role in staff}
    _place(site, team)
    return {role: user for role, user in team.items() if role not in NO_CARE}, new


def _account(username: str, role: Role) -> Account:
    return Account(username, secrets.token_urlsafe(PASSWORD_BYTES), str(role))


def _user(account: Account, name: tuple[str, str], *, is_admin: bool) -> User:
    given, family = name
    user: User = User.objects.create_user(
        account.username, password=account.password, first_name=given, last_name=family, is_staff=is_admin
    )
    return user


def _place(site: Site, team: Mapping[str, User]) -> None:
    Membership.objects.bulk_create(
        [Membership(user=user, site=site, role=role) for role, user in team.items()], ignore_conflicts=True
    )


def _text(accounts: Sequence[Account]) -> str:
    return json.dumps([asdict(account) for account in accounts], indent=1) + "\n"
