"""How long a signal waits for a decision."""

from datetime import timedelta

import numpy as np

from market.prices import Instants, Timeframe
from market.sessions import Sessions

LONGEST = np.timedelta64(timedelta(hours=24))


def expires(known: Sessions, timeframe: Timeframe, closed_at: Instants, bars: int) -> Instants:
    """When signals at bars that closed then expire: after `bars` bars of session time.

    No signal waits longer than 24 hours, unless nothing trades at that moment: then until the close of the
    next session. NaT where the sessions that are known do not reach so far.
    """
    ends = known.walk(timeframe, closed_at, bars)
    limit = closed_at + LONGEST
    rests = ~known.cover(limit) & ~np.isin(limit, known.closes)
    longest = np.where(rests, known.next_close(limit), limit)
    return np.where(np.isnat(ends) | np.isnat(longest), np.datetime64("NaT", "us"), np.minimum(ends, longest))
