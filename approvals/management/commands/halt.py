from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals import gate, halt
from approvals.models import TradingHalt


class Command(BaseCommand):
    help = "Stop approving and sending. Positions can still be closed and orders cancelled."
    requires_system_checks: list[str] = []  # it must work when something is wrong
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reason", help='Why, in quotes: "the feed looks wrong". Everybody reads it.')

    def handle(self, *args: Any, reason: str, **options: Any) -> None:
        # A terminal may hand over bytes that are no text: a halt does not fail for that.
        reason = reason.encode("utf-8", "replace").decode().strip()
        if not reason:
            raise CommandError("Say why: everybody who cannot trade will read it.")
        halt.start(TradingHalt.Cause.PERSON, reason, timezone.now())
        self.stdout.write(gate.state(timezone.now()).halted)
        self.stdout.write("Closing positions and cancelling orders still work. manage.py resume ends it.")
