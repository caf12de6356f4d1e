from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals import advice
from signals import consulting


class Command(BaseCommand):
    help = "Ask for a second opinion on every watched instrument. The slow worker works on them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", required=True, help="Every watched instrument.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asked = advice.start_all(timezone.now())
        except consulting.NotConfigured as missing:
            raise CommandError(str(missing)) from None
        self.stdout.write(f"Asked {consulting.usual()} about {asked} instruments; those asked already wait.")
