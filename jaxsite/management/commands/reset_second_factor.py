from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from approvals import audit, notify
from approvals.models import Notification


class Command(BaseCommand):
    help = "Take a user's second factors away: apps, passkeys and recovery codes. The password stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name that the user logs in with")

    @transaction.atomic
    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name}.")
        factors = Authenticator.objects.filter(user=user)
        count = factors.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
        factors.delete()
        at = timezone.now()
        event = audit.append("second factors reset", f"user {user.pk}", at, user=name, factors=count)
        title = f"The second factors of {name} were taken away"
        notify.put(Notification.Kind.ACCOUNT, f"account {event.number}", title, at, path="/account/")
        self.stdout.write(
            f"{name} has no second factor any more ({count} taken away) and logs in with the password alone."
        )
