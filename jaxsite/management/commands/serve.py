import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from jaxsite.monitoring import services
from jaxsite.processes.bind_guard import bracketed
from jaxsite.processes.metrics_token import ensure_token
from jaxsite.processes.runner.run import run


class Command(BaseCommand):
    help = "Bring the database up to date, then run all of the Procfile until Ctrl-C. What `make run` does."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_a_port_in_use(settings.BIND, settings.PORT)
        if not settings.METRICS_TOKEN:
            self.make_metrics_token(settings.METRICS_TOKEN_FILE)
        call_command("migrate", verbosity=0, skip_checks=False)
        call_command("ensure_admin", stdout=self.stdout, stderr=self.stderr)
        connections.close_all()
        sys.exit(run(settings.BASE_DIR / "Procfile", services.to_run()))

    def make_metrics_token(self, file: Path) -> None:
        """Make the token for monitors elsewhere. Where it cannot be kept all else works without it."""
        try:
            ensure_token(file)
        except OSError as reason:
            self.stderr.write(
                f"There is no token for monitors on other machines: {file} cannot be written "
                f"({reason.strerror}). Set METRICS_TOKEN if you have such a monitor."
            )


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
