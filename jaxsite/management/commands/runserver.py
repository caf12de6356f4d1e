from typing import Any

from django.conf import settings
from django.contrib.staticfiles.management.commands import runserver
from django.core.management.base import CommandError

from jaxsite.processes.bind_guard import ADVICE, TooOpen


class Command(runserver.Command):
    """Django's command, which takes an address from the command line, past BIND and its check."""

    def run(self, **options: Any) -> None:
        try:
            settings.REACH.allow(self.addr)  # type: ignore[attr-defined]  # the stubs lack what it parses
        except TooOpen as reason:
            raise CommandError(f"{reason} {ADVICE}") from reason
        super().run(**options)
