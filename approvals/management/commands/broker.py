from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from approvals import execution


class Command(BaseCommand):
    help = "Ask the broker that BROKER names which account it is, what it is worth, what is held and works."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lines = execution.describe_account(timezone.now())
        except (execution.RealMoney, execution.BrokerError) as error:
            raise CommandError(str(error)) from error
        for line in lines:
            self.stdout.write(line)
