"""The share basis of a file's prices: restated by splits, and compared with what is stored."""

from collections.abc import Mapping
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from market.prices import Bars, Timeframe, to_instant
from market.sessions import Sessions
from market.share_basis import in_shares

ONE_BASIS = 1.2  # the closes of one session never differ by this factor between sources on one basis

Days = NDArray[np.datetime64]


def restated(bars: Bars, days: Days, splits: Mapping[date, float]) -> Bars:
    """Return the bars in today's shares: prices before each split divided by its ratio, volume multiplied.

    `days` are the session dates of the bars. A bar of the split's own date already trades in new shares.
    """
    if not splits:
        return bars
    factor = np.ones(len(bars))
    for day, ratio in splits.items():
        factor[days < np.datetime64(day)] *= ratio
    return in_shares(bars, factor)


def session_dates(
    trading_sessions: Sessions, timeframe: Timeframe, opened_at: NDArray[np.datetime64]
) -> Days:
    """Return the session each bar belongs to.

    The nearest one, so that early and late hours go with their day.
    """
    if not timeframe.is_intraday or not len(trading_sessions.dates):
        return opened_at.astype("datetime64[D]")
    turns = trading_sessions.closes[:-1] + (trading_sessions.opens[1:] - trading_sessions.closes[:-1]) // 2
    days: Days = trading_sessions.dates[np.searchsorted(turns, opened_at, side="right")]
    return days


def last_closes(days: Days, close: NDArray[np.float64]) -> dict[date, float]:
    is_last = np.append(days[1:] != days[:-1], True)
    return dict(zip(days[is_last].tolist(), close[is_last].tolist(), strict=True))


def stored_closes(
    stored_bars: list[tuple[datetime, float]], timeframe: Timeframe, trading_sessions: Sessions
) -> dict[date, float]:
    opened_at = np.array([to_instant(at) for at, _ in reversed(stored_bars)])
    days = session_dates(trading_sessions, timeframe, opened_at)
    return last_closes(days, np.array([close for _, close in reversed(stored_bars)]))


def difference(imported: Mapping[date, float], stored: Mapping[date, float]) -> str:
    """Return in words that more than a tenth of the shared sessions have another share basis; else ""."""
    shared = sorted(imported.keys() & stored.keys())
    off = [day for day in shared if not 1 / ONE_BASIS < imported[day] / stored[day] < ONE_BASIS]
    if len(off) * 10 <= len(shared):
        return ""
    return f"The close of {off[0]} is {imported[off[0]]:.6g} in the file and {stored[off[0]]:.6g}"
