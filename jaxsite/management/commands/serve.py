import multiprocessing
import os
import select
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Message, Printer

from jaxsite.processes import process_group
from jaxsite.processes.bind_guard import bracketed
from jaxsite.processes.metrics_token import ensure_token


class Command(BaseCommand):
    help = "Bring the database up to date, then run all of the Procfile until Ctrl-C. What `make run` does."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_a_port_in_use(settings.BIND, settings.PORT)
        if not settings.METRICS_TOKEN:
            ensure_token(settings.METRICS_TOKEN_FILE)
        call_command("migrate", verbosity=0, skip_checks=False)
        call_command("ensure_admin", stdout=self.stdout, stderr=self.stderr)
        connections.close_all()
        sys.exit(run(settings.BASE_DIR / "Procfile"))


def refuse_a_port_in_use(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as reason:
            raise CommandError(
                f"Cannot serve on {bracketed(host)}:{port}: {reason.strerror}. If Jax runs already, stop it "
                "(Ctrl-C in its terminal) or use that one; else choose another PORT in .env."
            ) from reason


def run(procfile: Path) -> int:
    """Run the services until one of them ends or a signal comes; then stop them all."""
    process_group.end_with_parent_if_asked()
    multiprocessing.set_start_method("fork", force=True)  # honcho's helpers then die with this process
    process_group.forks_end_with_me()
    process_group.treat_hangup_as_terminate()
    stop_when_nobody_looks()
    manager = Manager(ScreenThatMayVanish(sys.stdout))
    for name, command in parse_procfile(procfile.read_text()).processes.items():
        manager.add_process(name, command, env=service_environment(), cwd=str(procfile.parent))
    manager.loop()
    signal.setitimer(signal.ITIMER_REAL, 0)  # while Python ends nobody handles the alarm any more
    return 0 if manager.returncode in (130, 143) else int(manager.returncode)  # asked to stop is no error


def stop_when_nobody_looks() -> None:
    """Stop once the terminal or pipe we print to is gone: only a session's first process gets a SIGHUP,
    and that can be make, which then waits for us.
    """
    screen = select.poll()
    screen.register(sys.stdout.fileno(), 0)

    def look(signum: int, frame: FrameType | None) -> None:
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in screen.poll(0)):
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)


def service_environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1", process_group.ASKED: "1"}


class ScreenThatMayVanish(Printer):  # type: ignore[misc]  # honcho has no types
    """Prints what the services say. A closed terminal or pipe is a request to stop, not a crash."""

    def write(self, message: Message) -> None:
        try:
            super().write(message)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            os.kill(os.getpid(), signal.SIGTERM)
