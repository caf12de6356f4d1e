"""The main process: it listens, starts the children that answer, and replaces those that end or fall silent.

It loads no application, touches no database and waits for no one.
"""

import resource
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

import jaxsite.processes.uptime  # noqa: F401  the count begins here, the same for all children
from jaxsite.processes import process_group
from jaxsite.processes.bind_guard import ADVICE, TooOpen, bracketed
from jaxsite.processes.notify import ALIVE, EVERY, READY, STOPPING, notify
from jaxsite.web.child import Child, Report

CHILDREN = 2
BACKLOG = 2048
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 1.0  # between two starts of the same child
STOP_SECONDS = 15.0  # a little more than the children give their requests
MOST_FILES = 65_536
UNREAD_MS = 60_000


def main() -> int:
    """Serve until a signal comes. Return 1 when no child could begin."""
    try:
        settings.REACH.allow(settings.BIND)
        listener = listen(settings.BIND, settings.PORT)
    except ImproperlyConfigured as reason:
        sys.exit(f"{reason}")
    except TooOpen as reason:
        sys.exit(f"{reason} {ADVICE}")
    except OSError as reason:
        sys.exit(f"Cannot serve on {bracketed(settings.BIND)}:{settings.PORT}: {reason.strerror}.")
    process_group.end_with_parent_if_asked()
    process_group.treat_hangup_as_terminate()
    process_group.forks_leave_my_group()
    process_group.forks_end_with_me()
    allow_many_files()
    return Main(listener).run()


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), port), family=family, backlog=BACKLOG)
    # What accepted sockets inherit. Else the parts of an answer wait for each other: asyncio sets this only
    # where the listener names its protocol.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A peer that is gone, or reads nothing of what waits for it, is dropped.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listener


def allow_many_files() -> None:
    """Let each child hold as many sockets as the system allows: each silent stranger takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def serve(listener: socket.socket, report: Report) -> None:
    """Do a child's work. It alone loads the application."""
    from jaxsite.wsgi import application  # sets Django up, which the server needs

    # isort: split
    from jaxsite.web import server

    server.serve(application, listener, report)


class Main:
    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.children = [Child(partial(serve, listener)) for _ in range(CHILDREN)]
        self.is_on = False
        self.is_stopping = False
        self.notified = 0.0

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self.is_stopping and self._look_after(time.monotonic()):
            time.sleep(LOOK_SECONDS)
        notify(STOPPING)
        self._end()
        return 0 if self.is_stopping else 1

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def _look_after(self, at: float) -> bool:
        """Tell how the children are, start and kill those that need it. Return whether one may yet answer."""
        self._tell(at)
        for child in self.children:
            if child.has_ended():
                if child.started and not self.is_on:
                    return False
                if at - child.started > AGAIN_SECONDS:
                    child.start()
            elif child.is_silent(at):
                say(f"A web process ({child.pid}) has not answered for long. It is replaced.")
                child.send(signal.SIGKILL)
        return True

    def _tell(self, at: float) -> None:
        if not any(child.answers(at) for child in self.children):
            return
        if not self.is_on:
            self.is_on = True
            say(f"Jax is on http://{bracketed(settings.BIND)}:{settings.PORT}")
            if settings.BIND == "127.0.0.1":
                say(f"Passkeys work on http://localhost:{settings.PORT}")
            notify(READY)
        if at - self.notified >= EVERY:
            self.notified = at
            notify(ALIVE)

    def _end(self) -> None:
        """End the children; those that take too long with their last requests are cut off."""
        self.listener.close()  # new connections are refused: no child would accept them
        for child in self.children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while not all(child.has_ended() for child in self.children):
            if time.monotonic() > deadline:
                for child in self.children:
                    child.send(signal.SIGKILL)
            time.sleep(LOOK_SECONDS)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
