"""What approving a signal would do now: in shares and prices, and why it may not be done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from django.conf import settings
from django.utils.functional import cached_property  # without a lock, which functools' takes before 3.12

from approvals import risk
from approvals.entry_check import EntryCheck, Levels, check, delisted, format_price, levels_of
from approvals.models import Order
from approvals.models.accounts import is_part
from approvals.positions import Effect, effect_of
from approvals.proposals.bets import Portfolio
from approvals.proposals.context import Context, limits
from approvals.risk import Cap, Size
from market.prices import Timeframe
from signals.models import Signal

BEYOND = Decimal("0.25")  # of an ATR: how far beyond the price seen an entry's limit may lie


@dataclass(frozen=True)
class Overrides:
    """What a person wants otherwise than proposed. None: as proposed."""

    quantity: int | None = None
    limit_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


AS_PROPOSED = Overrides()
NOT_ACTIONABLE = (
    "Not actionable: there is no position to sell, and selling short is off (ALLOW_SHORT). "
    "The signal is only measured."
)


@dataclass(frozen=True)
class Proposal:
    """What approving a signal would do at this moment, by itself or with what a person wishes.

    `apart_from`: the order that is left out, where releasing it is proposed.
    """

    signal: Signal
    overrides: Overrides
    context: Context
    apart_from: Order | None = None

    @property
    def symbol(self) -> str:
        return self.signal.symbol

    @cached_property
    def position(self) -> int:
        held = self.context.held.get(self.symbol)
        return held.quantity if held else 0

    @property
    def foreign(self) -> Decimal:
        held = self.context.held.get(self.symbol)
        return held.foreign if held else Decimal(0)

    @cached_property
    def effect(self) -> Effect:
        return effect_of(self.signal.signal_type, self.position)

    @property
    def is_actionable(self) -> bool:
        return self.effect is not Effect.NOTHING

    # --- levels and size ----------------------------------------------------------------------------------

    @property
    def tick(self) -> Decimal:
        return self.context.market.instruments[self.symbol].tick_size

    @cached_property
    def levels(self) -> Levels:
        stop, target = self.overrides.stop_loss, self.overrides.take_profit
        return levels_of(
            self.signal,
            None if stop is None else risk.to_tick(stop, self.tick),
            None if target is None else risk.to_tick(target, self.tick),
        )

    @cached_property
    def entry_check(self) -> EntryCheck:
        return check(self.levels, self.symbol, self.context.market)

    @cached_property
    def worst_price(self) -> Decimal | None:
        """The most that an entry may pay (the least, when it sells): BEYOND an ATR from the price seen."""
        if self.entry_check.price is None:
            return None
        sign = self.levels.sign
        beyond = sign * (self.entry_check.price + sign * BEYOND * self.levels.atr)
        inside = sign * (self.levels.take_profit - sign * self.tick)
        return risk.to_tick(sign * min(beyond, inside), self.tick, ROUND_FLOOR if sign > 0 else ROUND_CEILING)

    @cached_property
    def limit_price(self) -> Decimal | None:
        wished = self.overrides.limit_price
        return self.worst_price if wished is None else risk.to_tick(wished, self.tick)

    @cached_property
    def largest(self) -> Size | None:
        """The size that the limits allow at this limit and stop; None when it cannot be known."""
        return self._sized(None)

    @cached_property
    def size(self) -> Size | None:
        """The size of the entry: the largest, or what a person asked for when that is less."""
        wanted = self.overrides.quantity
        return self.largest if wanted is None else self._sized(wanted)

    @cached_property
    def portfolio(self) -> Portfolio | None:
        """What else the account is exposed to; None while that is not known."""
        context, exposure = self.context, self.context.exposure
        if exposure is None:
            return None
        side, strategy_id = self.levels.sign, self.signal.strategy_id
        return Portfolio(self.symbol, side, strategy_id, exposure, context.correlations, context.held)

    def _sized(self, asked: int | None) -> Size | None:
        if self.context.exposure is None or self.limit_price is None or self._level_problems:
            return None
        exposure, stop = self.context.exposure, self.levels.stop_loss
        held = exposure.values.get(self.symbol, Decimal(0))
        shared = self.portfolio.shared if self.portfolio else risk.ALONE
        return risk.size(self.limit_price, stop, limits(), exposure, asked=asked, held=held, shared=shared)

    @property
    def quantity(self) -> int:
        if self.effect.is_exit:
            return abs(self.position)
        return self.size.quantity if self.size else 0

    @property
    def caps(self) -> Sequence[Cap]:
        """What kept the size from being larger, but for the person's own quantity."""
        return [cap for cap in self.size.caps if cap is not Cap.ASKED] if self.size else []

    # --- when -----------------------------------------------------------------------------------------------

    @property
    def waits_until(self) -> datetime | None:
        """When an entry made now would be looked at again and sent; None when it is sent at once."""
        return self.entry_check.due_at if self.effect.is_entry else None

    @property
    def good_until(self) -> datetime | None:
        return self.context.market.good_until(self.signal)

    @property
    def flat_at(self) -> datetime | None:
        return self.context.market.flat_at(self.signal)

    @cached_property
    def earnings(self) -> list[str]:
        """Which reports of earnings come out while it may be held, in words."""
        calendar = self.context.calendars.get(self.symbol)
        if calendar is None or not self.effect.is_entry:
            return []
        market, signal = self.context.market, self.signal
        entered_at = self.entry_check.hours.opens_at or market.at
        until = self.flat_at
        if until is None and (bars := market.longest.get((signal.strategy_id, signal.timeframe))):
            until = calendar.held_until(entered_at, Timeframe(signal.timeframe), bars)
        return calendar.within(entered_at, until, market.at.date())

    # --- why not --------------------------------------------------------------------------------------------

    @cached_property
    def problems(self) -> list[str]:
        """Why the signal cannot be approved now; empty when it can."""
        if self.context.obstacle:
            return [self.context.obstacle]
        if self.effect is Effect.NOTHING:
            return [NOT_ACTIONABLE]
        return list(self._of_the_position()) or list(self._of_the_entry())

    def _of_the_position(self) -> Iterator[str]:
        symbol = self.symbol
        entering = self.context.working(symbol, Order.Kind.ENTRY, self.apart_from)
        adds = self.position != 0 or (entering is not None and entering.side == self.signal.signal_type)
        if self.context.working(symbol, Order.Kind.CLOSE):
            yield f"The position in {symbol} is being closed already."
        elif self.effect.is_exit:
            if self.overrides.quantity not in (None, self.quantity):
                yield f"The position of {self.quantity} {symbol} is closed whole: its stop guards all of it."
        elif self.foreign and not is_part(self.foreign, self.signal.signal_type):
            yield f"The account holds {self.foreign} {symbol} that Jax did not trade: they are left alone."
        elif entering is not None and entering.side != self.signal.signal_type:
            yield f"An order to {entering.side} {symbol} is still working: cancel it first."
        elif adds and not settings.ALLOW_ADDING:
            yield f"There is a position in {symbol} already, or an order for one (ALLOW_ADDING is off)."

    def _of_the_entry(self) -> Iterator[str]:
        if self.effect.is_exit:
            return
        yield from self._of_the_instrument()
        if self.waits_until and self.good_until and self.good_until <= self.waits_until:
            yield "The signal expires before its order could be sent."
        if not settings.ALLOW_EARNINGS:
            yield from (
                f"{report}, while it may be held (ALLOW_EARNINGS is off)." for report in self.earnings
            )
        yield from self.entry_check.problems or self._level_problems or self._of_the_size()

    def _of_the_instrument(self) -> Iterator[str]:
        instrument = self.context.market.instruments[self.symbol]
        if instrument.is_gone:
            yield delisted(instrument)
        if instrument.split_pending_since is not None:
            yield "A split was seen and the history is not restated yet."
        yield from self.context.market.unexplained(self.symbol)
        if self.context.unknown:
            yield self.context.unknown
        elif instrument.currency != self.context.currency:
            currencies = f"{self.symbol} trades in {instrument.currency}, the account is in"
            yield f"{currencies} {self.context.currency}: orders are placed in its own currency only."

    @cached_property
    def _level_problems(self) -> list[str]:
        return list(self._of_the_levels())

    def _of_the_levels(self) -> Iterator[str]:
        limit, worst, sign = self.limit_price, self.worst_price, self.levels.sign
        stop, target = self.levels.stop_loss, self.levels.take_profit
        if limit is None or worst is None:
            yield "There is no price to set a limit by."
            return
        wrong_side = f"on the wrong side of the limit of {format_price(limit)}"
        if min(limit, stop, target) <= 0:
            yield "A price must be above zero."
        elif sign * (limit - stop) <= 0:
            yield f"The stop of {format_price(stop)} is {wrong_side}."
        elif sign * (target - limit) <= 0:
            yield f"The target of {format_price(target)} is {wrong_side}."
        elif sign * (limit - worst) > 0:
            beyond = f"{format_price(worst)}, {BEYOND} ATR beyond the newest price"
            yield f"The limit of {format_price(limit)} is worse than {beyond}."

    def _of_the_size(self) -> Iterator[str]:
        if self.size is None or self.largest is None:
            return
        wanted = self.overrides.quantity
        if wanted is not None and wanted > self.largest.quantity:
            yield f"{wanted} shares are too many: {self._most(self.largest)}."
        elif self.size.quantity == 0:
            yield f"No share fits: {self._most(self.largest)}."

    @staticmethod
    def _most(largest: Size) -> str:
        caps = " and ".join(cap.value for cap in largest.caps)
        return f"{caps or 'the risk per trade'} leaves room for {largest.quantity}"

    # --- what is said and kept ------------------------------------------------------------------------------

    @property
    def resized(self) -> str:
        """What a price that moved against the trade changes; empty when it did not."""
        drift, price = self.entry_check.drift_atr, self.entry_check.price
        if not self.effect.is_entry or price is None or drift is None or drift >= 0:
            return ""
        moved = (
            f"The price has moved {-drift:.2f} ATR against the trade, from {format_price(self.levels.entry)}"
        )
        return f"{moved} to {format_price(price)}: limit and size are counted from there."

    @cached_property
    def notes(self) -> list[str]:
        """What else an entry is, besides its figures: one bet with what is held, held through earnings."""
        if not self.effect.is_entry:
            return []
        through = [f"{report}: it may be held through that." for report in self.earnings]
        return [*(self.portfolio.notes() if self.portfolio else ()), *through]

    def as_json(self) -> dict[str, Any]:
        """Return the figures that are kept with a decision."""
        is_entry = self.effect.is_entry
        figures = {
            "does": self.effect.value,
            "quantity": self.quantity,
            "limit_price": self.limit_price if is_entry else None,
            "stop_loss": self.levels.stop_loss if is_entry else None,
            "take_profit": self.levels.take_profit if is_entry else None,
            "risk": self.size.risk if self.size and is_entry else None,
            "caps": [cap.value for cap in self.caps],
        }
        return figures | ({"notes": self.notes} if self.notes else {})
