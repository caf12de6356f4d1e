import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

NAME = "admin"


class Command(BaseCommand):
    help = "Create the first administrator, with a random password that is printed once, if there is none."

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        admin, is_new = User.objects.get_or_create(
            username=NAME, defaults={"is_superuser": True, "is_staff": True}
        )
        if not is_new:
            self.stderr.write(f"A user {NAME} exists who is no administrator: use manage.py createsuperuser.")
            return
        admin.set_password(password)
        admin.save()
        self.stdout.write(f"The first administrator: user {NAME}, password {password} (shown only now)")
