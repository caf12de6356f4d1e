"""The outcomes that are to be computed, together with those that are computed with them."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from approvals.queries.outcomes import Due


def batches(due: Sequence[Due]) -> Iterator[list[Due]]:
    """Yield those that the same strategy has raised with the same parameters: its events are theirs."""
    for _, batch in groupby(due, lambda item: (item.strategy_id, item.timeframe, item.parameters)):
        yield list(batch)
