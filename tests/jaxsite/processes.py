"""Real processes for the fault tests: users of an embedded server, each a Python of its own."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
NOBODY = pwd.getpwnam("nobody").pw_uid
PROGRAM = """
import sys
from pathlib import Path
import psycopg
from jaxsite.embedded_postgres import server
try:
    for statement in sys.stdin:
        there = server.ensure(Path(sys.argv[1]))
        with psycopg.connect(**there, dbname="postgres") as connection:
            cursor = connection.execute(statement)
            answer = cursor.fetchone()[0] if cursor.description else "done"
        sys.stdout.write(f"{answer}\\n")  # committed
        sys.stdout.flush()
except server.ServerError as reason:
    sys.exit(str(reason))
"""


@cache
def python_for(user: int | None) -> str:
    """A Python like ours that `user` may run; ours may lie in root's home."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    return next(python for python in (sys.executable, system) if user is None or may_run(python, user))


def may_run(python: str, user: int) -> bool:
    try:
        return subprocess.run([python, "-c", ""], cwd="/", user=user, check=False).returncode == 0
    except OSError:
        return False


class ServerUser:
    """A process that uses the server under `var` from its first statement until it ends."""

    def __init__(self, var: Path, user: int | None = None) -> None:
        self.process = subprocess.Popen(
            [python_for(user), "-c", PROGRAM, var],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            user=user,
            extra_groups=None if user is None else [],
        )

    def ask(self, statement: str) -> str:
        self.send(statement)
        return self.answer()

    def send(self, statement: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{statement}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().strip()
        assert line, self.process.communicate()[1]
        return line

    def complaint(self) -> str:
        """What it says when it cannot go on."""
        return self.process.communicate("SELECT 1\n", timeout=60)[1]

    def leave(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def server_user(var: Path, user: int | None = None) -> Iterator[ServerUser]:
    member = ServerUser(var, user)
    try:
        yield member
    finally:
        member.kill()


def environment(var: Path) -> dict[str, str]:
    """What a command of a fresh installation sees: the embedded server under `var`, no `.env`."""
    settings = {"VAR_DIR": str(var), "ENV_FILE": os.devnull, "SECRET_KEY": "only-for-tests"}
    not_theirs = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in not_theirs} | settings


def manage(var: Path, *arguments: str, ok: bool = True) -> str:
    """What `manage.py` prints, or, when it should fail, what it complains."""
    return manage_with(environment(var), *arguments, ok=ok)


def manage_with(changes: dict[str, str], *arguments: str, ok: bool = True) -> str:
    command = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(Path(os.devnull)) | changes,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (command.returncode == 0) is ok, command.stderr
    return command.stdout if ok else command.stderr


def free_port() -> int:
    """Return one that stays free until its server starts: the kernel gives connections none of these."""
    with socket.socket() as trial:
        for port in random.SystemRandom().sample(range(10_000, 32_768), 100):
            with suppress(OSError):
                trial.bind(("127.0.0.1", port))
                return port
    raise AssertionError("none of a hundred ports is free")


def processes_of(var: Path) -> list[psutil.Process]:
    """The server's processes and its watcher: they name the folder or work inside it."""
    return [process for process in psutil.process_iter() if belongs(process, var)]


def belongs(process: psutil.Process, var: Path) -> bool:
    if process.pid == os.getpid():
        return False
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return str(var) in " ".join([*process.cmdline(), process.cwd()])
    return False


def says(process: psutil.Process, word: str) -> bool:
    """Whether the process was started with this word. One that is gone by now was not."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return word in process.cmdline()
    return False


def is_called(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.name() == name
    return False


def servers(var: Path) -> list[psutil.Process]:
    """The postmasters under `var`; never more than one."""
    return [
        process
        for process in processes_of(var)
        if is_called(process, "postgres") and says(process, "-D") and not is_child_of_server(process)
    ]


def is_child_of_server(process: psutil.Process) -> bool:
    """Whether a server has just forked it: until it names itself it looks like the server."""
    with suppress(psutil.NoSuchProcess):
        parent = process.parent()
        return parent is not None and is_called(parent, "postgres")
    return False


def watchers(var: Path) -> list[psutil.Process]:
    return [process for process in processes_of(var) if says(process, "jaxsite.embedded_postgres.watcher")]


def kill_everything(var: Path) -> None:
    for process in processes_of(var):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    eventually(lambda: not processes_of(var))


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a server, which its own account may enter (pytest's tmp_path is closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="jax-test-")).resolve()
    path.chmod(0o711)
    yield path
    kill_everything(path)
    shutil.rmtree(path)


def eventually(happens: Callable[[], object], seconds: float = 90) -> None:
    """Wait for it. Generous: a busy machine takes longer, and when all is well nothing waits."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
