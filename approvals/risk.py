"""How large an order may be. Decimal arithmetic, pure.

Money is in the account's currency, prices in the instrument's, which must be the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

ZERO = Decimal(0)
COMMISSION = Decimal("0.01")  # of an order's value, kept back for it: the most that brokers take


class Cap(StrEnum):
    """What made an order smaller than its risk alone would have it; the value is how people read it."""

    POSITION = "the most that one position may be worth"
    GROSS = "the most that all positions together may be worth"
    OPEN_RISK = "the most that all stops together may lose"
    BUYING_POWER = "the account's buying power"
    STRATEGY = "the most that the positions of one strategy may be worth"
    GROUP = "the most that positions which move together may be worth"
    POSITIONS = "the number of open positions"
    STRATEGY_POSITIONS = "the number of open positions of one strategy"
    DAY_LOSS = "the day's loss limit"
    WEEK_LOSS = "the week's loss limit"
    ASKED = "the quantity that was asked for"


@dataclass(frozen=True)
class Limits:
    """What an account may risk, as shares of its capital, and in how many positions at once.

    `position`: what one may be worth; `gross`: all together; `open_risk`: what all stops together may lose.
    `day_loss`, `week_loss`: from a loss of so much on, the exchange day or week allows no further entry.
    `strategy`, `strategy_positions`: what those of one strategy may be worth, and how many they may be.
    `group`: what those may be worth that move together, and so are one bet.
    """

    risk_per_trade: Decimal
    position: Decimal
    gross: Decimal
    open_risk: Decimal
    positions: int
    day_loss: Decimal
    week_loss: Decimal = Decimal(1)
    strategy: Decimal = Decimal(10)
    strategy_positions: int = 10_000
    group: Decimal = Decimal(10)

    def in_money(self, capital: Decimal) -> "Limits":
        """Return the same limits as amounts: each share times the capital."""
        return Limits(
            risk_per_trade=capital * self.risk_per_trade,
            position=capital * self.position,
            gross=capital * self.gross,
            open_risk=capital * self.open_risk,
            positions=self.positions,
            day_loss=capital * self.day_loss,
            week_loss=capital * self.week_loss,
            strategy=capital * self.strategy,
            strategy_positions=self.strategy_positions,
            group=capital * self.group,
        )


@dataclass(frozen=True)
class Exposure:
    """What the account is exposed to already: positions, and entries that still may fill, ours or not.

    `gross`: their absolute values added up. `open_risk`: what it would cost if every stop were hit now, a
    position without a stop counting in full. `positions`: how many symbols. `day_result`, `week_result`: of
    the exchange day and week, open positions included; a loss is negative. `values`: what of `gross` is in
    each symbol. `sides`: 1 for those that gain when the price rises, -1 for shorts. `strategies`: whose
    signals our shares of a symbol came of.
    """

    capital: Decimal
    buying_power: Decimal
    gross: Decimal
    open_risk: Decimal
    positions: int
    day_result: Decimal
    values: Mapping[str, Decimal] = field(default_factory=dict)
    week_result: Decimal = ZERO
    sides: Mapping[str, int] = field(default_factory=dict)
    strategies: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shared:
    """What a new position would share limits with, besides what is held of its own symbol.

    `strategy`, `strategy_positions`: what other positions of its strategy are worth, and how many they are.
    `group`: what those are worth that move with it; None when nothing does.
    """

    strategy: Decimal = ZERO
    strategy_positions: int = 0
    group: Decimal | None = None


ALONE = Shared()


@dataclass(frozen=True)
class Size:
    """How many shares, what they risk until the stop, and what kept them from being more.

    `risk` is the shares times the distance to the stop: commissions and a gap through the stop come on top.
    """

    quantity: int
    risk: Decimal
    caps: tuple[Cap, ...]


def size(
    entry: Decimal,
    stop: Decimal,
    limits: Limits,
    exposure: Exposure,
    *,
    asked: int | None = None,
    held: Decimal = ZERO,
    shared: Shared = ALONE,
) -> Size:
    """Return the whole shares to trade between an entry and a stop; 0 when the limits leave no room.

    The risk per trade over the distance to the stop, made smaller by each cap in turn; long and short alike.
    Prices are per share. `asked`: the most that a person wants. `held`: what the position that it adds to is
    worth already. `shared`: what else counts towards the limits of several positions. Raises ValueError for
    prices of zero or less, or an entry at its stop.
    """
    if entry <= 0 or stop <= 0 or entry == stop:
        raise ValueError(f"no size between an entry at {entry} and a stop at {stop}")
    per_share, most_money = abs(entry - stop), limits.in_money(exposure.capital)
    wanted = _whole(most_money.risk_per_trade, per_share)
    most = _room(entry, per_share, most_money, exposure, held)
    most |= _shared_room(entry, most_money, held, shared)
    most |= dict.fromkeys(_shut(most_money, exposure, held, shared), 0)
    if asked is not None:
        most[Cap.ASKED] = max(asked, 0)
    quantity = min([wanted, *most.values()])
    caps = tuple(cap for cap, allowed in most.items() if allowed == quantity < wanted)
    return Size(quantity, quantity * per_share, caps)


def _room(
    entry: Decimal, per_share: Decimal, limits: Limits, exposure: Exposure, held: Decimal
) -> dict[Cap, int]:
    """Return the most shares that each cap allows. `limits`: in money."""
    return {
        Cap.POSITION: _whole(limits.position - held, entry),
        Cap.GROSS: _whole(limits.gross - exposure.gross, entry),
        Cap.OPEN_RISK: _whole(limits.open_risk - exposure.open_risk, per_share),
        Cap.BUYING_POWER: _whole(exposure.buying_power, entry * (1 + COMMISSION)),
    }


def _shared_room(entry: Decimal, limits: Limits, held: Decimal, shared: Shared) -> dict[Cap, int]:
    """Return the most shares that the limits of several positions together allow. `limits`: in money."""
    room = {Cap.STRATEGY: _whole(limits.strategy - shared.strategy - held, entry)}
    if shared.group is not None:
        room[Cap.GROUP] = _whole(limits.group - shared.group - held, entry)
    return room


def _shut(limits: Limits, exposure: Exposure, held: Decimal, shared: Shared) -> list[Cap]:
    """Return the caps that allow no share at all now. What adds to a position makes no further one.

    `limits`: in money.
    """
    shut = []
    if exposure.positions >= limits.positions and held <= 0:
        shut.append(Cap.POSITIONS)
    if shared.strategy_positions >= limits.strategy_positions:
        shut.append(Cap.STRATEGY_POSITIONS)
    if exposure.day_result <= -limits.day_loss:
        shut.append(Cap.DAY_LOSS)
    if exposure.week_result <= -limits.week_loss:
        shut.append(Cap.WEEK_LOSS)
    return shut


def to_tick(price: Decimal, tick: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return the price as a whole number of ticks: the nearest, or as one of decimal's roundings says.

    ROUND_FLOOR is for what must not be more (a buyer's limit), ROUND_CEILING for what must not be less. A
    price below the first tick may become 0. Raises ValueError for a tick of zero or less.
    """
    if tick <= 0:
        raise ValueError(f"a tick of {tick}")
    return (price / tick).quantize(Decimal(1), rounding) * tick


def _whole(money: Decimal, per_share: Decimal) -> int:
    """Return the whole shares that this money is enough for, exactly: no rounding makes one more of them."""
    return max(int(money // per_share), 0)
