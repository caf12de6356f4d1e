"""What a fill costs: slippage, ticks and commission, always against us."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from approvals.brokers.base import Side

PER_SHARE, LEAST = Decimal("0.005"), Decimal("1.00")
BASIS_POINT = Decimal("0.0001")


def commission(quantity: int) -> Decimal:
    return max(PER_SHARE * quantity, LEAST)


def slipped(price: Decimal, side: Side, bps: Decimal) -> Decimal:
    return price * (1 + side.sign * bps * BASIS_POINT)


def on_tick(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Return the price on the next tick that is worse for us, one tick at least."""
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding), Decimal(1)) * tick


def never_beyond(price: Decimal, limit: Decimal, side: Side) -> Decimal:
    return min(price, limit) if side is Side.BUY else max(price, limit)
