"""The base of all strategies: bars in, ideas out, for all bars at once. No Django, no clock, no state."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from market.prices import Flags, Floats
from signals import indicators
from signals.panel import Panel
from signals.strategies.parameters import Parameters, parameter

Columns = dict[str, Floats]  # the values a strategy decides on, by name: columns as long as the panel
BUY, SELL = 1, -1
COMMON = {"price", "atr", "trend_fast", "trend_slow", "volume_ratio"}  # what every strategy has
STORED_DIGITS = 6  # of prices behind the point
ROUNDING = 1e-9  # of the price: prices that differ by less are equal: a running sum has noise


@dataclass(frozen=True)
class Ideas:
    """The ideas of a strategy, one element for each bar with an event, in the order of the bars.

    `row` intp: the bar, as a row of the panel. `side` int8: 1 is BUY, -1 is SELL. `confidence` 0 to 1 in
    steps of 0.0001. Prices in the instrument's currency, on its tick but for the entry, which is the bar's
    close. `late`: an outage of ours lies before the bar, so the event may be older. `columns`: the
    strategy's columns at these bars.
    """

    strategy: "Strategy"
    row: NDArray[np.intp]
    side: NDArray[np.int8]
    confidence: Floats
    entry: Floats
    stop: Floats
    target: Floats
    second_target: Floats
    late: Flags
    columns: Columns

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, kept: "Flags | NDArray[np.intp]") -> "Ideas":
        return Ideas(
            strategy=self.strategy,
            row=self.row[kept],
            side=self.side[kept],
            confidence=self.confidence[kept],
            entry=self.entry[kept],
            stop=self.stop[kept],
            target=self.target[kept],
            second_target=self.second_target[kept],
            late=self.late[kept],
            columns={name: column[kept] for name, column in self.columns.items()},
        )

    def reaching(self, minimum: float) -> Flags:
        """Return which of them have that confidence or more, to the last digit that is stored."""
        reaching: Flags = self.confidence > minimum - 1e-9
        return reaching

    def values(self, i: int) -> dict[str, float]:
        """Return the strategy's columns at one idea, without those that are unknown there."""
        return {name: float(column[i]) for name, column in self.columns.items() if not np.isnan(column[i])}

    def reasoning(self, i: int) -> str:
        """Return why, in one sentence with the numbers that mattered."""
        return self.strategy.reasoning(self.values(i), int(self.side[i]))


@dataclass(frozen=True)
class Plot:
    """How a chart draws one of the strategy's columns. `levels`: the values that it is compared with.

    `on_price`: among the prices; else in a pane of its own, together with the other ones.
    """

    column: str
    title: str
    is_histogram: bool = False
    on_price: bool = False
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Strategy(Parameters, ABC):
    """A rule with its parameters. A subclass computes columns and says when it would buy and sell."""

    id: ClassVar[str]
    title: ClassVar[str]

    atr_period: int = parameter(14, 2, 200, "Bars of the average true range (ATR).")
    stop_atr: float = parameter(2.0, 0.1, 20, "Stop: this many ATR against the trade.")
    target_atr: float = parameter(2.0, 0.1, 50, "First target: this many ATR with the trade.")
    second_target_atr: float = parameter(3.0, 0.1, 100, "Second target, in ATR.")
    trend_fast: int = parameter(50, 2, 400, "Bars of the faster average that tells the trend.")
    trend_slow: int = parameter(200, 3, 400, "Bars of the slower average that tells the trend.")
    volume_period: int = parameter(
        20, 2, 200, "Bars (intraday: sessions, at the same time) of the mean volume."
    )
    base_confidence: float = parameter(0.60, 0, 1, "Confidence before anything is added or taken away.")
    trend_confidence: float = parameter(
        0.15, 0, 1, "Added when the trend agrees, taken away when it opposes."
    )
    volume_confidence: float = parameter(0.10, 0, 1, "Added when the volume is above its mean.")
    strength_confidence: float = parameter(0.15, 0, 1, "Added when the condition is strong.")

    @property
    @abstractmethod
    def needs(self) -> int:
        """How many bars it takes until the condition is known."""

    @property
    def remembers(self) -> int:
        """How many bars have an effect on an idea: with more before them, ideas stay the same.

        Wilder's average of n bars keeps (1 - 1/n)^k of what was k bars ago: 1e-12 after 28 n.
        """
        return max(28 * self.atr_period, self.trend_slow, self.needs + 1)

    @abstractmethod
    def compute(self, panel: Panel) -> Columns:
        """Return the strategy's own indicators, as columns as long as the panel."""

    @property
    def plots(self) -> tuple[Plot, ...]:
        """The columns that a chart draws; three at most."""
        return ()

    @abstractmethod
    def sides(self, columns: Columns) -> tuple[Flags, Flags]:
        """Return where the condition to buy is true, and where that to sell. With NaN neither is."""

    @abstractmethod
    def describe(self, values: Mapping[str, float], side: int) -> str:
        """Return what happened at one idea, as the first part of a sentence."""

    def is_known(self, columns: Columns) -> Flags:
        """Return where both conditions are known: where all of the strategy's own indicators are."""
        is_known = np.ones(len(columns["price"]), dtype=np.bool_)
        for name in columns.keys() - COMMON:
            is_known &= ~np.isnan(columns[name])
        return is_known

    def is_strong(self, columns: Columns, side: NDArray[np.int8]) -> Flags:
        """Return which ideas have a strong condition. `columns` holds the bars of the ideas only."""
        return np.zeros(len(side), dtype=np.bool_)

    def stop(self, columns: Columns, side: NDArray[np.int8]) -> Floats:
        """Return the stop of each idea, not yet on the tick."""
        return columns["price"] - side * self.stop_atr * columns["atr"]

    def conflicts(self) -> dict[str, str]:
        return self.ascending("trend_fast", "trend_slow") | self.ascending("target_atr", "second_target_atr")

    def ideas(self, panel: Panel) -> Ideas:
        """Return the ideas at all bars of the panel, whatever their confidence."""
        return self.judge(panel, self._common(panel) | self.compute(panel))

    def _common(self, panel: Panel) -> Columns:
        return {
            "price": panel.bars.close,
            "atr": panel.indicator(indicators.atr, "high", "low", "close", period=self.atr_period),
            "trend_fast": panel.indicator(indicators.sma, "close", period=self.trend_fast),
            "trend_slow": panel.indicator(indicators.sma, "close", period=self.trend_slow),
            "volume_ratio": panel.volume_ratio(self.volume_period),
        }

    def judge(self, panel: Panel, columns: Columns) -> Ideas:
        """Return the ideas that follow from the columns: events, not states.

        An event is a bar where a condition becomes true, having been known and false on the bar before.
        """
        _refuse_other_lengths(columns, len(panel))
        buys, sells = self.sides(columns)
        _refuse_other_lengths({"buys": buys, "sells": sells}, len(panel))
        known_before = panel.before(self.is_known(columns))
        bought = buys & known_before & ~panel.before(buys)
        sold = sells & known_before & ~panel.before(sells)
        rows = np.flatnonzero((bought | sold) & (columns["atr"] > 0))
        side = np.where(bought[rows], BUY, SELL).astype(np.int8)
        at_ideas = {name: column[rows] for name, column in columns.items()}
        tick = np.maximum(panel.tick[rows], 10.0**-STORED_DIGITS)
        ideas = Ideas(
            strategy=self,
            row=rows,
            side=side,
            confidence=self._confidence(at_ideas, side),
            entry=np.round(at_ideas["price"], STORED_DIGITS),
            stop=_on_tick(self.stop(at_ideas, side), tick, -side),
            target=_on_tick(at_ideas["price"] + side * self.target_atr * at_ideas["atr"], tick, -side),
            second_target=_on_tick(
                at_ideas["price"] + side * self.second_target_atr * at_ideas["atr"], tick, -side
            ),
            late=panel.late[rows],
            columns=at_ideas,
        )
        return ideas[_possible(ideas)]

    def _confidence(self, columns: Columns, side: NDArray[np.int8]) -> Floats:
        score = (
            self.base_confidence
            + self.trend_confidence * side * trend(columns)
            + self.volume_confidence * (columns["volume_ratio"] > 1)
            + self.strength_confidence * self.is_strong(columns, side)
        )
        confidence: Floats = np.clip(np.round(score, 4), 0, 1)
        return confidence

    def reasoning(self, values: Mapping[str, float], side: int) -> str:
        parts = [self.describe(values, side), self._about_trend(values), self._about_volume(values)]
        return f"{', '.join(parts)}."

    def _about_trend(self, values: Mapping[str, float]) -> str:
        if "trend_slow" not in values:
            return f"trend unknown before {self.trend_slow} bars"
        word = {1: "bullish", -1: "bearish", 0: "neutral"}[
            int(trend({k: np.array(v) for k, v in values.items()}))
        ]
        return (
            f"trend {word} (SMA{self.trend_fast} {plain(values['trend_fast'])}, "
            f"SMA{self.trend_slow} {plain(values['trend_slow'])})"
        )

    def _about_volume(self, values: Mapping[str, float]) -> str:
        ratio = values.get("volume_ratio")
        if ratio is None:
            return "volume not compared (too few bars of one source)"
        return f"volume {ratio:.2f} times its mean"


def _refuse_other_lengths(columns: Mapping[str, Any], bars: int) -> None:
    """Raise ValueError for a column that has not one value for each bar: numpy would stretch or shift it."""
    for name, column in columns.items():
        if np.shape(column) != (bars,):
            raise ValueError(f"{name} has the shape {np.shape(column)} for {bars} bars")


def above(higher: Floats, lower: Floats, price: Floats) -> Flags:
    """Return where one price is above another by more than rounding. Not where either is NaN."""
    difference: Flags = higher - lower > ROUNDING * price
    return difference


def trend(columns: Mapping[str, Floats]) -> NDArray[np.int8]:
    """Return 1 where bullish, -1 where bearish, else 0; 0 too where the averages are not known yet."""
    price, fast, slow = columns["price"], columns.get("trend_fast", np.nan), columns.get("trend_slow", np.nan)
    fast, slow = np.asarray(fast), np.asarray(slow)
    rising = above(price, fast, price) & above(fast, slow, price)
    falling = above(fast, price, price) & above(slow, fast, price)
    return rising.astype(np.int8) - falling.astype(np.int8)


def plain(price: float) -> str:
    """Format a price in cents, or in more digits where it is below 1."""
    return f"{price:.2f}" if price >= 1 else f"{price:.4g}"


def _on_tick(price: Floats, tick: Floats, direction: NDArray[np.int8]) -> Floats:
    """Move prices to a tick: down where `direction` is negative, up where it is positive."""
    steps = price / tick
    nearest = np.round(steps)
    moved = np.where(direction > 0, np.ceil(steps), np.floor(steps))
    at_tick: Floats = np.where(np.abs(steps - nearest) < 1e-6, nearest, moved) * tick
    return np.round(at_tick, STORED_DIGITS)


def _possible(ideas: Ideas) -> Flags:
    side = ideas.side
    risk, reward = side * (ideas.entry - ideas.stop), side * (ideas.target - ideas.entry)
    lowest = np.minimum(np.minimum(ideas.stop, ideas.target), ideas.second_target)
    possible: Flags = (risk > 0) & (reward > 0) & (lowest > 0)
    return possible
