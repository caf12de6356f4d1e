"""Every speed we claim, by name."""

from benchmarks import candles, quotes
from benchmarks.measure import Benchmark

CATALOGUE = {
    "candles.write": Benchmark(candles.write, tiny=200, medium=200_000, full=1_000_000),
    "candles.read": Benchmark(candles.read, tiny=2, medium=2_000, full=5_000),
    "quotes.write": Benchmark(quotes.write, tiny=5, medium=10_000, full=10_000),
}
