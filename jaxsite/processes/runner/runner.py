"""The runner: starts the services, shows what they print, and starts again what ends or falls silent.

It starts no process but the services, so that none of its own can die unseen.
"""

import os
import re
import selectors
import signal
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import FrameType

from jaxsite.processes.runner.screen import Screen
from jaxsite.processes.runner.service import Service

LOOK = 0.2  # seconds
SILENT = 30.0
GRACE = 20.0  # what all of them are given to stop
TRIES = 3  # of a service that has never run: then something is wrong that no further start will mend
US = "system"
LINE = re.compile(r"^([\w-]+):\s*(.+)$", re.MULTILINE)


class Runner:
    def __init__(
        self, procfile: Path, environment: Mapping[str, str], sockets: Path, names: Collection[str] = ()
    ) -> None:
        """Have the services of these names; without names all. Raises ValueError for one that is none."""
        lines = LINE.findall(procfile.read_text())
        services = [name for name, _ in lines]
        if unknown := [name for name in names if name not in services]:
            raise ValueError(f"No service {unknown[0]} in {procfile.name}. There are: {', '.join(services)}")
        lines = [(name, command) for name, command in lines if not names or name in names]
        self.environment = environment
        self.services = [Service(name, command, procfile.parent, sockets) for name, command in lines]
        self.screen = Screen([US, *(service.name for service in self.services)])
        self.selector = selectors.DefaultSelector()
        self.stops_at: float | None = None  # by when all have stopped, once they are told
        self.is_asked = False
        self.code = 0

    def run(self) -> int:
        """Run until a signal comes, the screen vanishes or a service cannot start. Return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)
        while self.stops_at is None or any(service.process for service in self.services):
            self.show_output()
            now = time.monotonic()
            for service in self.services:
                self.look_at(service, now)
            self.screen.look()
            if (self.is_asked or self.screen.is_gone) and self.stops_at is None:
                self.stop(now)
            if self.stops_at is not None and now > self.stops_at:
                self.kill()
        self.show_output()
        return self.code

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Stop; asked twice, at once."""
        if self.is_asked and self.stops_at is not None:
            self.stops_at = 0.0
        self.is_asked = True

    def show_output(self) -> None:
        """Show what was printed, or wait a moment for it."""
        for key, _ in self.selector.select(LOOK):
            service: Service = key.data
            printed = os.read(key.fd, 65_536)
            if not printed:  # the other end is closed
                self.selector.unregister(key.fileobj)
                printed = b"\n" if service.rest else b""
            for line in service.lines(printed):
                self.screen.show(service.name, line)

    def look_at(self, service: Service, now: float) -> None:
        service.listen(now)
        if service.has_ended():
            self.note_end(service, now)
        elif service.is_silent(now, SILENT) and self.stops_at is None:
            self.screen.show(US, f"{service.name} gives no sign of life and is killed")
            service.signal(signal.SIGKILL)
        if service.starts_at is not None and now >= service.starts_at and self.stops_at is None:
            self.start(service, now)

    def start(self, service: Service, now: float) -> None:
        service.start(self.environment, now)
        assert service.process is not None
        assert service.process.stdout is not None
        self.selector.register(service.process.stdout, selectors.EVENT_READ, service)
        self.screen.show(US, f"{service.name} started (pid {service.process.pid})")

    def note_end(self, service: Service, now: float) -> None:
        code = service.note_end(now)
        if self.stops_at is not None:
            self.screen.show(US, f"{service.name} stopped")
        elif service.failures >= TRIES and not service.has_been_ready:
            self.screen.show(US, f"{service.name} cannot start (exit {code}); what it said is above")
            self.code = code if code > 0 else 1
            self.stop(now)
        else:
            self.screen.show(US, f"{service.name} ended (exit {code}) and is started again")

    def stop(self, now: float) -> None:
        self.stops_at = now + GRACE
        self.screen.show(US, "stopping; what runs is given a few seconds (Ctrl-C again: none)")
        for service in self.services:
            service.signal(signal.SIGTERM)

    def kill(self) -> None:
        for service in self.services:
            service.signal(signal.SIGKILL)
