"""How large an order may be. Decimal arithmetic, pure.

Money is in the account's currency, prices in the instrument's, which must be the same.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum


class Cap(StrEnum):
    """What made an order smaller than its risk alone would have it; the value is how people read it."""

    POSITION = "the most that one position may be worth"
    GROSS = "the most that all positions together may be worth"
    OPEN_RISK = "the most that all stops together may lose"
    BUYING_POWER = "the account's buying power"
    POSITIONS = "the number of open positions"
    DAY_LOSS = "the day's loss limit"
    ASKED = "the quantity that was asked for"


@dataclass(frozen=True)
class Limits:
    """What an account may risk, as shares of its capital, and in how many positions at once."""

    risk_per_trade: Decimal
    position: Decimal
    gross: Decimal
    open_risk: Decimal
    positions: int
    day_loss: Decimal


@dataclass(frozen=True)
class Exposure:
    """What the account is exposed to already: positions, and entries that still may fill, of anybody.

    `gross`: their absolute values added up. `open_risk`: what it would cost if every stop were hit now, a
    position without a stop counting in full. `positions`: how many symbols. `day_result`: the exchange
    day's, open positions included; a loss is negative.
    """

    capital: Decimal
    buying_power: Decimal
    gross: Decimal
    open_risk: Decimal
    positions: int
    day_result: Decimal


@dataclass(frozen=True)
class Size:
    """How many shares, what they risk until the stop, and what kept them from being more."""

    quantity: int
    risk: Decimal
    caps: tuple[Cap, ...]


def size(
    entry: Decimal, stop: Decimal, limits: Limits, exposure: Exposure, *, asked: int | None = None
) -> Size:
    """The whole shares to trade between an entry and a stop; 0 when the limits leave no room.

    The risk per trade over the distance to the stop, made smaller by each cap in turn. `asked`: the most
    that a person wants. Raises ValueError for prices of zero or less, or an entry at its stop.
    """
    if entry <= 0 or stop <= 0 or entry == stop:
        raise ValueError(f"no size between an entry at {entry} and a stop at {stop}")
    per_share = abs(entry - stop)
    wanted = _whole(exposure.capital * limits.risk_per_trade / per_share)
    most = _most(entry, per_share, limits, exposure) | ({} if asked is None else {Cap.ASKED: asked})
    quantity = max(min([wanted, *most.values()]), 0)
    caps = tuple(cap for cap, allowed in most.items() if allowed < wanted and allowed <= quantity)
    return Size(quantity, quantity * per_share, caps)


def _most(entry: Decimal, per_share: Decimal, limits: Limits, exposure: Exposure) -> dict[Cap, int]:
    """The most shares that each cap allows."""
    capital = exposure.capital
    is_full = exposure.positions >= limits.positions
    is_lost = exposure.day_result <= -capital * limits.day_loss
    never = _whole(capital * limits.risk_per_trade / per_share)
    return {
        Cap.POSITION: _whole(capital * limits.position / entry),
        Cap.GROSS: _whole((capital * limits.gross - exposure.gross) / entry),
        Cap.OPEN_RISK: _whole((capital * limits.open_risk - exposure.open_risk) / per_share),
        Cap.BUYING_POWER: _whole(exposure.buying_power / entry),
        Cap.POSITIONS: 0 if is_full else never,
        Cap.DAY_LOSS: 0 if is_lost else never,
    }


def to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The price as a whole number of ticks, the nearest one."""
    return (price / tick).quantize(Decimal(1)) * tick


def _whole(shares: Decimal) -> int:
    return int(shares.to_integral_value(ROUND_DOWN))
