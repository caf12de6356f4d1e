"""Signals that come together are one bet: the opening bell makes five longs of one market's move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from approvals.proposals import Proposal
from signals.models import Signal

TOGETHER = timedelta(minutes=1)
MANY = 3


@dataclass(frozen=True)
class Wave:
    """Rows that stand together. `says` is empty for those that came alone."""

    rows: Sequence[Proposal]

    @property
    def says(self) -> str:
        if len(self.rows) < MANY:
            return ""
        side = "longs" if self.rows[0].signal.signal_type == Signal.Type.BUY else "shorts"
        return f"{len(self.rows)} {side} in one minute: one bet"


def waves(rows: Sequence[Proposal]) -> list[Wave]:
    """The rows in their order, but those raised within a minute in one direction together, from three on."""
    left, found = list(rows), []
    while left:
        first = left[0].signal
        near = [row for row in left if _is_near(row.signal, first)]
        together = near if len(near) >= MANY else left[:1]
        found.append(Wave(together))
        taken = {row.signal.pk for row in together}
        left = [row for row in left if row.signal.pk not in taken]
    return found


def _is_near(one: Signal, other: Signal) -> bool:
    apart = abs(one.generated_at - other.generated_at)
    return one.signal_type == other.signal_type and apart < TOGETHER
