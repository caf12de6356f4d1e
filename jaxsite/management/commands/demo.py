from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from jaxsite import demonstration


class Command(BaseCommand):
    help = "Play the way of one signal in a scratch database: scan, decision, order, fill, outcome, record."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATA_KIND != "simulated":
            raise CommandError("The demonstration is for installations with simulated data (DATA=simulated).")
        with demonstration.scratch_database():
            story = demonstration.Demonstration(timezone.now(), self.stdout.write, self._head)
            try:
                story.play()
            except demonstration.Nothing as reason:
                raise CommandError(str(reason)) from None

    def _head(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{text}"))
