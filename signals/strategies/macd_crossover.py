from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import Flags
from signals import indicators
from signals.panel import Panel
from signals.strategies.base import BUY, Columns, Plot, Strategy, above, plain
from signals.strategies.parameters import parameter


@dataclass(frozen=True)
class MacdCrossover(Strategy):
    """Buys when the MACD line crosses above its signal line, sells when it crosses below."""

    id = "macd_crossover_v1"
    title = "MACD crossover"

    target_atr: float = parameter(2.5, 0.1, 50, "First target: this many ATR with the trade.")
    second_target_atr: float = parameter(4.0, 0.1, 100, "Second target, in ATR.")
    volume_confidence: float = parameter(0.05, 0, 1, "Added when the volume is above its mean.")
    strength_confidence: float = parameter(0.10, 0, 1, "Added when the condition is strong.")
    macd_fast: int = parameter(12, 2, 200, "Bars of the faster exponential average.")
    macd_slow: int = parameter(26, 3, 300, "Bars of the slower exponential average.")
    macd_signal: int = parameter(9, 2, 100, "Bars of the signal line, an average of the MACD line.")
    strong_histogram: float = parameter(
        0.001, 0, 1, "Strong: the histogram is larger than this share of the price."
    )

    @property
    def needs(self) -> int:
        return max(self.macd_slow + self.macd_signal - 1, self.atr_period + 1)

    @property
    def remembers(self) -> int:
        """An exponential average of n bars forgets twice as fast as Wilder's."""
        return max(super().remembers, 14 * (self.macd_slow + self.macd_signal))

    def compute(self, panel: Panel) -> Columns:
        periods = {"fast": self.macd_fast, "slow": self.macd_slow, "signal": self.macd_signal}
        line, signal, histogram = panel.indicator(indicators.macd, "close", **periods)
        return {"macd": line, "macd_signal": signal, "macd_histogram": histogram}

    @property
    def plots(self) -> tuple[Plot, ...]:
        return (
            Plot("macd_histogram", "histogram", is_histogram=True),
            Plot("macd", f"MACD {self.macd_fast}, {self.macd_slow}", levels=(0.0,)),
            Plot("macd_signal", f"signal line {self.macd_signal}"),
        )

    def sides(self, columns: Columns) -> tuple[Flags, Flags]:
        line, signal, price = columns["macd"], columns["macd_signal"], columns["price"]
        return above(line, signal, price), above(signal, line, price)

    def is_strong(self, columns: Columns, side: NDArray[np.int8]) -> Flags:
        strong: Flags = np.abs(columns["macd_histogram"]) > self.strong_histogram * columns["price"]
        return strong

    def describe(self, values: Mapping[str, float], side: int) -> str:
        way = "above" if side == BUY else "below"
        line, signal = _signed(values["macd"]), _signed(values["macd_signal"])
        return f"MACD {line} crossed {way} its signal line {signal} at {plain(values['price'])}"

    def conflicts(self) -> dict[str, str]:
        return super().conflicts() | self.ascending("macd_fast", "macd_slow")


def _signed(value: float) -> str:
    return f"{value:+.3g}"
