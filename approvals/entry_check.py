"""The fresh look: whether an entry still makes sense at the newest price, and when it would be sent."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils.functional import cached_property

from approvals.brokers import registry
from approvals.models import BrokerPosition, Order
from market import formatting as market_formatting
from market import quotes, sessions
from market.models import ALWAYS_OPEN, CorporateAction, Instrument, Quote, Split
from market.prices import Feed, to_datetime
from market.queries.instruments import newest_quotes, with_questions
from market.sessions import Sessions
from signals.models import Signal, StrategyConfig

AFTER_THE_OPEN = timedelta(minutes=2)
NEAR = timedelta(days=15)  # reaches over the longest holidays
UNEXPLAINED = (
    "Its price has moved as by a split that nothing explains: the levels may be those of other shares."
    " An operator answers what it was."
)
UNANSWERED = (
    "A spin-off, rights or a split of it took effect, and what that did to its price and to what is held is"
    " not known. An operator answers it under corporate actions."
)


def format_price(price: Decimal) -> str:
    """Return a price as traders write it: two decimals, or as many as it has."""
    exact = price.normalize()
    return f"{exact:f}" if exact.as_tuple().exponent < -2 else f"{exact:.2f}"  # type: ignore[operator]  # finite


@dataclass(frozen=True)
class Hours:
    """The sessions around an instant. `closes_at`: of the open session, or of the one that opens next.

    `opened_at`: since when it is open; None when it is not, as over lunch. `opens_at`: when it will then.
    """

    is_open: bool
    opened_at: datetime | None
    opens_at: datetime | None
    closes_at: datetime | None
    traded_until: datetime

    @classmethod
    def of(cls, sessions: Sessions, at: datetime) -> "Hours":
        is_open, opens_at = sessions.is_open(at), sessions.next_open(at)
        start = at if is_open else opens_at
        day = None if start is None else next(_closes(sessions, start), None)
        last = sessions.stretch(at) if is_open else None
        return cls(is_open, last and last[0], None if is_open else opens_at, day, sessions.traded_until(at))

    def due_at(self, delay: timedelta) -> datetime | None:
        """When an order that waits for the open is looked at again, through a feed that is so far behind.

        None when it need not wait.
        """
        return self.opens_at and self.opens_at + AFTER_THE_OPEN + delay


def _closes(sessions: Sessions, start: datetime) -> Iterator[datetime]:
    return (closes for closes in map(to_datetime, sessions.closes) if closes > start)


@dataclass(frozen=True)
class MarketContext:
    """What is known about some symbols at an instant: read once, in four queries; one more after an action.

    `asking`: those of which a corporate action waits for a person. `longest`: how many bars a strategy holds
    at most, by strategy and timeframe.
    """

    at: datetime
    instruments: Mapping[str, Instrument]
    quotes: Mapping[str, Quote]
    hours: Mapping[str, Hours]
    flat_at_close: frozenset[tuple[str, str]]
    asking: frozenset[str]
    longest: Mapping[tuple[str, str], int]

    @classmethod
    def load(cls, symbols: Collection[str], at: datetime) -> "MarketContext":
        instruments = with_questions(symbols, at)
        calendars = {instrument.calendar for instrument in instruments.values()}
        by_calendar = sessions.load_all(calendars, at - NEAR, at + NEAR) if calendars else {}
        hours = {calendar: Hours.of(days, at) for calendar, days in by_calendar.items()}
        rules = {(row.strategy_id, row.timeframe): row for row in StrategyConfig.objects.all()}
        return cls(
            at,
            instruments,
            newest_quotes(symbols),
            {symbol: hours[instrument.calendar] for symbol, instrument in instruments.items()},
            frozenset(key for key, row in rules.items() if row.flat_at_close),
            _asking(
                [symbol for symbol, instrument in instruments.items() if vars(instrument)["may_ask"]], at
            ),
            {key: row.longest_holding_bars for key, row in rules.items()},
        )

    def good_until(self, signal: Signal) -> datetime | None:
        """Until when an entry waits to be filled: its session's close or its signal's end, the earlier."""
        closes_at = self.hours[signal.symbol].closes_at
        if closes_at is None or self.instruments[signal.symbol].calendar == ALWAYS_OPEN:
            return signal.expires_at
        return min(closes_at, signal.expires_at)

    def unexplained(self, symbol: str) -> Iterator[str]:
        """Yield why levels and prices may be those of other shares."""
        if vars(self.instruments[symbol])["has_unexplained_move"]:
            yield UNEXPLAINED
        if symbol in self.asking:
            yield UNANSWERED

    def flat_at(self, signal: Signal) -> datetime | None:
        """Return when what was bought is sold at the latest; None when it may be kept."""
        is_flat = (signal.strategy_id, signal.timeframe) in self.flat_at_close
        return self.hours[signal.symbol].closes_at if is_flat else None


def _asking(symbols: Collection[str], at: datetime) -> frozenset[str]:
    """Return those of which a corporate action waits for a person. No query without symbols."""
    if not symbols:
        return frozenset()
    actions = CorporateAction.objects.asking(at).filter(symbol__in=symbols)
    return frozenset(actions.values_list("symbol", flat=True))


@dataclass(frozen=True)
class Levels:
    """Where an entry stands: its signal's price, and the stop and target that it would have."""

    side: Signal.Type
    entry: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    atr: Decimal

    @property
    def sign(self) -> int:
        return 1 if self.side == Signal.Type.BUY else -1


def levels_of(signal: Signal, stop_loss: Decimal | None = None, take_profit: Decimal | None = None) -> Levels:
    """Return the signal's levels, or those that a person moved."""
    return Levels(
        Signal.Type(signal.signal_type),
        signal.entry_price,
        signal.stop_loss if stop_loss is None else stop_loss,
        signal.take_profit if take_profit is None else take_profit,
        Decimal(f"{signal.indicators.get('atr', 0):.6f}"),
    )


@dataclass(frozen=True)
class EntryCheck:
    """An entry held against the newest price. `drift_atr` is positive in the trade's direction."""

    levels: Levels
    quote: Quote | None
    hours: Hours
    is_round_the_clock: bool = False

    @property
    def is_open(self) -> bool:
        return self.hours.is_open

    @property
    def due_at(self) -> datetime | None:
        """When an order that waits for the open is looked at again; None when it need not wait."""
        return self.hours.due_at(timedelta(seconds=self.quote.delay_seconds if self.quote else 0))

    @cached_property
    def price(self) -> Decimal | None:
        return None if self.quote is None else Decimal(f"{self.quote.price:.6f}")

    @property
    def age(self) -> timedelta | None:
        """How old the price is beyond its feed's delay, in session time."""
        return None if self.quote is None else max(self.quote.age(self.hours.traded_until), timedelta(0))

    @cached_property
    def drift_atr(self) -> Decimal | None:
        if self.price is None or not self.levels.atr:
            return None
        return self.levels.sign * (self.price - self.levels.entry) / self.levels.atr

    @cached_property
    def reward_to_risk(self) -> Decimal | None:
        """From the newest price to the target over that to the stop; None where it is beyond either."""
        if self.price is None:
            return None
        reward = self.levels.sign * (self.levels.take_profit - self.price)
        risk = self.levels.sign * (self.price - self.levels.stop_loss)
        return reward / risk if reward > 0 and risk > 0 else None

    @property
    def problems(self) -> list[str]:
        """Why the entry should not be made at this price; empty when it may."""
        return self._of_the_broker() or list(self._of_the_quote()) or list(self._of_the_price())

    def _of_the_broker(self) -> list[str]:
        if self.levels.sign > 0 or (spec := registry.spec_of(settings.BROKER)).capabilities.shorting:
            return []
        return [f"Nothing can be sold short at {spec.title}, which BROKER names."]

    def _of_the_quote(self) -> Iterator[str]:
        limit = settings.STALE_QUOTE_SECONDS
        if self.quote is None or self.age is None:
            yield "There is no quote."
        elif self.quote.halt:
            yield f"Trading is halted: {self.quote.halt}. Wait until it goes on."
        elif self.quote.doubt:
            newer = format_price(Decimal(f"{self.quote.doubtful_price:.6f}"))
            why = market_formatting.DOUBTS[self.quote.doubt]
            yield f"The newest price of {newer} is doubtful: {why}. Wait for a second trade to confirm it."
        elif self.is_open and quotes.is_ahead(self.quote, self.hours.traded_until):
            yield f"The newest quote is from {self.quote.as_of:%Y-%m-%d %H:%M} UTC, which is in the future."
        elif quotes.is_too_old(self.quote, self.hours.traded_until):
            when = "old" if self.is_open else "older than the close"
            yield f"The newest quote is {self.age.total_seconds():.0f} s {when}; {limit} s are allowed."
        elif self.hours.opened_at and self.quote.as_of < self.hours.opened_at and not self.is_round_the_clock:
            yield "The newest quote is from before the open. Wait for the next one."
        elif self.quote.feed == Feed.DELAYED and not registry.spec_of(settings.BROKER).is_paper:
            yield "The feed is delayed: only paper orders are made on it."

    def _of_the_price(self) -> Iterator[str]:
        levels, price = self.levels, self.price
        if price is None:
            return
        here = f"The price of {format_price(price)} is at or beyond"
        if levels.sign * (price - levels.stop_loss) <= 0:
            yield f"{here} the stop of {format_price(levels.stop_loss)}."
        elif levels.sign * (levels.take_profit - price) <= 0:
            yield f"{here} the target of {format_price(levels.take_profit)}."
        else:
            yield from self._of_the_way(format_price(price))

    def _of_the_way(self, price: str) -> Iterator[str]:
        """Yield how far the price has run, and what is left to win."""
        most, least = settings.MAX_ENTRY_DRIFT_ATR, settings.MIN_REWARD_TO_RISK
        if self.drift_atr is None:
            yield "How far the price has run is not known: the signal has no ATR."
        elif self.drift_atr > most:
            entry = format_price(self.levels.entry)
            drift = f"The price has run {self.drift_atr:.3f} ATR from {entry} to {price}"
            yield f"{drift}; {most} are allowed."
        ratio = self.reward_to_risk or Decimal(0)
        if ratio < least:
            yield f"The reward is {ratio:.3f} times the risk at {price}; at least {least} is asked for."

    def as_json(self) -> dict[str, Any]:
        quote = self.quote
        return {
            "price": self.price,
            "bid": quote and quote.bid,
            "ask": quote and quote.ask,
            "as_of": quote and quote.as_of,
            "provider": quote and quote.provider,
            "feed": quote and quote.feed,
            "doubt": quote and quote.doubt,
            "halt": quote and quote.halt,
            "age_seconds": self.age and self.age.total_seconds(),
            "is_open": self.is_open,
            "drift_atr": self.drift_atr and round(self.drift_atr, 4),
            "reward_to_risk": self.reward_to_risk and round(self.reward_to_risk, 4),
        }


def delisted(instrument: Instrument) -> str:
    return f"{instrument.symbol} was delisted on {instrument.delisted_on}: it does not trade any more."


def check(levels: Levels, symbol: str, market: MarketContext) -> EntryCheck:
    is_round_the_clock = market.instruments[symbol].calendar == ALWAYS_OPEN
    return EntryCheck(levels, market.quotes.get(symbol), market.hours[symbol], is_round_the_clock)


def problems(order: Order, at: datetime) -> list[str]:
    """Return why an entry that waited needs a person's new look; empty when it may be sent as it is.

    Asked on a live quote, two minutes after the open.
    """
    if order.approval is None:
        return []
    signal, market = order.approval.signal, MarketContext.load([order.symbol], at)
    fresh = check(levels_of(signal, order.stop_loss, order.take_profit), order.symbol, market)
    return [
        *_since_the_decision(order, signal, market),
        *drifting(order.symbol, order.side),
        *([] if fresh.is_open else ["The exchange is not open."]),
        *fresh.problems,
    ]


def drifting(symbol: str, side: str) -> list[str]:
    """Return why no entry is made while the account's shares of a symbol are not those that we traded."""
    row = BrokerPosition.objects.filter(symbol=symbol).exclude(quantity=F("ours")).first()
    if row is None or not row.keeps_from(side):
        return []
    return [f"The account holds {row.quantity} {symbol}, and Jax traded {row.ours}."]


def _since_the_decision(order: Order, signal: Signal, market: MarketContext) -> Iterator[str]:
    if signal.has_run_out(market.at):
        yield f"Its signal expired at {signal.expires_at:%Y-%m-%d %H:%M} UTC."
    split = Split.objects.filter(symbol=order.symbol, recorded_at__gte=order.created_at)
    instrument = market.instruments[order.symbol]
    if instrument.is_gone:
        yield delisted(instrument)
    if instrument.split_pending_since is not None or split.exists():
        yield "The share was split: its levels are those of the old shares."
    yield from market.unexplained(order.symbol)
