"""The figures of a study: what the table shows and the answer of the API holds."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.statistics import by_moment, growth, largest_drawdown, mean_interval, profit_factor, wilson
from market.prices import Floats
from signals.backtest.studies import Cases, Study
from signals.trades import End

RISKED = 0.01


@dataclass(frozen=True)
class Figures:
    """One row of a backtest: a symbol, or (`symbol` empty) all of them. Shares are 0 to 1, NaN is unknown.

    `doubted`: bars in doubt; they gave no ideas, and of their prices the worse reading counts. `hit_rate`:
    trades with R above 0. `targets`, `stops`: trades whose target (stop) traded first, also after an
    opposite event had ended them. `target_rate`: targets among both, with its 95 % interval; `luck`: what
    chance would give there. `opposites`: ended by an opposite event. `timeouts`: by the longest holding or
    the session's close. `average_r`, which is the expectancy, with its 95 % interval, over the risk that was
    really taken (from the fill to the stop); `average_planned_r` and `total_planned_r` over the planned one
    (from the idea's entry). `drawdown_r` in R.
    `risked_gain`: what capital gains with 1 % of it at risk in each trade. `exposure`: bars inside a trade.
    `dividends`: bars with the ex-date of a recorded dividend; `dividend_r`: the part of `total_r` that they
    made. `hold_...`: buying and holding, dividends put back into the share. `random_r`: the mean R of random
    entries over all draws, and where 95 % of the draws lie.
    """

    symbol: str
    bars: int
    first_at: str | None
    last_at: str | None
    ideas: int
    late: int
    below_minimum: int
    void: int
    missed: int
    open: int
    doubted: int
    trades: int
    targets: int
    stops: int
    opposites: int
    timeouts: int
    hit_rate: float
    target_rate: float
    target_rate_low: float
    target_rate_high: float
    luck: float
    opposite_rate: float
    timeout_rate: float
    average_r: float
    average_r_low: float
    average_r_high: float
    average_planned_r: float
    total_r: float
    total_planned_r: float
    profit_factor: float
    drawdown_r: float
    risked_gain: float
    average_held: float
    exposure: float
    dividends: int
    dividend_r: float
    hold_gain: float
    hold_fall: float
    random_r: float
    random_r_low: float
    random_r_high: float

    def as_json(self) -> dict[str, Any]:
        """Return the same with null for what is unknown or infinite: JSON has no such numbers."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def figures(study: Study) -> Figures:
    cases = study.cases
    ends = np.bincount(cases.end, minlength=len(End))
    targets, stops = race(cases)
    opposites, timeouts = int(ends[End.OPPOSITE]), int(ends[End.TIMEOUT] + ends[End.SESSION_CLOSE])
    low, high = wilson(targets, targets + stops)
    mean_low, mean_high = mean_interval(cases.r)
    in_order = by_moment(cases.r, cases.ended_at)
    random = _random(study.chance)
    return Figures(
        symbol=study.symbol,
        bars=study.bars,
        first_at=study.first_at.isoformat() if study.first_at else None,
        last_at=study.last_at.isoformat() if study.last_at else None,
        ideas=study.ideas,
        late=study.late,
        below_minimum=study.below_minimum,
        void=study.void,
        missed=study.missed,
        open=study.open,
        doubted=len(study.doubted),
        trades=len(cases),
        targets=targets,
        stops=stops,
        opposites=opposites,
        timeouts=timeouts,
        hit_rate=share(int((cases.r > 0).sum()), len(cases)),
        target_rate=share(targets, targets + stops),
        target_rate_low=low,
        target_rate_high=high,
        luck=luck(cases),
        opposite_rate=share(opposites, len(cases)),
        timeout_rate=share(timeouts, len(cases)),
        average_r=mean(cases.r),
        average_r_low=mean_low,
        average_r_high=mean_high,
        average_planned_r=mean(cases.planned_r),
        total_r=float(cases.r.sum()),
        total_planned_r=float(cases.planned_r.sum()),
        profit_factor=profit_factor(cases.r),
        drawdown_r=largest_drawdown(in_order),
        risked_gain=growth(in_order, RISKED),
        average_held=mean(cases.held.astype(np.float64)),
        exposure=share(study.exposed, study.bars),
        dividends=study.dividends,
        dividend_r=float(cases.dividend_r.sum()),
        hold_gain=study.held.gain,
        hold_fall=study.held.fall,
        random_r=random[0],
        random_r_low=random[1],
        random_r_high=random[2],
    )


def race(cases: Cases) -> tuple[int, int]:
    """Return how often the target came first, and how often the stop."""
    return int((cases.race == End.TARGET).sum()), int((cases.race == End.STOP).sum())


def luck(cases: Cases) -> float:
    """Return the share of targets that chance would give among targets and stops; NaN without any.

    A price without drift reaches a target t away before a stop s away with probability s / (s + t): the
    gambler's ruin, W. Feller, An Introduction to Probability Theory and Its Applications I, chapter XIV.
    """
    return mean(cases.luck[(cases.race == End.TARGET) | (cases.race == End.STOP)])


def share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _random(chance: Floats) -> tuple[float, float, float]:
    """Return the mean R over all random trades, and the middle 95 % of the means of the draws."""
    drawn = chance[chance[:, 1] > 0]
    if not len(drawn):
        return math.nan, math.nan, math.nan
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return float(drawn[:, 0].sum() / drawn[:, 1].sum()), float(low), float(high)
