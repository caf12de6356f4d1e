from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import Flags
from signals import indicators
from signals.panel import Panel
from signals.strategies.base import BUY, ROUNDING, Columns, Plot, Strategy
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

    def compute(self, panel: Panel) -> Columns:
        return {"rsi": panel.indicator(indicators.rsi, "close", period=self.rsi_period)}

    @property
    def plots(self) -> tuple[Plot, ...]:
        return (Plot("rsi", f"RSI {self.rsi_period}", levels=(self.oversold, self.overbought)),)

    def sides(self, columns: Columns) -> tuple[Flags, Flags]:
        return _below(columns, self.oversold), _over(columns, self.overbought)

    def is_strong(self, columns: Columns, side: NDArray[np.int8]) -> Flags:
        return _below(columns, self.very_oversold) | _over(columns, self.very_overbought)

    def describe(self, values: Mapping[str, float], side: int) -> str:
        word, line = ("oversold", self.oversold) if side == BUY else ("overbought", self.overbought)
        way = "below" if side == BUY else "above"
        return f"RSI {values['rsi']:.1f} is {word} ({way} {line:g})"

    def conflicts(self) -> dict[str, str]:
        lines = ("oversold", "overbought", "very_overbought")
        return super().conflicts() | self.ascending("very_oversold", *lines)


def _below(columns: Columns, line: float) -> Flags:
    return columns["rsi"] < line - line * ROUNDING


def _over(columns: Columns, line: float) -> Flags:
    return columns["rsi"] > line + line * ROUNDING
