"""The watchlist as the desk shows it: price, change, the day's range and a line of the last bars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypedDict

from django.core.paginator import Page
from django.db import connection

from core.paging import paged
from market import formatting as market_formatting
from market import quotes
from market.models import Instrument
from market.quotes import QuoteView
from market.templatetags import figures

PER_PAGE = 40
POINTS = 40  # bars of the line
WIDTH, HEIGHT = 96.0, 24.0

# The last closed quarters of an hour of each symbol, oldest first, and the range since its session opened.
LINES = """
SELECT symbol, line.closes, day.low, day.high
FROM unnest(%(symbols)s::text[]) AS wanted(symbol)
JOIN instruments USING (symbol)
CROSS JOIN LATERAL (
    SELECT array_agg(close ORDER BY opened_at) AS closes FROM (
        SELECT close, opened_at FROM candles
        WHERE candles.symbol = wanted.symbol AND timeframe = '15m' ORDER BY opened_at DESC LIMIT %(points)s
    ) AS last
) AS line
CROSS JOIN LATERAL (
    SELECT min(low) AS low, max(high) AS high FROM candles
    WHERE candles.symbol = wanted.symbol AND timeframe = '15m' AND opened_at >= (
        SELECT opens_at FROM trading_sessions AS session
        WHERE session.calendar = instruments.calendar AND NOT closed
          AND date BETWEEN %(at)s::date - 15 AND %(at)s::date + 2 AND opens_at <= %(at)s
        ORDER BY opens_at DESC LIMIT 1
    )
) AS day
"""


@dataclass(frozen=True)
class Line:
    """The last closes as points of a drawing, and the day's range; None where nothing is stored."""

    points: str
    low: float | None
    high: float | None


NOTHING = Line("", None, None)


class Row(TypedDict):
    """A line of the table as it is written: a page has many, so its template has nothing left to work out.

    `price`, `change` and `age` are empty while there is no quote. `range`: of the day, with the newest price.
    """

    symbol: str
    name: str
    address: str
    price: str
    change: str
    range: str
    points: str
    age: str
    stale: bool


def page(search: str, number: str | None) -> Page[Instrument]:
    """A page of the watchlist, of symbols or names that begin with what is searched."""
    watched = Instrument.objects.watched().order_by("symbol")
    if search:
        watched = watched.filter(symbol__istartswith=search) | watched.filter(name__istartswith=search)
    return paged(watched, number, PER_PAGE)


def rows(instruments: Iterable[Instrument], at: datetime) -> list[Row]:
    symbols = [instrument.pk for instrument in instruments]
    views, lines = quotes.quotes_with_change(symbols, at), _lines(symbols, at)
    return [_row(one, views.get(one.pk), lines.get(one.pk, NOTHING), at) for one in instruments]


def _row(instrument: Instrument, view: QuoteView | None, line: Line, at: datetime) -> Row:
    low, high = line.low, line.high
    if view and low is not None and high is not None:
        low, high = min(low, view.quote.price), max(high, view.quote.price)
    return {
        "symbol": instrument.symbol,
        "name": figures.short(instrument.name, 24),
        "address": market_formatting.chart_address(instrument.symbol),
        "price": figures.price(view.quote.price, instrument) if view else "",
        "change": figures.change(view.change_percent, 2, " %") if view else "",
        "range": f"{figures.price(low, instrument)} to {figures.price(high, instrument)}",
        "points": line.points,
        "age": figures.age(view.quote.as_of, at, view.quote.delay_seconds) if view else "",
        "stale": view is not None and view.stale,
    }


def _lines(symbols: list[str], at: datetime) -> dict[str, Line]:
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"symbols": symbols, "points": POINTS, "at": at})
        return {symbol: Line(points(closes or []), low, high) for symbol, closes, low, high in cursor}


def points(closes: Sequence[float]) -> str:
    """The closes as "x,y" pairs that fill the drawing; empty below two of them."""
    if len(closes) < 2:
        return ""
    low = min(closes)
    scale = (HEIGHT - 2) / ((max(closes) - low) or 1)
    return " ".join(
        [
            f"{x},{HEIGHT - 1 - (close - low) * scale:.1f}"
            for x, close in zip(_across(len(closes)), closes, strict=True)
        ]
    )


@cache
def _across(count: int) -> list[str]:
    """Where so many points stand from left to right."""
    step = WIDTH / (count - 1)
    return [f"{number * step:.1f}" for number in range(count)]
