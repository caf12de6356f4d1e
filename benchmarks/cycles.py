"""Whole cycles against vendors on loopback, beside what the vendor and the wire force."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import requests
from django.test import override_settings

from benchmarks.measure import Result, alternate, seconds
from benchmarks.quotes import raw_quotes
from benchmarks.tables import execute, instruments, sessions
from market import store
from market.ingestion import cycle
from market.models import IngestionRun, Instrument, ProviderPace, ProviderStatus
from market.prices import Bars, Feed, Timeframe, to_instant
from market.providers.ib_bridge import MESSAGES
from market.providers.simulator import Simulator
from tests.vendors import IBBridge, Polygon

AT = datetime(2024, 7, 3, 14, 7, 20, tzinfo=UTC)
LATENCY = 0.2


@contextmanager
def watched(symbols: list[str]) -> Iterator[None]:
    """These symbols, which trade round the clock, are the watchlist; nothing is stored of them yet."""
    _empty()
    Instrument.objects.update(watched=False)
    Instrument.objects.filter(symbol__in=symbols).update(watched=True)
    sessions(AT.replace(hour=0, minute=0, second=0) - timedelta(days=420), 900)
    yield
    _empty()


def _empty() -> None:
    execute("TRUNCATE quotes, quote_history, candles, candle_progress, gaps, ingestion_runs")
    ProviderPace.objects.all().delete()
    ProviderStatus.objects.all().delete()
    execute("TRUNCATE installation")


def per_symbol(size: int) -> list[Result]:
    """Quotes of `size` symbols from a bridge that takes 200 ms an answer and allows 50 requests a second."""
    symbols = instruments(size)
    forced = (size - 1) // MESSAGES.count * 1.0 + LATENCY
    with (
        IBBridge(symbols=symbols, now=AT, cached=True, latency=LATENCY, allows=(50, 1.0)) as bridge,
        watched(symbols),
    ):
        with override_settings(DATA_KIND="real", IB_BRIDGE_URL=bridge.url, PROVIDERS=["ib_bridge"]):
            median = alternate({"cycle": lambda: _rested_cycle(size)})
        if bridge.turned_away:
            raise AssertionError(f"The bridge turned {bridge.turned_away} requests away.")
    note = f"{size} symbols"
    return [Result("cycle.per_symbol", median["cycle"], forced, 1.25, note=note)]


def batch(size: int) -> list[Result]:
    """Quotes of `size` symbols from one snapshot server, against the download, the parsing and a raw COPY."""
    symbols = instruments(size)
    with Polygon(symbols=symbols, now=AT, cached=True) as polygon, watched(symbols):
        enabled = {"POLYGON_BASE_URL": polygon.url, "POLYGON_API_KEY": polygon.key}
        with override_settings(
            DATA_KIND="real", PROVIDERS=["polygon"], POLYGON_REQUESTS_PER_MINUTE=10_000, **enabled
        ):
            _timed_cycle(size)
            addresses = sorted({f"{polygon.url}{visit.target}" for visit in polygon.visits})
            median = alternate(
                {
                    "raw": lambda: seconds(lambda: _download(addresses, polygon.key)) + raw_quotes(symbols),
                    "cycle": lambda: _timed_cycle(size),
                },
                rounds=5,
            )
    return [Result("cycle.batch", median["cycle"], median["raw"], 2.0, note=f"{size} symbols")]


def _rested_cycle(expected: int) -> float:
    time.sleep(MESSAGES.seconds)  # the bridge still counts the requests of the cycle before
    return _timed_cycle(expected)


def _timed_cycle(expected: int) -> float:
    execute("TRUNCATE quotes, quote_history")
    ProviderPace.objects.all().delete()
    runs: list[IngestionRun | None] = []
    took = seconds(lambda: runs.append(cycle.ingest_quotes(AT)))
    if runs[0] is None or runs[0].stored != expected:
        raise AssertionError(f"The cycle stored {runs[0] and runs[0].stored} of {expected}.")
    return took


def _download(addresses: list[str], key: str) -> None:
    with requests.Session() as session:
        for address in addresses:
            answer = session.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=30)
            json.loads(answer.content)


def growth(size: int) -> list[Result]:
    """Cycles of 50 symbols with `size` stored candles, against the same with a tenth of them."""
    symbols = instruments(50)
    with watched(symbols), override_settings(CANDLE_BACKFILL=100, PROVIDERS=["simulator"]):
        filled = _fill(0, size // 10)
        count = 9 if size > 100_000 else 3
        small = _cycles(AT, count)
        _fill(filled, size)
        large = _cycles(AT + timedelta(hours=6), count)
    return [Result("cycle.growth", large, small, 1.2, note=f"{size:,} candles")]


def _cycles(first: datetime, count: int) -> float:
    """The median of a quarter-hourly cycle: the first one brings the history and does not count."""
    cycle.ingest_candles(first)
    moments = iter(first + timedelta(minutes=15 * n) for n in range(1, count + 1))

    def run_cycle() -> float:
        at = next(moments)
        return seconds(lambda: (cycle.ingest_quotes(at), cycle.ingest_candles(at)))

    return alternate({"cycle": run_cycle}, rounds=count)["cycle"]


def _fill(stored: int, wanted: int) -> int:
    """One-minute candles of other symbols, until there are about that many."""
    others = [f"G{n:05}" for n in range(500)]
    Instrument.objects.bulk_create(
        (Instrument(symbol=symbol, calendar="24/7", watched=False) for symbol in others),
        ignore_conflicts=True,
    )
    length = max(1, (wanted - stored) // len(others))
    offset = stored // len(others)
    stamps = to_instant(AT) - (np.arange(offset + length, offset, -1) * np.timedelta64(1, "m"))
    price = np.full(length, 100.0)
    bars = Bars.of(stamps, price, price, price, price, np.full(length, 1_000))
    bars.final[:] = True
    for start in range(0, len(others), 50):
        part = dict.fromkeys(others[start : start + 50], bars)
        store.write_candles(part, Timeframe.M1, provider=Simulator.name, feed=Feed.SIMULATED)
    execute("ANALYZE candles")
    return (offset + length) * len(others)
