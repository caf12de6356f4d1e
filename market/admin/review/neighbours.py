"""A bar beside its neighbours, and beside what others give in its place, in words."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from market import formatting as market_formatting
from market.ingestion.review.bars import PRICES, Key
from market.ingestion.review.items import Item
from market.ingestion.review.second_look import SecondLook, neighbours
from market.models import BarVerdict, Candle, ReviewItem
from market.prices import Bars

NEIGHBOURS = 5
UNKNOWN = "not known"


@dataclass(frozen=True)
class Line:
    """A bar beside the others, in words. `tone`: of its row."""

    opened: str
    values: list[str]
    source: str
    state: str
    tone: str = ""


def lines(item: Item, looked: SecondLook | None) -> Iterator[Line]:
    """Yield the bars around, oldest first; below the item's own what else is known in its place."""
    if (key := item.key) is None:
        return
    around = neighbours(key, NEIGHBOURS)
    yield from (_line(candle, key) for candle in around if candle.opened_at <= key.opened_at)
    yield from _told(item, key, looked)
    yield from (_line(candle, key) for candle in around if candle.opened_at > key.opened_at)


def _line(candle: Candle, key: Key) -> Line:
    return Line(
        market_formatting.stamp(candle.opened_at, candle.timeframe),
        _values(candle),
        f"{candle.provider}, {candle.feed}",
        "suspect" if candle.suspect else "",
        "this" if candle.opened_at == key.opened_at else "",
    )


def _values(bar: Candle | BarVerdict) -> list[str]:
    return [_figure(getattr(bar, name)) for name in (*PRICES, "volume")]


def _figure(value: float | None) -> str:
    return UNKNOWN if value is None or math.isnan(value) else f"{value:,.10g}"


def _told(item: Item, key: Key, looked: SecondLook | None) -> Iterator[Line]:
    """Yield the values of a dropped or corrected bar, and those of the second source."""
    opened, verdict = market_formatting.stamp(key.opened_at, key.timeframe), item.verdict
    if verdict and verdict.verdict != BarVerdict.Verdict.BELIEVED:
        state = verdict.get_verdict_display().lower()
        yield Line(opened, _values(verdict), verdict.provider, state, "other")
    if looked and looked.bar is not None:
        yield Line(opened, _first(looked.bar), looked.source, "second source", "other")
    elif item.kind == ReviewItem.Kind.GAP:
        yield Line(opened, [""] * 5, "", "missing", "this")


def _first(bars: Bars) -> list[str]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [_figure(float(column[0])) for column in columns]
