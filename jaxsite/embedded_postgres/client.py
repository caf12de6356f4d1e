import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import client

from jaxsite.embedded_postgres import roles, server


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell`: psql of the system (it has history and completion), else the bundled one.

    It is the owner's: a user of this machine may change what the site may not.
    """

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        address = server.ensure(Path(settings.VAR_DIR))
        roles.prepare(address)
        address_settings = {"HOST": address["host"], "PORT": address["port"], "USER": server.OWNER}
        command, environment = super().settings_to_cmd_args_env(settings_dict | address_settings, parameters)
        return [shutil.which("psql") or str(server.programs() / "psql"), *command[1:]], environment
