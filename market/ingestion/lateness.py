"""Which bars of the watchlist are late: by timeframe, by the sessions of their exchange."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from market import sessions
from market.ingestion import schedule
from market.prices import Timeframe
from market.queries.ingestion import bars_answered

# From when a bar is final until a provider has answered for it: its pace, a retry, a cycle that is busy.
GRACE = timedelta(minutes=5)
LOOKED_BACK = timedelta(days=75)  # of sessions: enough for the newest bar after the longest holidays


def late_bars(at: datetime) -> Mapping[Timeframe, Sequence[str]]:
    """Return the watched symbols whose newest final bar was not answered in time, by fetched timeframe.

    Those that were never answered are not among them: their history is on its way, or their failure is told.
    Two queries at most.
    """
    late: dict[Timeframe, list[str]] = {timeframe: [] for timeframe in schedule.fetched()}
    answered = bars_answered(list(late))
    by_calendar = sessions.load_all({group.calendar for group in answered}, at - LOOKED_BACK, at)
    for group in answered:
        timeframe, delay = Timeframe(group.timeframe), timedelta(seconds=group.delay_seconds)
        expected = by_calendar[group.calendar].newest_final(timeframe, at - GRACE, delay)
        if expected is not None and group.answered_through < expected:
            late[timeframe] += group.symbols
    return {timeframe: sorted(symbols) for timeframe, symbols in late.items()}
