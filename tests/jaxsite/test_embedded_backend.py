"""The embedded server as Django sees it, in processes and folders of their own."""

from pathlib import Path

import pytest

from tests.jaxsite.processes import environment, eventually, free_port, manage, manage_with, processes_of

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILL_THE_SERVER_BETWEEN_TWO_TASKS = """
import os, signal, time
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import close_old_connections, connection
Group.objects.create(name="before")
pidfile = f"{settings.VAR_DIR}/postgres/postmaster.pid"
os.kill(int(open(pidfile).readline()), signal.SIGKILL)
while connection.is_usable():
    time.sleep(0.02)
close_old_connections()
Group.objects.create(name="after")
print([group.name for group in Group.objects.filter(name__in=["before", "after"]).order_by("pk")])
"""


def test_the_database_is_made_when_it_is_missing_and_dbshell_reads_it(var: Path) -> None:
    manage(var, "migrate", "--verbosity=0")
    counted = manage(var, "dbshell", "--", "-Atc", "SELECT current_database(), count(*) FROM instruments")
    assert counted == "jax_simulated|10\n"
    output = manage(var, "shell", "--verbosity=0", "-c", KILL_THE_SERVER_BETWEEN_TWO_TASKS)
    assert output == "['before', 'after']\n"
    eventually(lambda: not processes_of(var))


def test_a_server_that_cannot_run_is_an_operational_error_in_words(stored: Path) -> None:
    (stored / "postgres" / "PG_VERSION").write_text("17\n")
    output = manage(stored, "showmigrations", ok=False)
    assert output.splitlines()[-1].startswith(
        "django.db.utils.OperationalError: The embedded PostgreSQL server did"
    )


def test_a_server_that_cannot_run_ends_migrate_and_serve_without_a_traceback(stored: Path) -> None:
    (stored / "postgres" / "PG_VERSION").write_text("17\n")
    here = environment(stored) | {"PORT": str(free_port())}
    for command in ("migrate", "serve"):
        output = manage_with(here, command, ok=False)
        assert f"{stored}/postgres was written by PostgreSQL 17" in output
        assert "Traceback" not in output
