"""What a fill costs: slippage, ticks and commission, always against us. Decimal, pure."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from approvals.brokers.base import Side

ZERO = Decimal(0)
BASIS_POINT = Decimal("0.0001")
FINEST = Decimal("0.0001")  # of a commission


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a broker takes for an order.

    `per_share`, `least` for an order, and no more than `most`, a share of its value, even where `least` is
    more. On top of that come `fees` for a share (exchange, clearing), and `sale_fees` for one that is sold.
    """

    per_share: Decimal = ZERO
    least: Decimal = ZERO
    most: Decimal = Decimal(1)
    fees: Decimal = ZERO
    sale_fees: Decimal = ZERO

    def due(self, quantity: int, value: Decimal, side: Side) -> Decimal:
        """Return the commission of an order that has traded so many shares for so much money."""
        own = min(max(self.per_share * quantity, self.least), self.most * value)
        fees = self.fees + (self.sale_fees if side is Side.SELL else ZERO)
        return own + fees * quantity if quantity else ZERO


# Interactive Brokers, stocks and ETFs of the United States, as published in 2025. The fixed rate contains the
# fees of exchanges; the tiered one, of up to 300,000 shares a month, adds them: 0.0030 for taking what is
# shown, 0.0002 for clearing, and of sales FINRA's 0.000166.
SCHEDULES = {
    "zero": Schedule(),
    "ib_fixed": Schedule(per_share=Decimal("0.005"), least=Decimal("1.00"), most=Decimal("0.01")),
    "ib_tiered": Schedule(
        per_share=Decimal("0.0035"),
        least=Decimal("0.35"),
        most=Decimal("0.01"),
        fees=Decimal("0.0032"),
        sale_fees=Decimal("0.000166"),
    ),
}
PER_SHARE = "per_share"


def schedule(name: str, per_share: Decimal) -> Schedule:
    """Return the schedule of a name; `per_share`: the rate of the one that has nothing else."""
    return Schedule(per_share=per_share) if name == PER_SHARE else SCHEDULES[name]


@dataclass(frozen=True, slots=True)
class Costs:
    """How an account fills: what market orders lose to slippage, what is paid, how much of a market is ours.

    `volume_share`: which part of what traded we could have traded, where the book shows no sizes.
    `borrow_rate`: what borrowing shares costs a year where no rate of the symbol is known.
    """

    slippage_bps: Decimal
    volume_share: Decimal
    schedule: Schedule
    borrow_rate: Decimal = Decimal("0.0025")


def slipped(price: Decimal, side: Side, bps: Decimal) -> Decimal:
    return price * (1 + side.sign * bps * BASIS_POINT)


def on_tick(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Return the price on the next tick that is worse for us, one tick at least."""
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding), Decimal(1)) * tick


def never_beyond(price: Decimal, limit: Decimal, side: Side) -> Decimal:
    return min(price, limit) if side is Side.BUY else max(price, limit)
