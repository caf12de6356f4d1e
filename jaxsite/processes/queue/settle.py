"""What becomes of a task whose worker is gone: a stored failure, or queued again when it had not begun."""

import time
from datetime import datetime

from django_q.models import OrmQ

from jaxsite.processes.queue import claims, presence, results
from jaxsite.processes.queue.claims import Claim
from jaxsite.processes.queue.results import Queue
from jaxsite.processes.queue.slots import Ending, Shared, Slot, Stage

LATE = 3.0  # seconds in which the server may still do what a process asked that is dead by now
REASONS = {
    Ending.DIED: "Its worker died while it ran.",
    Ending.OVERDUE: "It did not end within its limit, and its worker was killed.",
}
KILLED = "The cluster was killed while it ran."


def settle(slot: Slot, at: datetime, queue: Queue) -> None:
    """Settle what the slot's last worker, which is gone, had taken."""
    row = OrmQ.objects.filter(key=queue.list_key, lock=Claim(slot.claim).lock).first()
    if row is None and time.monotonic() - slot.ended < LATE:
        return
    if row is not None:
        if slot.ending == Ending.CUT or slot.stage != Stage.BEGUN:
            claims.queue_again(row, at)
        else:
            results.fail(row, REASONS[Ending(slot.ending)], at, queue)
    slot.claim, slot.ending = 0, Ending.NONE


class Strays:
    """Rows taken by a cluster that was killed, or by one of our workers whose end came before the answer.

    A row counts when it was one at two looks: between two statements it may seem so.
    """

    def __init__(self) -> None:
        self.seen: set[tuple[int, Claim]] = set()

    def settle(self, shared: Shared, at: datetime, queue: Queue) -> None:
        rows = list(claims.taken(queue.list_key))
        claimed = shared.claims()  # read after the rows: a worker claims first
        strays = [row for row in rows if self._is_stray(Claim.of(row), shared.instance, claimed, queue)]
        for row in strays:
            if (row.pk, Claim.of(row)) not in self.seen:
                continue
            if Claim.of(row).instance == shared.instance:
                claims.queue_again(row, at)
            else:
                results.fail(row, KILLED, at, queue)
        self.seen = {(row.pk, Claim.of(row)) for row in strays}

    def _is_stray(self, claim: Claim, instance: int, claimed: set[int], queue: Queue) -> bool:
        if claim.instance == instance:
            return claim.number not in claimed
        return not presence.lives(queue.list_key, claim.instance)
