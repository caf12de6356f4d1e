from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from approvals import halt


class Command(BaseCommand):
    help = "End every halt. Orders that waited meanwhile are held: each needs a new look before it goes out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "note", nargs="?", default="", help="What was found, in quotes. Kept with the halt."
        )

    def handle(self, *args: Any, note: str, **options: Any) -> None:
        ended = halt.end(timezone.now(), None, note.encode("utf-8", "replace").decode().strip())
        for ended_halt in ended:
            self.stdout.write(f"Ended: {ended_halt}")
        if not ended:
            self.stdout.write("Trading is not halted: there is nothing to resume.")
