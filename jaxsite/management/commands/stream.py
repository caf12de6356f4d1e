from typing import Any

from django.core.management.base import BaseCommand

from jaxsite.processes import process_group, streaming


class Command(BaseCommand):
    help = "Stream quotes from the first provider that pushes them, until SIGTERM. What `make run` runs, too."

    def handle(self, *args: Any, **options: Any) -> None:
        process_group.end_with_parent_if_asked()
        process_group.treat_hangup_as_terminate()
        streaming.run()
