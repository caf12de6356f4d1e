"""What the market did, as a snapshot tells it: quote, bars, trend, volatility, the year."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from core import sanitize
from core.formatting import plain
from market.formatting import quote_states
from market.models import Quote
from market.prices import Floats, Timeframe
from opinions.memory import regimes
from opinions.snapshots.around import FAST, PERIOD, RANKED, SLOW, Trail
from opinions.snapshots.written import instant, short
from signals import indicators

SHOWN = 60  # closed bars
LONGEST_STATE = 150
COLUMNS = ("opened_at", "open", "high", "low", "close", "volume")


def quote(quote: Quote, at: datetime, *, is_stale: bool) -> dict[str, Any]:
    return {
        "price": quote.price,
        "bid": quote.bid,
        "ask": quote.ask,
        "as_of": instant(quote.as_of),
        "received_at": instant(quote.received_at),
        "provider": quote.provider,
        "feed": quote.feed,
        "delay_seconds": quote.delay_seconds,
        "age_seconds": round(quote.age(at).total_seconds(), 1),
        "is_stale": is_stale,
        "states": [sanitize.plain(state, LONGEST_STATE) for state in quote_states(quote)],
    }


def indicator_values(trail: Trail) -> dict[str, float]:
    """What may be said of bars without a signal: price, ATR and the averages of the trend."""
    if not len(trail):
        return {}
    close = trail.panel.bars.close[trail.rows]
    values = {
        "price": float(close[-1]),
        "atr": float(_atr(trail)[-1]),
        "trend_fast": float(indicators.sma(close, 50)[-1]),
        "trend_slow": float(indicators.sma(close, 200)[-1]),
        "rsi": float(indicators.rsi(close, PERIOD)[-1]),
    }
    return {name: value for name, value in values.items() if not np.isnan(value)}


def _atr(trail: Trail) -> Floats:
    bars = trail.panel.bars
    return indicators.atr(bars.high[trail.rows], bars.low[trail.rows], bars.close[trail.rows], PERIOD)


def shown_bars(trail: Trail) -> dict[str, Any]:
    bars = trail.panel.bars[slice(max(trail.rows.start, trail.rows.stop - SHOWN), trail.rows.stop)]
    stamps = np.datetime_as_string(bars.opened_at, unit="s", timezone="UTC").tolist()
    prices = [np.round(column, 6) for column in (bars.open, bars.high, bars.low, bars.close)]
    volumes = [None if math.isnan(volume) else plain(volume) for volume in bars.volume.tolist()]
    rows = zip(stamps, *(column.tolist() for column in prices), volumes, strict=True)
    return {"columns": list(COLUMNS), "rows": [list(row) for row in rows]}


def changes(trail: Trail) -> dict[str, float]:
    """By how many percent the close has changed over so many bars."""
    close = trail.column("close")
    return {
        str(back): round(100 * (close[-1] / close[-1 - back] - 1), 2)
        for back in (1, 5, 20)
        if len(close) > back
    }


def higher_trend(trail: Trail, timeframe: Timeframe) -> dict[str, Any] | None:
    """The trend on the next higher timeframe, by averages that few bars are enough for."""
    close = trail.panel.bars.close[trail.rows]
    if len(close) < SLOW:
        return None
    fast, slow = float(indicators.sma(close, FAST)[-1]), float(indicators.sma(close, SLOW)[-1])
    values = {"price": float(close[-1]), "trend_fast": fast, "trend_slow": slow}
    return {
        "timeframe": timeframe.value,
        "close": values["price"],
        "fast_period": FAST,
        "fast": short(fast),
        "slow_period": SLOW,
        "slow": short(slow),
        "trend": regimes.trend(values),
    }


def volatility(trail: Trail, values: Mapping[str, float], timeframe: Timeframe) -> dict[str, Any] | None:
    """The range of a bar in percent of the price, and how it ranks among those of the last bars."""
    if len(trail) <= PERIOD:
        return None
    ranges = 100 * _atr(trail) / trail.panel.bars.close[trail.rows]
    ranges = ranges[~np.isnan(ranges)][-RANKED:]
    return {
        "atr_percent": short(float(ranges[-1])),
        "rank_percent": round(100 * float((ranges < ranges[-1]).mean()), 1),
        "bars": len(ranges),
        "regime": regimes.volatility(values, timeframe),
    }


def year(extremes: tuple[float, float, int] | None, price: float | None) -> dict[str, Any] | None:
    if extremes is None or price is None:
        return None
    high, low, days = extremes
    return {
        "high": high,
        "low": low,
        "below_high_percent": round(100 * (1 - price / high), 2),
        "above_low_percent": round(100 * (price / low - 1), 2),
        "days": days,
    }


def price(quote: Quote | None, trail: Trail) -> float | None:
    if quote is not None and quote.is_believed:
        return quote.price
    return trail.column("close")[-1] if len(trail) else None
