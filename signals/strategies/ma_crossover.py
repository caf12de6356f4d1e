from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import Flags, Floats
from signals import indicators
from signals.panel import Panel
from signals.strategies.base import BUY, Columns, Plot, Strategy, above, plain
from signals.strategies.parameters import parameter


@dataclass(frozen=True)
class MaCrossover(Strategy):
    """Buys when three averages stand in rising order below the price, sells in the reverse order."""

    id = "ma_crossover_v1"
    title = "Moving averages"

    stop_atr: float = parameter(1.0, 0, 20, "Stop: this many ATR beyond the middle average.")
    target_atr: float = parameter(3.0, 0.1, 50, "First target: this many ATR with the trade.")
    second_target_atr: float = parameter(5.0, 0.1, 100, "Second target, in ATR.")
    base_confidence: float = parameter(0.65, 0, 1, "Confidence before anything is added or taken away.")
    trend_confidence: float = parameter(
        0.12, 0, 1, "Added when the trend agrees, taken away when it opposes."
    )
    volume_confidence: float = parameter(0.08, 0, 1, "Added when the volume is above its mean.")
    strength_confidence: float = parameter(0.10, 0, 1, "Added when the condition is strong.")
    fast: int = parameter(20, 2, 400, "Bars of the fastest average.")
    middle: int = parameter(50, 3, 400, "Bars of the middle average.")
    slow: int = parameter(200, 4, 400, "Bars of the slowest average.")
    strong_spread: float = parameter(
        0.05, 0, 1, "Strong: fastest and slowest differ by more than this share of the slowest."
    )

    @property
    def needs(self) -> int:
        return max(self.slow, self.atr_period + 1)

    def compute(self, panel: Panel) -> Columns:
        averages = {"sma_fast": self.fast, "sma_middle": self.middle, "sma_slow": self.slow}
        columns = {
            name: panel.indicator(indicators.sma, "close", period=period) for name, period in averages.items()
        }
        rising, falling = self._aligned(columns | {"price": panel.bars.close})
        aligned = rising.astype(np.float64) - falling
        return columns | {"aligned_before": panel.before(aligned)}

    @property
    def plots(self) -> tuple[Plot, ...]:
        periods = {"sma_fast": self.fast, "sma_middle": self.middle, "sma_slow": self.slow}
        return tuple(Plot(name, f"SMA {period}", on_price=True) for name, period in periods.items())

    def sides(self, columns: Columns) -> tuple[Flags, Flags]:
        rising, falling = self._aligned(columns)
        price, fast = columns["price"], columns["sma_fast"]
        return rising & above(price, fast, price), falling & above(fast, price, price)

    def _aligned(self, columns: Columns) -> tuple[Flags, Flags]:
        fast, middle, slow, price = (
            columns[name] for name in ("sma_fast", "sma_middle", "sma_slow", "price")
        )
        rising = above(fast, middle, price) & above(middle, slow, price)
        falling = above(middle, fast, price) & above(slow, middle, price)
        return rising, falling

    def stop(self, columns: Columns, side: NDArray[np.int8]) -> Floats:
        return columns["sma_middle"] - side * self.stop_atr * columns["atr"]

    def is_strong(self, columns: Columns, side: NDArray[np.int8]) -> Flags:
        strong: Flags = (
            np.abs(columns["sma_fast"] - columns["sma_slow"]) > self.strong_spread * columns["sma_slow"]
        )
        return strong

    def describe(self, values: Mapping[str, float], side: int) -> str:
        if values["aligned_before"] == side:
            way = "above" if side == BUY else "below"
            return f"price {plain(values['price'])} back {way} SMA{self.fast} {plain(values['sma_fast'])}"
        order = "above" if side == BUY else "below"
        fast, middle, slow = (plain(values[name]) for name in ("sma_fast", "sma_middle", "sma_slow"))
        return (
            f"trend alignment formed: SMA{self.fast} {fast} {order} "
            f"SMA{self.middle} {middle} {order} SMA{self.slow} {slow}"
        )

    def conflicts(self) -> dict[str, str]:
        return super().conflicts() | self.ascending("fast", "middle", "slow")
