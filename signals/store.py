"""Stored bars as a panel, and how far they are evaluated."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from market import sessions, share_basis
from market import store as candles
from market.models import Candle, Gap, Instrument, Split, UnexplainedMove
from market.prices import Bars, Flags, Floats, Instants, Timeframe, to_datetime, to_instant
from signals import payouts
from signals.panel import Integers, Jump, Panel
from signals.queries import Watched


class Source(NamedTuple):
    """Where a bar comes from."""

    provider: str
    feed: str


def panel(
    symbols: Sequence[str],
    timeframe: Timeframe,
    *,
    last: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    doubted: bool = False,
) -> Panel:
    """Return the closed bars of the symbols: final, of the regular session, not suspect.

    `doubted`: also those that are suspect, and the dividends, for what is at risk on them; strategies see
    `Panel.seen`.
    The newest `last` of each of those opened in [since, until). Reads candles once, whatever the number of
    symbols. Raises UnknownSymbols.
    """
    names = sorted(set(symbols))
    instruments = _instruments(names)
    closed = candles.read_closed(names, timeframe, last=last, since=since, until=until, doubted=doubted)
    symbol = closed.ordinals - 1
    is_first = np.append(True, symbol[1:] != symbol[:-1])[: len(symbol)]
    starts = np.flatnonzero(is_first)
    session, slot = _places(
        [instruments[name].calendar for name in names], symbol, timeframe, closed.bars.opened_at
    )
    calendars = {name: instruments[name].calendar for name in names}
    return Panel(
        bars=closed.bars,
        starts=starts,
        symbol=symbol,
        symbols=tuple(names),
        source=closed.sources,
        session=session,
        slot=slot,
        tick=_ticks(names, [instruments[name].tick for name in names], symbol, closed.bars.opened_at),
        late=_late(names, symbol, is_first, timeframe, closed.bars.opened_at),
        jumps=tuple(_jumps(names, symbol, timeframe, closed.bars, session, starts)),
        dividends=payouts.of(calendars, timeframe, closed.bars.opened_at) if doubted else {},
    )


class Traded(NamedTuple):
    """How an instrument trades."""

    calendar: str
    tick: float


def _instruments(symbols: Sequence[str]) -> dict[str, Traded]:
    """Return the calendar and the tick of each. Raises UnknownSymbols."""
    rows = Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "calendar", "tick_size")
    instruments = {symbol: Traded(calendar, float(tick)) for symbol, calendar, tick in rows}
    if unknown := set(symbols) - instruments.keys():
        raise candles.UnknownSymbols(unknown)
    return instruments


def _jumps(
    names: Sequence[str],
    symbol: Integers,
    timeframe: Timeframe,
    bars: Bars,
    session: Integers,
    starts: NDArray[np.intp],
) -> Iterator[Jump]:
    """Yield the moves of the size of a split that no person has called real."""
    factors = _factors(bars, session, starts)
    rows = np.flatnonzero(factors)
    real = _called_real({names[symbol[row]] for row in rows.tolist()}) if len(rows) else set()
    for row in rows.tolist():
        name, opened_at = names[symbol[row]], to_datetime(bars.opened_at[row])
        # A week opens before the session that moved, a bar of Sydney on the day (UTC) before its date.
        days = {(opened_at + timedelta(days=n)).date() for n in range(timeframe.length.days or 2)}
        if not any((name, day) in real for day in days):
            yield Jump(name, opened_at, float(factors[row]))


def _factors(bars: Bars, session: Integers, starts: NDArray[np.intp]) -> Floats:
    """Return the split that each bar looks like. Bars in doubt are looked past."""
    if not bars.suspect.any():
        return share_basis.split_like(bars, session, starts)
    sound = np.flatnonzero(~bars.suspect)
    firsts = np.unique(np.searchsorted(sound, starts))
    factors = np.zeros(len(bars))
    factors[sound] = share_basis.split_like(bars[sound], session[sound], firsts[firsts < len(sound)])
    return factors


def _called_real(symbols: set[str]) -> set[tuple[str, date]]:
    answered = UnexplainedMove.objects.filter(symbol__in=symbols, answer=UnexplainedMove.Answer.REAL)
    return set(answered.values_list("symbol", "date"))


def _places(
    calendars: Sequence[str], symbol: Integers, timeframe: Timeframe, opened_at: Instants
) -> tuple[Integers, Integers]:
    """Return which session each bar is in, and which bar of it."""
    session, slot = np.zeros(len(symbol), dtype=np.int32), np.zeros(len(symbol), dtype=np.int32)
    if not timeframe.is_intraday or not len(symbol):
        return (opened_at.astype("datetime64[D]").astype(np.int32), slot)
    first = to_datetime(opened_at.min())
    names = np.array(calendars)
    for calendar in np.unique(names):
        calendar_sessions = sessions.load(str(calendar), since=first)
        rows = slice(None) if (names == calendar).all() else (names == calendar)[symbol]
        session[rows], slot[rows] = _place(calendar_sessions, timeframe, opened_at[rows])
    return session, slot


def _place(
    calendar: sessions.Sessions, timeframe: Timeframe, opened_at: Instants
) -> tuple[Integers, Integers]:
    session = np.maximum(np.searchsorted(calendar.opens, opened_at, side="right") - 1, 0)
    if not len(calendar.opens):
        return session.astype(np.int32), session.astype(np.int32)
    slot = (opened_at - calendar.opens[session]) // np.timedelta64(timeframe.length)
    return session.astype(np.int32), slot.astype(np.int32)


def _ticks(symbols: list[str], sizes: Sequence[float], symbol: Integers, opened_at: Instants) -> Floats:
    """Return each bar's tick on its price basis: a split made the steps before it smaller, as the prices."""
    ticks = np.array(sizes, dtype=np.float64)[symbol]
    for name, day, ratio in Split.objects.filter(symbol__in=symbols).values_list("symbol", "date", "ratio"):
        before = (symbol == symbols.index(name)) & (opened_at < np.datetime64(day, "us"))
        ticks[before] /= ratio
    return ticks


def _late(
    symbols: Sequence[str], symbol: Integers, is_first: Flags, timeframe: Timeframe, opened_at: Instants
) -> Flags:
    """Return before which bars an outage of ours lies; for built bars, also within which."""
    late = np.zeros(len(symbol), dtype=np.bool_)
    fetched = timeframe.built_from or timeframe
    outages = Gap.objects.filter(symbol__in=symbols, timeframe=fetched, reason=Gap.Reason.OUTAGE)
    for row in _following(symbols, symbol, opened_at, outages.values_list("symbol", "first_at")):
        late[row] = True
        late[max(row - 1, 0)] |= fetched is not timeframe
    return late & ~is_first


def _following(
    symbols: Sequence[str],
    symbol: Integers,
    opened_at: Instants,
    moments: Iterable[tuple[str, datetime]],
) -> Iterator[int]:
    """Yield the row of the first bar of the symbol after each moment."""
    numbers = {name: number for number, name in enumerate(symbols)}
    for name, at in moments:
        start, end = np.searchsorted(symbol, [numbers[name], numbers[name] + 1])
        row = int(start) + int(np.searchsorted(opened_at[start:end], to_instant(at), side="right"))
        if row < end:
            yield row


def sources(timeframe: Timeframe, bars: Iterable[tuple[str, datetime]]) -> dict[tuple[str, datetime], Source]:
    """Return the provider and feed of the bars, by symbol and opening."""
    keys = set(bars)
    candles = Candle.objects.filter(
        timeframe=timeframe,
        symbol__in={symbol for symbol, _ in keys},
        opened_at__in={opened_at for _, opened_at in keys},
    ).values_list("symbol", "opened_at", "provider", "feed")
    return {(symbol, opened_at): Source(*source) for symbol, opened_at, *source in candles} if keys else {}


# As SQL: bulk_create of as many model instances would take a quarter of a whole scan's time.
ADVANCE = """
    INSERT INTO scan_progress (timeframe, symbol, version, evaluated_through, closed_at, bars)
    SELECT %(timeframe)s, * FROM unnest(
        %(symbols)s::varchar[], %(versions)s::bigint[], %(through)s::timestamptz[],
        %(closed_at)s::timestamptz[], %(bars)s::int[]
    )
    ON CONFLICT (symbol, timeframe) DO UPDATE SET version = excluded.version,
        evaluated_through = excluded.evaluated_through, closed_at = excluded.closed_at, bars = excluded.bars
"""


def advance(timeframe: Timeframe, instruments: Sequence[Watched]) -> None:
    """Store that the bars of the instruments are evaluated as far as these rows say."""
    values = {
        "timeframe": timeframe.value,
        "symbols": [row.symbol for row in instruments],
        "versions": [row.version for row in instruments],
        "through": [row.through for row in instruments],
        "closed_at": [row.closed_at for row in instruments],
        "bars": [row.bars for row in instruments],
    }
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, values)
