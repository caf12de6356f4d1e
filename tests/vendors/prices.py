"""Prices that anybody can compute again: a function of symbol and time, the same for every vendor."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

from tests.vendors import holidays

NEW_YORK = ZoneInfo("America/New_York")
REGULAR = (time(9, 30), time(16, 0))
EXTENDED = (time(4, 0), time(20, 0))
CLOSES_EARLY = time(13, 0)
DAY = timedelta(days=1)
WATCHLIST = ("AAPL", "MSFT", "GOOGL", "AMZN", "TSLA", "META", "NVDA", "AMD", "NFLX", "SPY")


class Bar(NamedTuple):
    """`opened_at` of a daily bar is midnight in New York."""

    opened_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float


def many(count: int) -> tuple[str, ...]:
    """So many made-up symbols: AAAA, AAAB ..."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return tuple(
        "".join(letters[n // 26**place % 26] for place in (3, 2, 1, 0)) for n in range(min(count, 26**4))
    )


def price(symbol: str, at: datetime) -> float:
    """Slow, daily and quick waves around a level of the symbol's own; never jumps."""
    return _price(crc32(symbol.encode()), at.timestamp())


def _price(seed: int, second: float) -> float:
    days = second / 86_400 + seed % 1000
    swing = 0.06 * math.sin(days / 7) + 0.012 * math.sin(days * 9) + 0.002 * math.sin(days * 400)
    return round((20 + seed % 400) * (1 + swing), 2)


@lru_cache(maxsize=64)
def bars(
    symbol: str, length: timedelta, start: datetime, end: datetime, hours: tuple[time, time] = REGULAR
) -> list[Bar]:
    """Every bar opened from `start` to `end` in New York's sessions, the unfinished last one too."""
    if length >= DAY:
        openings = (local_midnight(day) for day in _weekdays(start, end, length))
        return [_bar(symbol, at, length, end) for at in openings if start <= at <= end]
    return [
        _bar(symbol, at, length, end)
        for day in _weekdays(start, end, DAY)
        for at in _grid(day, length, hours)
        if start <= at <= end
    ]


def local_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def _weekdays(start: datetime, end: datetime, length: timedelta) -> Iterator[date]:
    day, last = (moment.astimezone(NEW_YORK).date() for moment in (start, end))
    while day <= last:
        if length == DAY and day.weekday() < 5 and day not in holidays.closed(day.year):
            yield day
        if length > DAY and day.weekday() == 0:
            yield day
        day += DAY


def _grid(day: date, length: timedelta, hours: tuple[time, time]) -> Iterator[datetime]:
    first, last = hours[0], CLOSES_EARLY if day in holidays.short(day.year) else hours[1]
    opens, closes = (datetime.combine(day, clock, NEW_YORK).astimezone(UTC) for clock in (first, last))
    while opens < closes:
        yield opens
        opens += length


def _bar(symbol: str, opened_at: datetime, length: timedelta, now: datetime) -> Bar:
    seed, opens, lasts = crc32(symbol.encode()), opened_at.timestamp(), length.total_seconds()
    part = min(lasts, now.timestamp() - opens) / 4
    path = [_price(seed, opens + part * n) for n in range(5)]
    high, low, close = max(path), min(path), path[-1]
    volume = int(lasts * (20 + (seed ^ int(opens)) * 2_654_435_761 % 2**32 % 60))
    return Bar(opened_at, path[0], high, low, close, volume, round((high + low + close) / 3, 4))
