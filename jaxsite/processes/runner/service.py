"""One service of the Procfile: its process, what it prints, and its signs of life."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

SHORT = 0.5  # seconds before it starts again; twice as long each time, up to
LONG = 30.0
STARTING = 120.0  # seconds until its first sign of life
GOOD = 60.0  # one that ran for so long begins with the short pause again


class Service:
    """`name` and `command` are the Procfile's. `socket` hears what it says (notify.py)."""

    def __init__(self, name: str, command: str, folder: Path, sockets: Path) -> None:
        self.name, self.command, self.folder = name, command, folder
        self.address = str(sockets / name)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(self.address)
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.starts_at: float | None = 0.0  # None while it runs
        self.heard: float | None = None  # when it last gave a sign of life since it was started
        self.has_been_ready = False
        self.failures = 0  # in a row
        self.rest = b""  # of a line

    def start(self, environment: Mapping[str, str], now: float) -> None:
        self.process = subprocess.Popen(
            ["sh", "-c", self.command],
            cwd=self.folder,
            env={**environment, "NOTIFY_SOCKET": self.address},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self.started, self.starts_at, self.heard = now, None, None

    def listen(self, now: float) -> None:
        """Take in its signs of life."""
        with suppress(BlockingIOError):
            while self.socket.recv(4096):
                self.heard, self.has_been_ready = now, True

    def is_silent(self, now: float, patience: float) -> bool:
        """Return whether it gives no signs of life any more, or took too long to its first one."""
        if self.process is None:
            return False
        return now - self.started > STARTING if self.heard is None else now - self.heard > patience

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def note_end(self, now: float) -> int:
        """Return its exit code, and set when it is started again."""
        assert self.process is not None
        code = self.process.wait()
        self.process = None
        self.failures = 1 if now - self.started > GOOD else self.failures + 1
        self.starts_at = now + min(LONG, SHORT * 2 ** (self.failures - 1))
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the service and to what it started in its own group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def lines(self, printed: bytes) -> list[str]:
        """Return the lines that are complete by now."""
        *complete, self.rest = (self.rest + printed).split(b"\n")
        return [line.decode(errors="replace") for line in complete]
