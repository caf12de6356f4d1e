"""What a new position is one bet with: what is held, or on order, and moves together with it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from approvals.positions.correlations import ENOUGH, TOGETHER, Pair
from approvals.risk import Exposure, Shared

ZERO = Decimal(0)


@dataclass(frozen=True)
class Bet:
    """Another position that gains and loses with the new one.

    `correlation`: of the daily returns; below zero for one on the other side that moves the other way.
    `is_held`: it is not only on order.
    """

    symbol: str
    correlation: float
    is_held: bool


@dataclass(frozen=True)
class Portfolio:
    """What the account is exposed to, from the view of a new position: its symbol and side (1 or -1)."""

    symbol: str
    side: int
    strategy_id: str
    exposure: Exposure
    correlations: Mapping[Pair, float | None]
    held: Collection[str]

    @property
    def others(self) -> list[str]:
        return [symbol for symbol in self.exposure.values if symbol != self.symbol]

    @property
    def bets(self) -> list[Bet]:
        """Return what moves with it, the closest first."""
        found = [
            Bet(other, correlation, other in self.held)
            for other in self.others
            if (correlation := self.correlations.get((self.symbol, other))) is not None
            and correlation * self.side * self.exposure.sides.get(other, 1) > TOGETHER
        ]
        return sorted(found, key=lambda bet: (-abs(bet.correlation), bet.symbol))

    @property
    def shared(self) -> Shared:
        """Return what counts with it towards the limits of several positions."""
        values, strategies = self.exposure.values, self.exposure.strategies
        same = [other for other in self.others if self.strategy_id in strategies.get(other, ())]
        bets = self.bets
        return Shared(
            strategy=sum((values[other] for other in same), ZERO),
            strategy_positions=len(same),
            group=sum((values[bet.symbol] for bet in bets), ZERO) if bets else None,
        )

    def notes(self) -> Iterator[str]:
        """Yield with what it is one bet, and of what that is not known."""
        for bet in self.bets:
            moves = "moves with" if bet.correlation > 0 else "moves against"
            stands = "held" if bet.is_held else "on order"
            short = " short" if self.exposure.sides.get(bet.symbol, 1) < 0 else ""
            how = f"{self.symbol} {moves} {bet.symbol} ({bet.correlation:.2f}), {stands}{short}"
            yield f"{how}: counts as one bet."
        unknown = [other for other in self.others if self.correlations.get((self.symbol, other)) is None]
        if unknown:
            names = ", ".join(sorted(unknown))
            yield (
                f"Whether {self.symbol} moves with {names} is not known: they have fewer than {ENOUGH} daily "
                "bars in common."
            )
