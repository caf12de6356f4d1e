"""Which clusters live: their processes hold an advisory lock, which the server ends with the connection."""

from django.db import connection

from core import locks


class Presence:
    """That of this process in its cluster."""

    def __init__(self, queue: str, instance: int) -> None:
        self.lock = _lock(queue, instance)
        self.shown_on: object = None

    def show(self) -> None:
        """Hold the lock on the connection that there is now: one statement whenever it is a new one."""
        if connection.connection is None or connection.connection is not self.shown_on:
            locks.share(self.lock)
            self.shown_on = connection.connection


def lives(queue: str, instance: int) -> bool:
    """Return whether any process of that cluster is connected."""
    return locks.is_shared(_lock(queue, instance))


def _lock(queue: str, instance: int) -> str:
    return f"processes of the queue {queue}, run {instance}"
