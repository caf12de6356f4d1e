"""Quotes into their two tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Result, alternate, seconds
from benchmarks.tables import Raw, execute, instruments, texts
from market import store
from market.prices import Feed, QuoteTick, to_instant

AS_OF = datetime(2024, 7, 3, 14, 0, tzinfo=UTC)
PROVIDER, FEED = "alpaca", Feed.LIVE


def write(size: int) -> list[Result]:
    """A quote for each of `size` symbols, the first one and the next, against a raw COPY into both tables."""
    ticks = [_tick(symbol, n) for n, symbol in enumerate(instruments(size))]
    later = [replace(tick, price=tick.price + 0.01, as_of=AS_OF + timedelta(minutes=1)) for tick in ticks]
    current = Raw("quotes", "symbol", _raw_columns(ticks))
    history = Raw("quote_history", "symbol, as_of, provider", _raw_columns(ticks))

    def raw_copy() -> float:
        with current.emptied(), history.emptied():
            return seconds(current.copy_in) + seconds(history.copy_in)

    def new() -> float:
        execute("TRUNCATE quotes, quote_history")
        return seconds(lambda: _write(ticks))

    median = alternate(
        {"raw": raw_copy, "new": new, "next": lambda: seconds(lambda: _write(later))}, rounds=5
    )
    execute("TRUNCATE quotes, quote_history")
    return [
        Result(
            f"quotes.write {kind}",
            median[kind],
            median["raw"],
            4.0,
            note=f"{size / median[kind]:,.0f} quotes/s",
        )
        for kind in ("new", "next")
    ]


def raw_quotes(symbols: list[str]) -> float:
    """Seconds of a raw COPY of one quote for each symbol into both tables."""
    columns = _raw_columns([_tick(symbol, n) for n, symbol in enumerate(symbols)])
    current = Raw("quotes", "symbol", columns)
    history = Raw("quote_history", "symbol, as_of, provider", columns)
    with current.emptied(), history.emptied():
        return seconds(current.copy_in) + seconds(history.copy_in)


def _write(ticks: list[QuoteTick]) -> None:
    at = ticks[0].as_of
    stored = store.write_quotes(ticks, provider=PROVIDER, feed=FEED, delay=timedelta(0), at=at)
    if stored != len(ticks):
        raise AssertionError(f"{stored} of {len(ticks)} quotes were stored.")


def _tick(symbol: str, n: int) -> QuoteTick:
    price = 10 + n / 100
    return QuoteTick(symbol, price, AS_OF, price - 0.01, price + 0.01, 100 + n, 200 + n, 1_000 * n, "V")


def _raw_columns(ticks: list[QuoteTick]) -> dict[str, NDArray[np.generic]]:
    size = len(ticks)
    given = {
        name: np.array([getattr(tick, name) for tick in ticks], dtype=np.float64)
        for name in ("price", "bid", "ask", "bid_size", "ask_size", "volume")
    }
    return {
        "symbol": np.array([tick.symbol for tick in ticks], dtype=np.bytes_),
        **given,
        "exchange": texts("V", size),
        "as_of": np.full(size, to_instant(AS_OF)),
        "received_at": np.full(size, to_instant(AS_OF)),
        "provider": texts(PROVIDER, size),
        "feed": texts(FEED, size),
        "delay_seconds": np.zeros(size, dtype=np.int32),
    }
