"""Which bars of the watchlist are late: by timeframe, by the sessions of their exchange."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from market import sessions
from market.ingestion import schedule
from market.prices import Timeframe, to_datetime, to_instant
from market.queries.ingestion import BarsAnswered, bars_answered
from market.sessions import Sessions

# From when a bar is final until a provider has answered for it: its pace, a retry, a cycle that is busy.
GRACE = timedelta(minutes=5)
# A thin instrument has no trade in some bars: so many, and so long at least, may be missing.
THIN_BARS, THIN = 2, timedelta(minutes=15)
LOOKED_BACK = timedelta(days=75)  # of sessions: enough for the newest bar after the longest holidays


def late_bars(at: datetime) -> Mapping[Timeframe, Sequence[str]]:
    """Return the watched symbols whose newest final bar is late, by fetched timeframe.

    It is when no provider has answered for it in time. It is, too, when one has, and nothing new was stored:
    of a symbol without a bar of the last whole session, and of all that lag behind once they are half of
    their calendar. So a provider that repeats old bars is noticed, and a thin instrument is not late.

    Those that were never answered are not among them: their history is on its way, or their failure is told.
    Two queries at most.
    """
    answered = bars_answered(schedule.fetched())
    by_calendar = sessions.load_all({group.calendar for group in answered}, at - LOOKED_BACK, at)
    alike: dict[tuple[str, str], list[BarsAnswered]] = defaultdict(list)
    for group in answered:
        alike[group.calendar, group.timeframe].append(group)
    late: dict[Timeframe, list[str]] = {timeframe: [] for timeframe in schedule.fetched()}
    for (calendar, name), groups in alike.items():
        late[Timeframe(name)] += _late(groups, by_calendar[calendar], Timeframe(name), at)
    return {timeframe: sorted(symbols) for timeframe, symbols in late.items()}


def _late(
    groups: Sequence[BarsAnswered], trading_sessions: Sessions, timeframe: Timeframe, at: datetime
) -> list[str]:
    """Return which of one calendar's and one timeframe's symbols are late."""
    delays = {group.delay_seconds for group in groups}
    due = {delay: _due(trading_sessions, timeframe, at, timedelta(seconds=delay)) for delay in delays}
    lagging = [group for group in groups if _ends_before(group, due[group.delay_seconds].surely)]
    is_general = 2 * _count(lagging) >= _count(groups)
    return [
        symbol
        for group in groups
        if _is_late(group, due[group.delay_seconds]) or (is_general and group in lagging)
        for symbol in group.symbols
    ]


@dataclass(frozen=True)
class _Due:
    """The newest bar that is final for long enough, of all instruments, of thin ones, and at the opening of
    the last whole session. None where there is none."""

    newest: datetime | None
    surely: datetime | None
    before_session: datetime | None


def _due(trading_sessions: Sessions, timeframe: Timeframe, at: datetime, delay: timedelta) -> _Due:
    at -= GRACE
    thin = max(THIN_BARS * timeframe.length, THIN) if timeframe.is_intraday else timedelta(0)
    whole = trading_sessions.opens[trading_sessions.closes <= to_instant(at - delay)]
    opened_at = to_datetime(whole[-1]) if len(whole) else None
    return _Due(
        newest=trading_sessions.newest_final(timeframe, at, delay),
        surely=trading_sessions.newest_final(timeframe, at - thin, delay),
        before_session=opened_at and trading_sessions.newest_final(timeframe, opened_at, delay),
    )


def _is_late(group: BarsAnswered, due: _Due) -> bool:
    if due.newest is None:
        return False
    has_none_of_session = _ends_before(group, due.newest) and not _ends_after(group, due.before_session)
    return group.answered_through < due.newest or has_none_of_session


def _ends_before(group: BarsAnswered, bar: datetime | None) -> bool:
    return bar is not None and (group.newest_at is None or group.newest_at < bar)


def _ends_after(group: BarsAnswered, bar: datetime | None) -> bool:
    return bar is None or (group.newest_at is not None and group.newest_at > bar)


def _count(groups: Sequence[BarsAnswered]) -> int:
    return sum(len(group.symbols) for group in groups)
