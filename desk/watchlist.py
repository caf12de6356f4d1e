"""The watchlist as the desk shows it: price, change, the day's range and a line of the last bars."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import TypedDict

from django.core.paginator import Page

from core.paging import paged
from market import formatting as market_formatting
from market import queries, quotes
from market.models import Instrument
from market.queries import PriceLine
from market.quotes import QuoteView
from market.templatetags import figures

PER_PAGE = 40
POINTS = 40  # bars of the line
WIDTH, HEIGHT = 96.0, 24.0


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
    views, lines = quotes.quotes_with_change(symbols, at), queries.price_lines(symbols, POINTS, at)
    return [
        _row(instrument, views.get(instrument.pk), lines[instrument.pk], at) for instrument in instruments
    ]


def _row(instrument: Instrument, view: QuoteView | None, line: PriceLine, at: datetime) -> Row:
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
        "points": points(line.closes),
        "age": figures.age(view.quote.as_of, at, view.quote.delay_seconds) if view else "",
        "stale": view is not None and view.stale,
    }


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
