"""What a fill costs: slippage, ticks and commission, always against us. Decimal, pure."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from approvals.brokers.base import Side

ZERO = Decimal(0)
BASIS_POINT = Decimal("0.0001")
FINEST = Decimal("0.0001")  # of a commission


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a broker takes for an order: `per_share`, `least` and at most this share of its `value`."""

    per_share: Decimal
    least: Decimal

    def due(self, quantity: int, value: Decimal, side: Side) -> Decimal:
        """Return the commission of an order that has traded so many shares for so much money."""
        return max(self.per_share * quantity, self.least) if quantity else ZERO


IB_FIXED = Schedule(per_share=Decimal("0.005"), least=Decimal("1.00"))


@dataclass(frozen=True, slots=True)
class Costs:
    """How an account fills: what market orders lose to slippage, what is paid, how much of a market is ours.

    `volume_share`: which part of what traded we could have traded, where the book shows no sizes.
    """

    slippage_bps: Decimal
    volume_share: Decimal
    schedule: Schedule = IB_FIXED


def slipped(price: Decimal, side: Side, bps: Decimal) -> Decimal:
    return price * (1 + side.sign * bps * BASIS_POINT)


def on_tick(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Return the price on the next tick that is worse for us, one tick at least."""
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding), Decimal(1)) * tick


def never_beyond(price: Decimal, limit: Decimal, side: Side) -> Decimal:
    return min(price, limit) if side is Side.BUY else max(price, limit)
