"""Tasks that say when they begin and end, in tables that the fault tests make."""

import os
import signal
import time

from django.db import connection

TABLES = """
CREATE TABLE IF NOT EXISTS begun (name text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS ended (name text, at timestamptz DEFAULT clock_timestamp());
GRANT INSERT ON begun, ended TO jax_site;
"""


def work(name: str, seconds: float = 0) -> None:
    _say("begun", name)
    time.sleep(seconds)
    _say("ended", name)


def hang(name: str) -> None:
    """Run past the limit, whatever exception is raised to end it."""
    _say("begun", name)
    while True:
        try:
            time.sleep(3600)
        except BaseException:  # noqa: BLE001  as a library does that retries without end
            continue


def stop_its_worker(name: str) -> None:
    _say("begun", name)
    os.kill(os.getpid(), signal.SIGSTOP)


def _say(table: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} (name) VALUES (%s)", [name])
