"""The process that owns the embedded server: it starts it, waits until nobody uses it, and stops it.

It runs detached, as `python -S -m jaxsite.embedded_postgres.watcher VAR PROGRAMS`, and is the server's
parent, so it never has to guess whether a process id is still the server. Should the watcher itself be
killed, the kernel (on Linux) tells the server to stop. Until the server is ready it holds its standard
output; what it prints there is the reason why it could not start.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from jaxsite.embedded_postgres import account, cluster
from jaxsite.embedded_postgres.account import Account
from jaxsite.embedded_postgres.server import Place, Postmaster, ServerError, open_lock

STOP_SECONDS = 60
PR_SET_PDEATHSIG = 1


class Over(Exception):
    """The server has ended, or this watcher was told to end it."""


def main(place: Place, programs: Path) -> None:
    lock = open_lock(place.watcher)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another process is starting it
    if os.fork():
        os._exit(0)
    os.chdir("/")
    try:
        runner = account.for_place(place)
        cluster.prepare(place, programs, runner)
        bury(place)
        sockets = cluster.socket_directory(place, runner)
        server = start(place, programs, runner, sockets)
    except (ServerError, OSError) as failure:
        sys.stdout.write(f"The embedded PostgreSQL server did not start. {failure}\n")
        return
    let_the_caller_go()
    wait_until_unused(place, server)
    stop(server)
    cluster.forget_sockets(sockets)


def start(place: Place, programs: Path, runner: Account, sockets: Path) -> "subprocess.Popen[bytes]":
    deadline = time.monotonic() + 15
    while True:
        server, reason = attempt(place, programs, runner, sockets)
        if server:
            return server
        if "shared memory block" not in reason or time.monotonic() > deadline:
            raise ServerError(f"It said: {reason or 'nothing'} (see {place.log})")
        time.sleep(0.1)  # processes of a killed server have not noticed yet


def attempt(
    place: Place, programs: Path, runner: Account, sockets: Path
) -> "tuple[subprocess.Popen[bytes] | None, str]":
    """Start the server and wait until it is ready; else give the end of what it logged."""
    with place.log.open("ab") as log:
        begin = log.tell()
        server = subprocess.Popen(
            [programs / "postgres", "-D", place.data, *cluster.options(sockets)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=cluster.ENVIRONMENT,
            preexec_fn=end_with_parent(),
            **runner.identity(),
        )
    while server.poll() is None:
        postmaster = Postmaster.read(place.data)
        if postmaster and postmaster.pid == server.pid and postmaster.status == "ready":
            return server, ""
        time.sleep(0.02)
    with place.log.open("rb") as log:
        log.seek(begin)
        return None, log.read()[-1000:].decode(errors="replace").strip()


def end_with_parent() -> Callable[[], None] | None:
    """What the server does before it begins: ask the kernel for a fast shutdown when its parent dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def bury(place: Place) -> None:
    """Deal with what an earlier server left behind that its watcher did not see out.

    PostgreSQL takes any living process with the id in `postmaster.pid` for a server, even a stranger. Its
    parent's own id it takes for stale, and then it still makes sure that nobody uses the old shared memory.
    """
    old = Postmaster.read(place.data)
    if old and old.is_alive(place.data):
        os.kill(old.pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while old.is_alive(place.data):
            if time.monotonic() > deadline:
                raise ServerError(f"An earlier server (process {old.pid}) does not stop.")
            time.sleep(0.05)
    cluster.forget_sockets(Path(old.socket_directory) if old else place.data)
    pidfile = place.data / "postmaster.pid"
    if pidfile.exists():
        lines = pidfile.read_text().splitlines()
        with pidfile.open("r+") as file:
            file.write("\n".join([str(os.getpid()), *lines[1:7], ""]))
            file.truncate()


def let_the_caller_go() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def wait_until_unused(place: Place, server: "subprocess.Popen[bytes]") -> None:
    def on_child(signum: int, frame: FrameType | None) -> None:
        if server.poll() is not None:
            raise Over

    def on_request(signum: int, frame: FrameType | None) -> None:
        raise Over

    users = open_lock(place.users)
    try:
        signal.signal(signal.SIGCHLD, on_child)
        signal.signal(signal.SIGTERM, on_request)
        signal.signal(signal.SIGINT, on_request)
        if server.poll() is None:  # it may have died before the handlers stood
            fcntl.flock(users, fcntl.LOCK_EX)
    except Over:
        pass
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN if number != signal.SIGCHLD else signal.SIG_DFL)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Fast shutdown: clients are cut off and everything is written. After a minute, less gently."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(request)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    main(Place(Path(sys.argv[1])), Path(sys.argv[2]))
