"""Stored bars as a panel, and the bulk writes of a scan."""

from collections.abc import Sequence
from datetime import datetime

from market.prices import Timeframe
from signals.panel import Panel


def panel(
    symbols: Sequence[str],
    timeframe: Timeframe,
    *,
    last: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Panel:
    """The closed bars of the symbols: final, of the regular session, not suspect.

    The newest `last` of each of those opened in [since, until). One read, whatever the number of symbols.
    """
    raise NotImplementedError
