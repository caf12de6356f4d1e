"""The operating system's account that runs the server. PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from jaxsite.embedded_postgres.server import Place, ServerError

SYSTEM_ACCOUNT = "jax-postgres"


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def identity(self) -> Identity:
        """The arguments of `subprocess.run` that make a program run as this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)


def for_place(place: Place) -> Account:
    """The caller's account; for root the owner of the data or of the folder, or else a system account."""
    if os.geteuid() != 0:
        return account_of(os.geteuid())
    owner = (place.data if place.data.exists() else place.var).stat().st_uid
    return account_of(owner) if owner else system_account()


def account_of(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ServerError(
            f"The user id {uid} has no entry in /etc/passwd, and PostgreSQL insists on one. "
            "Add it, or set DATABASE_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def system_account() -> Account:
    """The account for root's installations. Under nobody or postgres others could reach the data."""
    if not exists(SYSTEM_ACCOUNT):
        add(SYSTEM_ACCOUNT)
    return account_of(pwd.getpwnam(SYSTEM_ACCOUNT).pw_uid)


def exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def add(name: str) -> None:
    useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    added = (
        subprocess.run(
            [useradd, *options, "--shell", "/usr/sbin/nologin", name],
            capture_output=True,
            text=True,
            check=False,
        )
        if useradd
        else None
    )
    if exists(name):  # added, by us or by another process at the same moment
        return
    reason = added.stderr.strip() if added else "there is no useradd"
    raise ServerError(
        f"PostgreSQL does not run as root, and the system account {name} could not be added ({reason}). "
        "Add it, run as an ordinary user, or set DATABASE_URL."
    )


def check_reach(path: Path, account: Account) -> None:
    """Refuse when `account` cannot enter every folder above `path`."""
    for folder in reversed(path.parents):
        status = folder.stat()
        if status.st_uid == account.uid:
            enters = status.st_mode & stat.S_IXUSR
        elif status.st_gid == account.gid:
            enters = status.st_mode & stat.S_IXGRP
        else:
            enters = status.st_mode & stat.S_IXOTH
        if not enters:
            raise ServerError(
                f"As root, the embedded PostgreSQL server runs as the user {account.name}, who cannot enter "
                f"{folder} on the way to {path}. Move the project to a folder that others may enter, such as "
                "/opt, run as an ordinary user, or set DATABASE_URL."
            )
