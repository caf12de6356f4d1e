"""Moves of the size of a split: asked about when their bars are stored, taken back when they are gone."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from market import sessions, share_basis, store
from market.models import Instrument, Split, UnexplainedMove
from market.prices import Bars, Flags, Timeframe, to_datetime
from market.quality import Rejections
from market.sessions import Sessions

CALLED_BAD = "a person called it bad data"
BEFORE = timedelta(days=40)  # more than twenty sessions, to know what is usual
AFTER = timedelta(days=10)
JUST_BEFORE = timedelta(days=7)  # the bars of a wrong price that these may show to be back where it was
SAME_SPLIT = timedelta(days=4)  # a provider's date of a split may be off by a weekend

Days = NDArray[np.datetime64]


def session_days(trading_sessions: Sessions, timeframe: Timeframe, bars: Bars) -> Days:
    """Return the session date of each bar of the regular session."""
    if not timeframe.is_intraday or not len(trading_sessions.dates):
        return bars.opened_at.astype("datetime64[D]")
    rows = np.searchsorted(trading_sessions.opens, bars.opened_at, side="right") - 1
    days: Days = trading_sessions.dates[np.maximum(rows, 0)]
    return days


def ask(
    bars: Mapping[str, Bars], around: Mapping[str, Bars], timeframe: Timeframe, provider: str, at: datetime
) -> None:
    """Ask about the moves in and around bars that were just stored; `around`: what is stored beside them.

    An open question whose move is no longer there goes: the provider has corrected its bars. The instruments
    are locked.
    """
    questions = defaultdict(list)
    for row in UnexplainedMove.objects.open().filter(symbol__in=bars, timeframe=timeframe):
        questions[row.symbol].append(row)
    for symbol, given in bars.items():
        if symbol in questions or share_basis.may_hold_any(_line(given, around[symbol])):
            first, last = (to_datetime(given.opened_at[row]) for row in (0, -1))
            first -= JUST_BEFORE
            seen = look(symbol, timeframe, provider, at, first=first, last=last)
            _take_back(seen, questions[symbol], first.date(), (last + AFTER).date())


def _line(given: Bars, around: Bars) -> Bars:
    """Return the given bars with the stored one before them and the one after."""
    before, after = (
        around[around.opened_at < given.opened_at[0]],
        around[around.opened_at > given.opened_at[-1]],
    )
    line = Bars.join([before[max(len(before) - 1, 0) :], given, after[:1]])
    return line[line.regular & line.final]


def look(
    symbol: str,
    timeframe: Timeframe,
    provider: str,
    at: datetime,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
) -> set[date]:
    """Ask about the unexplained moves of stored bars, those already asked about aside; return their days.

    `first`, `last`: the openings between which they lie; None: all there are.
    """
    stored = store.read_bars(
        [symbol], timeframe, since=first and first - BEFORE, until=last and last + AFTER
    )[symbol]
    line = stored[stored.regular & stored.final]
    if not len(line):
        return set()
    days = session_days(_sessions_around(symbol, line), timeframe, line)
    ratios = share_basis.split_like(line, days, np.zeros(1, dtype=np.intp))
    moves = [
        UnexplainedMove(
            symbol=symbol,
            date=days[row].item(),
            looks_like=float(ratios[row]),
            close_before=float(line.close[row - 1]),
            open_after=float(line.open[row]),
            timeframe=timeframe,
            source=provider,
            asked_at=at,
        )
        for row in np.flatnonzero(ratios).tolist()
        if first is None or days[row].item() >= first.date()
    ]
    explained = set(Split.objects.filter(symbol=symbol).values_list("date", flat=True)) if moves else set()
    unexplained = [move for move in moves if move.date not in explained]
    UnexplainedMove.objects.bulk_create(unexplained, ignore_conflicts=True)
    return {move.date for move in unexplained}


def _sessions_around(symbol: str, bars: Bars) -> Sessions:
    calendar = Instrument.objects.values_list("calendar", flat=True).get(pk=symbol)
    return sessions.load(calendar, since=to_datetime(bars.opened_at[0]) - timedelta(days=8))


def _take_back(seen: Collection[date], questions: Iterable[UnexplainedMove], first: date, last: date) -> None:
    """Delete the open questions of these days whose move is gone."""
    gone = [row.pk for row in questions if first <= row.date <= last and row.date not in seen]
    UnexplainedMove.objects.open().filter(pk__in=gone).delete()


def explain(symbol: str, day: date, ratio: float, source: str, at: datetime) -> None:
    """Answer the question about a day on which a split has been recorded."""
    about = UnexplainedMove.objects.open().filter(
        symbol=symbol, date__range=(day - SAME_SPLIT, day + SAME_SPLIT)
    )
    about.update(
        answer=UnexplainedMove.Answer.SPLIT,
        ratio=ratio,
        answered_at=at,
        why=f"The split was recorded from {source}.",
    )


def without_bad(bars: Mapping[str, Bars], timeframe: Timeframe, rejections: Rejections) -> dict[str, Bars]:
    """Return the bars without those that a person called bad data and that come again as they were.

    A corrected one, whose open is nearer to the close before than to the bad open, is kept.
    """
    kept = dict(bars)
    for move in UnexplainedMove.objects.filter(symbol__in=bars, answer=UnexplainedMove.Answer.BAD_DATA):
        given = kept[move.symbol]
        if len(given) and (is_bad := _is_bad(move, given, timeframe)).any():
            rejections.add(CALLED_BAD, f"{move}, opened at {move.open_after:g}", int(is_bad.sum()))
            kept[move.symbol] = given[~is_bad]
    return {symbol: given for symbol, given in kept.items() if len(given)}


def _is_bad(move: UnexplainedMove, bars: Bars, timeframe: Timeframe) -> Flags:
    days = session_days(_sessions_around(move.symbol, bars), timeframe, bars)
    bad, sound = np.log(bars.open / move.open_after), np.log(bars.open / move.close_before)
    is_bad: Flags = (days == np.datetime64(move.date)) & (np.abs(bad) < np.abs(sound))
    return is_bad
