"""Stored bars as a panel."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np

from market import sessions, share_basis
from market import store as candles
from market.models import Gap, Instrument, Split
from market.prices import Bars, Flags, Floats, Instants, Timeframe, to_datetime, to_instant
from signals.panel import Integers, Jump, Panel


def panel(
    symbols: Sequence[str],
    timeframe: Timeframe,
    *,
    last: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Panel:
    """The closed bars of the symbols: final, of the regular session, not suspect.

    The newest `last` of each of those opened in [since, until). One read of candles, whatever the number of
    symbols.
    """
    asked = sorted(set(symbols))
    listed = _instruments(asked)
    found = candles.read_closed(asked, timeframe, last=last, since=since, until=until)
    symbol = found.ordinals - 1
    is_first = np.append(True, symbol[1:] != symbol[:-1])[: len(symbol)]
    jumps = _jumps(found.bars, is_first)
    rows = np.flatnonzero(jumps)
    session, slot = _places([listed[one][0] for one in asked], symbol, timeframe, found.bars.opened_at)
    return Panel(
        bars=found.bars,
        starts=np.flatnonzero(is_first | (jumps > 0)),
        symbol=symbol,
        symbols=tuple(asked),
        source=found.sources,
        session=session,
        slot=slot,
        tick=_ticks(asked, [listed[one][1] for one in asked], symbol, found.bars.opened_at),
        late=_late(asked, symbol, is_first, timeframe, found.bars.opened_at),
        jumps=tuple(
            Jump(asked[symbol[row]], to_datetime(found.bars.opened_at[row]), float(jumps[row]))
            for row in rows.tolist()
        ),
    )


def _instruments(symbols: Sequence[str]) -> dict[str, tuple[str, float]]:
    """The calendar and the tick of each. Raises UnknownSymbols."""
    rows = Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "calendar", "tick_size")
    listed = {symbol: (calendar, float(tick)) for symbol, calendar, tick in rows}
    if strangers := set(symbols) - listed.keys():
        raise candles.UnknownSymbols(strangers)
    return listed


def _jumps(bars: Bars, is_first: Flags) -> Floats:
    """The unexplained split that each bar opens with, 0 where there is none."""
    jumps = np.zeros(len(bars))
    if len(bars):
        jumps[1:] = share_basis.split_like(bars.close[:-1], bars.open[1:])
        jumps[is_first] = 0
    return jumps


def _places(
    calendars: Sequence[str], symbol: Integers, timeframe: Timeframe, opened_at: Instants
) -> tuple[Integers, Integers]:
    """Which session each bar is in, and which bar of it."""
    session, slot = np.zeros(len(symbol), dtype=np.int32), np.zeros(len(symbol), dtype=np.int32)
    if not timeframe.is_intraday or not len(symbol):
        return (opened_at.astype("datetime64[D]").astype(np.int32), slot)
    first = to_datetime(opened_at.min())
    names = np.array(calendars)
    for calendar in np.unique(names):
        known = sessions.load(str(calendar), since=first)
        rows = slice(None) if (names == calendar).all() else (names == calendar)[symbol]
        session[rows], slot[rows] = _place(known, timeframe, opened_at[rows])
    return session, slot


def _place(known: sessions.Sessions, timeframe: Timeframe, opened_at: Instants) -> tuple[Integers, Integers]:
    session = np.maximum(np.searchsorted(known.opens, opened_at, side="right") - 1, 0)
    if not len(known.opens):
        return session.astype(np.int32), session.astype(np.int32)
    slot = (opened_at - known.opens[session]) // np.timedelta64(timeframe.length)
    return session.astype(np.int32), slot.astype(np.int32)


def _ticks(symbols: list[str], sizes: Sequence[float], symbol: Integers, opened_at: Instants) -> Floats:
    """Each bar's tick on its price basis: a split has made the steps before it smaller, as the prices."""
    ticks = np.array(sizes, dtype=np.float64)[symbol]
    for name, day, ratio in Split.objects.filter(symbol__in=symbols).values_list("symbol", "date", "ratio"):
        before = (symbol == symbols.index(name)) & (opened_at < np.datetime64(day, "us"))
        ticks[before] /= ratio
    return ticks


def _late(
    symbols: Sequence[str], symbol: Integers, is_first: Flags, timeframe: Timeframe, opened_at: Instants
) -> Flags:
    """Before which bars an outage of ours lies; for built bars, also within which."""
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
    """The row of the first bar of the symbol after each moment."""
    numbers = {name: number for number, name in enumerate(symbols)}
    for name, at in moments:
        start, end = np.searchsorted(symbol, [numbers[name], numbers[name] + 1])
        row = int(start) + int(np.searchsorted(opened_at[start:end], to_instant(at), side="right"))
        if row < end:
            yield row
