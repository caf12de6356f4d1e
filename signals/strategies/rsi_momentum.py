from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import Flags
from signals import indicators
from signals.panel import Panel
from signals.strategies.base import BUY, ROUNDING, Plot, Seen, Strategy
from signals.strategies.parameters import parameter


@dataclass(frozen=True)
class RsiMomentum(Strategy):
    """Buys when the RSI falls below its lower line (oversold), sells when it rises above the upper one."""

    id = "rsi_momentum_v1"
    title = "RSI momentum"

    rsi_period: int = parameter(14, 2, 200, "Bars of the relative strength index (RSI).")
    oversold: float = parameter(30.0, 1, 50, "BUY when the RSI falls below this.")
    overbought: float = parameter(70.0, 50, 99, "SELL when the RSI rises above this.")
    very_oversold: float = parameter(20.0, 0, 50, "Below this, oversold is strong.")
    very_overbought: float = parameter(80.0, 50, 100, "Above this, overbought is strong.")

    @property
    def needs(self) -> int:
        return max(self.rsi_period, self.atr_period) + 1

    @property
    def remembers(self) -> int:
        return max(super().remembers, 28 * self.rsi_period)

    def compute(self, panel: Panel) -> Seen:
        return {"rsi": panel.indicator(indicators.rsi, "close", period=self.rsi_period)}

    @property
    def plots(self) -> tuple[Plot, ...]:
        return (Plot("rsi", f"RSI {self.rsi_period}", levels=(self.oversold, self.overbought)),)

    def sides(self, seen: Seen) -> tuple[Flags, Flags]:
        return _below(seen, self.oversold), _over(seen, self.overbought)

    def is_strong(self, seen: Seen, side: NDArray[np.int8]) -> Flags:
        return _below(seen, self.very_oversold) | _over(seen, self.very_overbought)

    def describe(self, seen: Mapping[str, float], side: int) -> str:
        word, line = ("oversold", self.oversold) if side == BUY else ("overbought", self.overbought)
        way = "below" if side == BUY else "above"
        return f"RSI {seen['rsi']:.1f} is {word} ({way} {line:g})"

    def conflicts(self) -> dict[str, str]:
        lines = ("oversold", "overbought", "very_overbought")
        return super().conflicts() | self.ascending("very_oversold", *lines)


def _below(seen: Seen, line: float) -> Flags:
    return seen["rsi"] < line - line * ROUNDING


def _over(seen: Seen, line: float) -> Flags:
    return seen["rsi"] > line + line * ROUNDING
