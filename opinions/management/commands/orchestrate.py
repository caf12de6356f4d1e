from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from opinions import queue
from opinions.analysts.base import NotConfigured


class Command(BaseCommand):
    help = "Ask for a second opinion on every watched instrument. The slow worker works on them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", required=True, help="Every watched instrument.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = queue.start_all(timezone.now())
        except NotConfigured as missing:
            raise CommandError(str(missing)) from None
        self.stdout.write(f"Asked {settings.ANALYST} about {count} instruments; those asked already wait.")
