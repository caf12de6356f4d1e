"""How long tasks wait in each queue: for health, doctor and metrics alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from jaxsite import queries
from jaxsite.processes.beats import service
from market.doctor import Finding

# Longer is too long. A slow task may take an hour: what waits longer than that waits behind several.
PATIENCE = {"worker": timedelta(minutes=2), "slow": timedelta(hours=1)}
ADVICE = "The workers are busy or away: see the processes here, and start more (qcluster)."


@dataclass(frozen=True)
class Queue:
    """What waits for the workers of one service. `waited`: for how long the oldest task; None: none waits."""

    service: str
    waited: timedelta | None = None

    @property
    def advice(self) -> str:
        """Return what to do; empty when nothing has waited for too long."""
        patience = PATIENCE.get(self.service, PATIENCE["slow"])
        return ADVICE if self.waited is not None and self.waited > patience else ""

    @property
    def seconds(self) -> float:
        return self.waited.total_seconds() if self.waited else 0.0

    def __str__(self) -> str:
        if self.waited is None:
            return "Nothing waits."
        return f"The oldest task that waits has done so for {int(self.seconds)} s."


def queues(oldest_tasks: Mapping[str, datetime], at: datetime) -> list[Queue]:
    """Return the queues that are worked on, and others where a task waits."""
    waited = {service(key): at - oldest_at for key, oldest_at in oldest_tasks.items()}
    return [Queue(name, waited.get(name)) for name in sorted({*PATIENCE, *waited})]


def read(at: datetime) -> list[Queue]:
    """Return the queues at this moment: one query."""
    return queues(queries.oldest_tasks(at), at)


def findings(at: datetime) -> Iterator[Finding]:
    for queue in read(at):
        yield Finding(f"queue {queue.service}", str(queue), queue.advice)
