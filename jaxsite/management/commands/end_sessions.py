from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from approvals import audit
from jaxsite.auth import sessions


class Command(BaseCommand):
    help = "Log a user out everywhere, and forget all devices. Password, factors and API tokens stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name that the user logs in with")

    @transaction.atomic
    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name}.")
        count = sessions.end_all(user)
        audit.append("sessions ended", f"user {user.pk}", timezone.now(), user=name, sessions=count)
        self.stdout.write(f"{name} is logged out everywhere ({count} sessions ended).")
