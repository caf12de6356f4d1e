"""Which clusters live: their processes hold an advisory lock, which the server ends with the connection."""

from django.db import connection

from jaxsite.processes.queue import queries


class Presence:
    """That of this process in its cluster."""

    def __init__(self, queue: str, instance: int) -> None:
        self.key = _key(queue, instance)
        self.shown_on: object = None

    def show(self) -> None:
        """Hold the lock on the connection that there is now: one statement whenever it is a new one."""
        if connection.connection is None or connection.connection is not self.shown_on:
            queries.share(self.key)
            self.shown_on = connection.connection


def lives(queue: str, instance: int) -> bool:
    """Return whether any process of that cluster is connected."""
    return queries.is_held(_key(queue, instance))


def _key(queue: str, instance: int) -> queries.Key:
    return f"processes of the queue {queue}", instance
