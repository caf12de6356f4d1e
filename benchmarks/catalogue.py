"""Every speed we claim, by name."""

from benchmarks import (
    backtests,
    candles,
    charts,
    cycles,
    decisions,
    memory,
    opinions,
    pages,
    queue,
    quotes,
    scans,
    scorecards,
    signal_pages,
    strangers,
    streams,
)
from benchmarks.measure import Benchmark

CATALOGUE = {
    "candles.write": Benchmark(candles.write, tiny=200, medium=200_000, full=1_000_000),
    "candles.read": Benchmark(candles.read, tiny=2, medium=2_000, full=5_000),
    "quotes.write": Benchmark(quotes.write, tiny=5, medium=10_000, full=10_000),
    "cycle.per_symbol": Benchmark(cycles.per_symbol, tiny=3, medium=100, full=100),
    "cycle.batch": Benchmark(cycles.batch, tiny=20, medium=10_000, full=10_000),
    "cycle.growth": Benchmark(cycles.growth, tiny=10_000, medium=1_000_000, full=10_000_000),
    "scan": Benchmark(scans.scans, tiny=3, medium=2_000, full=5_000),
    "backtest": Benchmark(backtests.evaluate, tiny=2, medium=500, full=2_000),
    "api.signals": Benchmark(signal_pages.first_page, tiny=1_000, medium=100_000, full=100_000),
    "scorecard": Benchmark(scorecards.scorecard, tiny=300, medium=100_000, full=100_000),
    "chart": Benchmark(charts.drawing, tiny=200, medium=5_000, full=5_000),
    "pages": Benchmark(pages.pages, tiny=600, medium=500_000, full=5_000_000),
    "approve.latency": Benchmark(decisions.latency, tiny=3, medium=200, full=600),
    "opinions.rules": Benchmark(opinions.analyses, tiny=20, medium=1_000, full=1_000),
    "opinions.recall": Benchmark(opinions.recall, tiny=200, medium=100_000, full=100_000),
    "opinions.fair": Benchmark(opinions.fair, tiny=6, medium=500, full=500),
    "strangers": Benchmark(strangers.health, tiny=20, medium=1_000, full=5_000),
    "stream.load": Benchmark(streams.load, tiny=6, medium=30, full=600),
    "queue": Benchmark(queue.figures, tiny=20, medium=150, full=150),
    "memory.worker": Benchmark(memory.worker, tiny=2, medium=200, full=200),
}
