from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from jaxsite.embedded_postgres import roles
from jaxsite.embedded_postgres.base import as_owner


class Command(migrate.Command):
    """Django's command, as the owner of the database. It grants the site's role its rights on what is new."""

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner(options["database"]):
            super().handle(*args, **options)
            with connections[options["database"]].cursor() as cursor:
                cursor.execute(roles.statement(roles.GRANT))
