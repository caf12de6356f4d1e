from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from market import doctor


class Command(BaseCommand):
    help = "Say what is configured, what answers, what is stale and what to do. Exits with 1 if there is."
    requires_system_checks: list[str] = []  # it must speak when something is wrong
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for finding in doctor.examine(timezone.now()):
            mark = self.style.ERROR("!!") if finding.advice else self.style.SUCCESS("ok")
            self.stdout.write(f"{mark} {finding.about}: {finding.text.removesuffix('.')}.")
            if finding.advice:
                wrong += 1
                self.stdout.write(f"   {finding.advice}")
        if wrong:
            raise CommandError(f"{wrong} {'thing needs' if wrong == 1 else 'things need'} attention.")
        self.stdout.write("Nothing needs attention.")
