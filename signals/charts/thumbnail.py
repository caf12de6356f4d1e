"""The bars around a signal as a small picture: inline SVG, drawn here, so that it needs no script.

All positions are percentages of the picture, which is as wide as its page; its words keep their size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import prod
from typing import TypeVar

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.formatting import level
from market.formatting import here
from market.models import Split
from market.prices import Bars, Floats, Timeframe, to_datetime, to_instant
from market.store import read_bars
from signals import formatting as signal_formatting
from signals.models import Signal
from signals.panel import DIGESTED

BEFORE, AFTER = 60, 20
TOP, BOTTOM = 9.0, 84.0  # per cent of the height, between which prices lie
SLOT = 100 / (BEFORE + 1 + AFTER)
MIDDLE = SLOT * (BEFORE + 0.5)  # of the bar that spoke: it always stands at the same place
BODY = 0.7 * SLOT
NOTHING = "No closed bars are stored around it."

P = TypeVar("P", float, Floats)  # a price, or a column of them


@dataclass(frozen=True)
class Picture:
    """The bars that are shown. `here`: how many of them stand before the one that spoke.

    `spoke`: its place among them, None when it is not a closed bar any more. `low`, `high`: the prices at the
    edges. `shares`: how many of the bars' shares one of the signal's has become in splits since.
    """

    signal: Signal
    bars: Bars
    here: int
    spoke: int | None
    low: float
    high: float
    shares: float

    @classmethod
    def of(cls, signal: Signal, stored: Bars, shares: float) -> "Picture":
        """Take the last bars before the signal's, and the first after it. There must be some."""
        at = to_instant(signal.bar_opened_at)
        position = int(np.searchsorted(stored.opened_at, at))
        is_stored, here = bool(at in stored.opened_at), min(position, BEFORE)
        bars, spoke = stored[position - here : position + is_stored + AFTER], here if is_stored else None
        levels = [price / shares for _, _, price in levels_of(signal)]
        low, high = min(bars.low.min(), *levels), max(bars.high.max(), *levels)
        return cls(signal, bars, here, spoke, float(low), float(high), shares)

    def x(self, bar: int) -> float:
        """Return the middle of a bar."""
        beyond = self.spoke is None and bar >= self.here
        return MIDDLE + SLOT * (bar - self.here + beyond)

    def y(self, price: P) -> P:
        return TOP + (self.high - price) / ((self.high - self.low) or 1) * (BOTTOM - TOP)


def levels_of(signal: Signal) -> Iterator[tuple[str, bool, float]]:
    """Yield each level that is drawn: its name, whether its text is above its line, and its price."""
    buys = signal.signal_type == Signal.Type.BUY
    yield "target", buys, float(signal.take_profit)
    yield "entry", True, float(signal.entry_price)
    yield "stop", not buys, float(signal.stop_loss)


def around(signal: Signal) -> Bars:
    """Return the closed bars around the signal's, with all that its digest covers. One read."""
    timeframe, at = Timeframe(signal.timeframe), signal.bar_opened_at
    since, until = at - _reach(timeframe, DIGESTED), at + _reach(timeframe, AFTER)
    return read_bars([signal.symbol], timeframe, since=since, until=until, closed=True)[signal.symbol]


def _reach(timeframe: Timeframe, bars: int) -> timedelta:
    """Return a span that holds so many bars: a session is a quarter of its day, and some days have none."""
    return 6 * bars * timeframe.length + timedelta(days=5)


def shares(signal: Signal) -> float:
    """Return what one share has become since the signal was stored: a split restates bars, not signals."""
    since = Split.objects.filter(
        symbol=signal.symbol, recorded_at__gte=signal.created_at, date__gt=signal.bar_opened_at
    )
    return prod(since.values_list("ratio", flat=True))


def title(signal: Signal) -> str:
    return f"{signal.symbol} {signal.timeframe} around the bar that spoke"


def facts(signal: Signal, stored: Bars, shares: float = 1) -> str:
    """Return what its picture or its chart shows, in words."""
    return described(Picture.of(signal, stored, shares)) if len(stored) else NOTHING


def draw(signal: Signal, stored: Bars, shares: float = 1) -> SafeString | str:
    if not len(stored):
        return NOTHING
    picture = Picture.of(signal, stored, shares)
    return format_html(
        '<svg class="thumbnail" role="img" aria-labelledby="thumbnail-title thumbnail-desc">'
        '<title id="thumbnail-title">{}</title><desc id="thumbnail-desc">{}</desc>{}{}{}</svg>',
        title(signal),
        described(picture),
        _mark(picture),
        _candles(picture),
        format_html_join("", "{}", ([_level(picture, *level)] for level in levels_of(signal))),
    )


def described(picture: Picture) -> str:
    """Return what the picture shows, for a screen reader."""
    signal, bars = picture.signal, picture.bars
    after = len(bars) - picture.here - (picture.spoke is not None)
    missing = "" if picture.spoke is not None else " The bar that spoke is no longer among the closed ones."
    return (
        f"{signal_formatting.bars(picture.here)} before the bar of {_stamp(picture)} and {after} after it,"
        f" from {bars.low.min():,.2f} to {bars.high.max():,.2f}.{missing}"
        f" {signal.signal_type} at {level(signal.entry_price)}, stop {level(signal.stop_loss)},"
        f" first target {level(signal.take_profit)}."
    )


def _stamp(picture: Picture) -> str:
    return here(picture.signal.bar_opened_at, picture.signal.timeframe)


def _mark(picture: Picture) -> SafeString:
    """Return the mark of the signal's bar: a band behind it with its date, and an arrow beside it."""
    first = to_datetime(picture.bars.opened_at[0])
    return format_html(
        '<rect class="spoke" x="{}%" y="0" width="{}%" height="88%"/>'
        '<text x="{}%" y="97%" class="middle">{}</text><text x="{}%" dx="4" y="97%">{}</text>{}',
        _at(MIDDLE - SLOT / 2),
        _at(SLOT),
        _at(MIDDLE),
        _stamp(picture),
        _at(picture.x(0) - SLOT / 2),
        here(first, picture.signal.timeframe) if picture.here > BEFORE / 2 else "",
        _arrow(picture),
    )


def _arrow(picture: Picture) -> SafeString | str:
    if picture.spoke is None:
        return ""
    tone, arrow = signal_formatting.SIDES[Signal.Type(picture.signal.signal_type)]
    buys = picture.signal.signal_type == Signal.Type.BUY
    price = picture.bars.low[picture.spoke] if buys else picture.bars.high[picture.spoke]
    return format_html(
        '<text class="middle {}" x="{}%" y="{}%" dy="{}">{}</text>',
        tone,
        _at(MIDDLE),
        _at(picture.y(price)),
        "1.1em" if buys else "-0.4em",
        arrow,
    )


def _candles(picture: Picture) -> SafeString:
    """Return all bars. There are up to 81 and each is figures alone: nothing in them has to be escaped."""
    bars = picture.bars
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    heights = [picture.y(prices).tolist() for prices in (bars.high, bars.low, top, bottom)]
    rises = (bars.close >= bars.open).tolist()
    drawn = [_candle(picture.x(bar), *row) for bar, row in enumerate(zip(rises, *heights, strict=True))]
    return SafeString("".join(drawn))


def _candle(middle: float, rises: bool, high: float, low: float, top: float, bottom: float) -> str:
    x, height = _at(middle), max(bottom - top, 0.3)  # one that closed where it opened is still seen
    return (
        f'<g class="{"rise" if rises else "fall"}">'
        f'<line x1="{x}%" x2="{x}%" y1="{high:.2f}%" y2="{low:.2f}%"/>'
        f'<rect x="{middle - BODY / 2:.2f}%" y="{top:.2f}%" width="{BODY:.2f}%" height="{height:.2f}%"/></g>'
    )


def _level(picture: Picture, name: str, above: bool, price: float) -> SafeString:
    """Return a line from the signal's bar on, with its text at its end."""
    return format_html(
        '<line class="{name}" x1="{}%" x2="100%" y1="{y}%" y2="{y}%"/>'
        '<text class="end {name}" x="99.5%" y="{y}%" dy="{}">{name} {}</text>',
        _at(MIDDLE),
        "-0.35em" if above else "1.05em",
        f"{price:,.{_decimals(picture.signal)}f}",
        name=name,
        y=_at(picture.y(price / picture.shares)),
    )


def _decimals(signal: Signal) -> int:
    prices = (signal.entry_price, signal.stop_loss, signal.take_profit)
    return max(len(level(price).partition(".")[2]) for price in prices)


def _at(percent: float) -> str:
    return f"{percent:.2f}"
