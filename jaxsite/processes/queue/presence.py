"""Which clusters live: their processes hold an advisory lock, which the server ends with the connection."""

from collections.abc import Callable
from random import SystemRandom

from django.db import connection

from core import locks
from jaxsite.processes.queue import claims
from jaxsite.processes.queue.claims import Claim
from jaxsite.processes.queue.slots import INSTANCES

_draw = SystemRandom().randrange


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


def free_instance(queue: str, draw: Callable[[int], int] = _draw) -> int:
    """Return a number of no cluster that lives, and of no dead one that has left tasks to settle."""
    used = {Claim.of(row).instance for row in claims.taken(queue)}
    while (instance := draw(INSTANCES)) in used or lives(queue, instance):
        pass
    return instance


def _lock(queue: str, instance: int) -> str:
    return f"processes of the queue {queue}, run {instance}"
