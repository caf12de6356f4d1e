"""A scan of everything and a scan of nothing, against reading the candles and calling TA-Lib."""

from datetime import UTC, datetime, timedelta

import talib
from django.db import connection

from benchmarks.candles import PROVIDER, walks
from benchmarks.measure import Result, alternate, seconds
from benchmarks.tables import execute, instruments, sessions
from market import store
from market.models import Instrument
from market.prices import Bars, Feed, Timeframe
from signals import scan
from signals.models import Scan, StrategyConfig
from signals.strategies import STRATEGIES

BARS = 250
START = datetime(2024, 1, 1, tzinfo=UTC)
AT = START + timedelta(days=BARS, minutes=30)
COLUMNS = "symbol, opened_at, open, high, low, close, volume"


def scans(size: int) -> list[Result]:
    """The last 250 daily bars of `size` symbols past three strategies; then once more with nothing new."""
    execute("TRUNCATE candles, candle_versions, scan_progress, strategy_signals, instruments CASCADE")
    symbols = instruments(size)
    Instrument.objects.update(watched=True)
    StrategyConfig.objects.all().delete()
    StrategyConfig.objects.bulk_create(
        StrategyConfig(strategy_id=strategy_id, timeframe=Timeframe.D1) for strategy_id in STRATEGIES
    )
    sessions(START, BARS + 40)
    bars = walks(symbols, BARS, Timeframe.D1)
    store.write_candles(bars, Timeframe.D1, provider=PROVIDER, feed=Feed.SIMULATED)
    execute("ANALYZE")

    def full() -> float:
        execute("TRUNCATE scan_progress, strategy_signals CASCADE")
        StrategyConfig.objects.update(scanned_at=None)
        return seconds(lambda: _checked(scan.run(AT), evaluated=True))

    def idle() -> float:
        return seconds(lambda: _checked(scan.run(AT + timedelta(minutes=1)), evaluated=False))

    def bare() -> float:
        return seconds(_read) + seconds(lambda: _indicators(bars))

    median = alternate({"bare": bare, "full": full, "idle": idle})
    raised = connection.cursor().execute("SELECT count(*) FROM strategy_signals").fetchone()[0]
    note = f"{size * BARS / median['full']:,.0f} bars/s, {raised} signals"
    return [
        Result("scan.full", median["full"], median["bare"], 1.5, note=note),
        Result("scan.idle", median["idle"], median["full"], 0.1),
    ]


def _checked(finished: Scan, *, evaluated: bool) -> None:
    if (finished.evaluated > 0) is not evaluated or finished.outcome != Scan.Outcome.FINISHED:
        raise AssertionError(f"The scan evaluated {finished.evaluated} bars: {finished.outcome}.")


def _read() -> None:
    """The candles as rows of bytes, in the order of their key."""
    statement = f"COPY (SELECT {COLUMNS} FROM candles ORDER BY symbol, opened_at) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        b"".join(copy)


def _indicators(bars: dict[str, Bars]) -> None:
    """The indicators of the three strategies, each once."""
    for each in bars.values():
        talib.RSI(each.close, 14)
        talib.MACD(each.close, 12, 26, 9)
        talib.ATR(each.high, each.low, each.close, 14)
        for period in (20, 50, 200):
            talib.SMA(each.close, period)
        talib.SMA(each.volume, 20)
