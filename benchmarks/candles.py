"""Candles into the database with all rules on, and out of it into columns."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from benchmarks.measure import Result, alternate, seconds
from benchmarks.tables import Raw, execute, instruments, sessions, texts
from market import store
from market.ingestion import pipeline
from market.prices import Bars, Feed, Timeframe, to_instant
from market.quality import Rejections

START = datetime(2024, 1, 1, tzinfo=UTC)
AT = datetime(2025, 1, 1, tzinfo=UTC)
PROVIDER, FEED = "simulator", Feed.SIMULATED
READ_COLUMNS = "symbol, opened_at, open, high, low, close, volume, vwap, session, is_final, suspect"
BARS_READ = 250


def write(size: int) -> list[Result]:
    """`size` candles of up to 500 symbols: judged, marked and merged, against a raw COPY of the same rows."""
    symbols = instruments(min(500, max(1, size // 20)))
    bars = walks(symbols, size // len(symbols), Timeframe.M1)
    changed = {symbol: replace(given, close=given.close * 1.0001) for symbol, given in bars.items()}
    rows = sum(map(len, bars.values()))
    sessions(START, 2 + rows // len(symbols) // (24 * 60))
    raw = Raw("candles", "symbol, timeframe, opened_at", _raw_columns(bars, Timeframe.M1))

    def raw_copy() -> float:
        with raw.emptied():
            return seconds(raw.copy_in)

    def stored(given: Mapping[str, Bars], expected: store.Written) -> float:
        return seconds(lambda: _record(given, expected))

    def new() -> float:
        execute("TRUNCATE candles")
        return stored(bars, store.Written(new=rows))

    median = alternate(
        {
            "raw": raw_copy,
            "new": new,
            "unchanged": lambda: stored(bars, store.Written(kept=rows)),
            "changed": lambda: stored(changed, store.Written(changed=rows)),
        }
    )
    execute("TRUNCATE candles")
    return [
        Result(
            f"candles.write {kind}",
            median[kind],
            median["raw"],
            allowed,
            note=f"{rows / median[kind]:,.0f} rows/s",
        )
        for kind, allowed in (("new", 2.75), ("unchanged", 2.5), ("changed", 6.0))
    ]


def read(size: int) -> list[Result]:
    """The last 250 bars of `size` symbols into columns, against a raw COPY of the same to the client."""
    symbols = instruments(size)
    bars = walks(symbols, BARS_READ, Timeframe.D1)
    execute("TRUNCATE candles")
    store.write_candles(bars, Timeframe.D1, provider=PROVIDER, feed=FEED)
    execute("ANALYZE candles")

    def columns() -> None:
        stored = store.read_bars(symbols, Timeframe.D1, last=BARS_READ, closed=True)
        if any(stored[symbol].close[-1] != bars[symbol].close[-1] for symbol in symbols):
            raise AssertionError("What was read is not what was written.")

    median = alternate({"raw": lambda: seconds(_raw_copy_out), "columns": lambda: seconds(columns)}, rounds=5)
    execute("TRUNCATE candles")
    note = f"{size * BARS_READ / median['columns']:,.0f} rows/s"
    return [Result("candles.read", median["columns"], median["raw"], 1.3, note=note)]


def walks(symbols: list[str], length: int, timeframe: Timeframe) -> dict[str, Bars]:
    """Random walks of 0.1 % a bar: nothing in them is suspect."""
    random = np.random.default_rng(1)
    stamps = to_instant(START) + np.arange(length) * np.timedelta64(timeframe.length)
    walks = {}
    for symbol in symbols:
        close = 100 * np.exp(random.normal(0, 0.001, length).cumsum())
        opening = np.append(100.0, close[:-1])
        high, low = np.maximum(opening, close) * 1.001, np.minimum(opening, close) * 0.999
        volume = random.integers(100, 1_000_000, length)
        bars = Bars.of(stamps, opening, high, low, close, volume, (high + low) / 2)
        walks[symbol] = replace(bars, final=np.ones(length, dtype=np.bool_))
    return walks


def _record(bars: Mapping[str, Bars], expected: store.Written) -> None:
    rejections = Rejections()
    written = pipeline.record(bars, Timeframe.M1, provider=PROVIDER, feed=FEED, at=AT, rejections=rejections)
    if written != expected or rejections.total:
        raise AssertionError(f"{written} and {rejections.total} rejected, not {expected}.")


def _raw_columns(bars: Mapping[str, Bars], timeframe: Timeframe) -> dict[str, NDArray[np.generic]]:
    joined = Bars.join(bars.values())
    size = len(joined)
    return {
        "symbol": np.repeat(np.array(list(bars), dtype=np.bytes_), [len(given) for given in bars.values()]),
        "timeframe": texts(timeframe, size),
        "opened_at": joined.opened_at,
        "open": joined.open,
        "high": joined.high,
        "low": joined.low,
        "close": joined.close,
        "volume": joined.volume,
        "vwap": joined.vwap,
        "provider": texts(PROVIDER, size),
        "feed": texts(FEED, size),
        "session": texts("regular", size),
        "is_final": joined.final,
        "suspect": joined.suspect,
        "revisions": np.zeros(size, dtype=np.int32),
    }


def _raw_copy_out() -> None:
    statement = f"COPY (SELECT {READ_COLUMNS} FROM candles) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        b"".join(copy)
