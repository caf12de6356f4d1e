"""A trader, the market, the broker and bad luck, at random, for a month of sessions."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from approvals import execution, exits
from approvals.brokers.base import Leg
from approvals.exits import ExitRefused, Wanted
from approvals.models import Fill, Order
from approvals.models.fills import ADOPTED
from approvals.positions import of as position_of
from market.models import TradingSession
from signals.models import Signal
from tests import make
from tests.approvals import execution_rows
from tests.conformance.broker import mortal
from tests.conformance.broker.jax import Jax
from tests.conformance.month.records import Record

CENT = Decimal("0.01")
SESSIONS = 21
UNCERTAIN = (Order.Status.PENDING_SUBMIT, Order.Status.UNKNOWN)
LOST = ("lose_request", "lose_answer", "garble")


@dataclass
class Month:
    """`happened`: how often each act was played. `prices`: where each symbol trades."""

    jax: Jax
    record: Record
    symbols: Sequence[str]
    seed: int
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.prices = dict.fromkeys(self.symbols, Decimal(100))
        for symbol in self.symbols:
            make.instrument(symbol)

    @property
    def now(self) -> datetime:
        return self.jax.bench.now

    def live(self, sessions: int = SESSIONS, acts_a_day: int = 5) -> None:
        """Trade; each day ends with all that was in the air on the ground."""
        for day in days(self.now.date(), sessions):
            self._wait_until(
                datetime.combine(day, self.now.time(), self.now.tzinfo).replace(hour=14, minute=0)
            )
            for _ in range(acts_a_day):
                self._act()
            self.settle()

    def _wait_until(self, at: datetime) -> None:
        if at > self.now:
            self.jax.bench.wait((at - self.now).total_seconds())

    def _act(self) -> None:
        for symbol, price in self.prices.items():
            self.prices[symbol] = max(price + self.chance.randint(-200, 200) * CENT, Decimal(20))
            self.record.mark(symbol, self.prices[symbol])
        act, weight = zip(*self.acts(), strict=True)
        played = self.chance.choices(act, weight)[0]
        self.happened[played.__name__.strip("_")] += played()
        self.jax.bench.wait(self.chance.choice((10, 60, 600, 1500)))
        self.jax.feed()
        self.jax.reconcile(self.chance.choice((1, 2)))

    def acts(self) -> list[tuple[Callable[[], bool], int]]:
        """Return what may happen, and how often."""
        return [
            (self._enter, 9),
            (self._fill_entry, 12),
            (self._fill_exit, 7),
            (self._close, 3),
            (self._cancel, 2),
            (self._move_stop, 3),
            (self._sell_by_hand, 2),
            (self._buy_by_hand, 1),
            (self._correct, 2),
            (self._pay_a_fee, 1),
            (self._lose_the_next, 3),
            (self._die, 3),
            (self._restart, 2),
            (self._go_away, 1),
        ]

    # --- the trader ---------------------------------------------------------------------------------------

    def _enter(self) -> bool:
        symbol = self.chance.choice(self.symbols)
        if Order.objects.filter(
            symbol=symbol, status__in=(*Order.SENT, Order.Status.PENDING_SUBMIT, Order.Status.HELD)
        ).exists():
            return False
        self._send(self._entry(symbol))
        return True

    def _entry(self, symbol: str) -> Order:
        held, price = position_of(symbol).quantity, self.prices[symbol]
        is_short = held < 0 or (held == 0 and self.chance.random() < 0.25)
        sign = -1 if is_short else 1
        return execution_rows.entry(
            symbol,
            self.now,
            broker=self.jax.bench.spec.name,
            side=Signal.Type.SELL if is_short else Signal.Type.BUY,
            quantity=self.chance.randint(2, 40),
            limit_price=price + sign,
            stop_loss=price - 5 * sign,
            take_profit=price + 10 * sign,
            good_until=self.now + timedelta(hours=self.chance.choice((1, 3))),
        )

    def _send(self, order: Order) -> Order:
        self.jax.feed()
        return self.jax.submit(order)

    def _close(self) -> bool:
        held = [symbol for symbol in self.symbols if position_of(symbol).quantity]
        if not held:
            return False
        return self.close(self.chance.choice(held))

    def close(self, symbol: str) -> bool:
        """Have a person close a position and the market take it, unless that is refused."""
        try:
            closing = exits.close(symbol, by=execution_rows.trader(), at=self.now)
        except ExitRefused:
            return False
        self._send(closing)
        self.jax.reconcile()
        self.jax.bench.fill(closing.pk, Leg.CLOSE, self.prices[symbol])
        return True

    def _cancel(self) -> bool:
        working = list(Order.objects.filter(kind=Order.Kind.ENTRY, status__in=Order.SENT))
        if not working:
            return False
        try:
            self.jax.cancel(self.chance.choice(working))
        except ExitRefused:
            return False
        return True

    def _move_stop(self) -> bool:
        order = self._guarded()
        if order is None or order.stop_now is None:
            return False
        closer = order.stop_now + (1 if order.side == Signal.Type.BUY else -1)
        try:
            seen = exits.seen_as(order)
            exits.move(order, Wanted(stop=closer), by=execution_rows.trader(), seen=seen, at=self.now)
        except ExitRefused:
            return False
        execution.change_exits(order.pk, self.now)
        return True

    def _guarded(self) -> Order | None:
        guarded = list(Order.objects.filter(kind=Order.Kind.ENTRY, exits_working=True))
        return self.chance.choice(guarded) if guarded else None

    # --- the market ---------------------------------------------------------------------------------------

    def _fill_entry(self) -> bool:
        working = list(Order.objects.filter(kind=Order.Kind.ENTRY, status__in=Order.SENT))
        if not working:
            return False
        return self._fill(self.chance.choice(working), Leg.ENTRY)

    def _fill_exit(self) -> bool:
        order = self._guarded()
        return False if order is None else self._fill(order, self.chance.choice((Leg.STOP, Leg.TARGET)))

    def _fill(self, order: Order, leg: Leg) -> bool:
        left = self.record.left(order.pk, leg)
        if not left:
            return False
        price = self.prices[order.symbol]
        if left == 1 or self.chance.random() < 0.6:
            self.jax.bench.fill(order.pk, leg, price)
        else:
            self.jax.bench.fill(order.pk, leg, price, quantity=self.chance.randint(1, left - 1))
        return True

    # --- by hand, at the broker's page --------------------------------------------------------------------

    def _sell_by_hand(self) -> bool:
        held = [symbol for symbol in self.symbols if self.jax.behind.held(symbol) > 0]
        if not held:
            return False
        symbol = self.chance.choice(held)
        quantity = self.chance.randint(1, int(self.jax.behind.held(symbol)))
        self.record.trade_by_hand(symbol, -quantity, self.prices[symbol])
        self.jax.reconcile(2)
        return True

    def _buy_by_hand(self) -> bool:
        symbol = self.chance.choice(self.symbols)
        if self.jax.behind.held(symbol) < 0:
            return False
        self.record.trade_by_hand(symbol, self.chance.randint(1, 9), self.prices[symbol])
        self.jax.reconcile(2)
        return True

    # --- the broker's back office -------------------------------------------------------------------------

    def _correct(self) -> bool:
        """Correct the price of an execution, of today or of weeks ago."""
        fills = list(Fill.objects.exclude(execution_id__endswith=ADOPTED))
        if not fills:
            return False
        fill = self.chance.choice(fills)
        off = self.chance.choice((-3, -1, 1, 2)) * CENT
        told = fill.told.latest("pk")
        self.jax.behind.correct(told.execution_id, int(fill.quantity), fill.price + off)
        return True

    def _pay_a_fee(self) -> bool:
        self.jax.behind.charge(-self.chance.randint(1, 300) * CENT, "Regulatory fee")
        return True

    # --- bad luck -----------------------------------------------------------------------------------------

    def _lose_the_next(self) -> bool:
        lose = getattr(self.jax.behind, self.chance.choice(LOST))
        lose(self.chance.choice(("place", "close", "cancel")))
        return True

    def _die(self) -> bool:
        """The worker dies in a call of an entry or a closing; another goes on later."""
        call = self.chance.choice(("place", "executions", "orders"))
        path, after = self.jax.settings.BROKER, self.chance.random() < 0.5
        mortal.kill_in(self.jax.bench.spec, call, is_after=after)
        self.jax.settings.BROKER = mortal.PATH
        with suppress(mortal.Killed):
            if call == "place":
                self._send(self._entry(self.chance.choice(self.symbols)))
            self.jax.reconcile()
        self.jax.settings.BROKER = path
        return True

    def _restart(self) -> bool:
        self.jax.behind.restart()
        return True

    def _go_away(self) -> bool:
        with self.jax.behind.is_away():
            self.jax.reconcile(2)
        return True

    # --- ends ---------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Reconcile until all is known, and have a person drop what was never received."""
        self.jax.reconcile(2)
        for _ in range(8):
            if not Order.objects.filter(status__in=UNCERTAIN).exists():
                break
            self.jax.reconcile()
        for order in Order.objects.filter(status=Order.Status.HELD):
            exits.drop(order, by=execution_rows.trader(), at=self.now)

    def end(self) -> None:
        """Cancel what works and close what is held."""
        self.settle()
        for order in Order.objects.filter(kind=Order.Kind.ENTRY, status__in=Order.SENT):
            self.jax.cancel(order)
        self.settle()
        for symbol in self.symbols:
            for _ in range(3):
                if position_of(symbol).quantity:
                    self.close(symbol)
                    self.settle()


def days(first: date, count: int) -> list[date]:
    """Return weekdays, each with a session from 13:30 to 20:00 UTC."""
    listed = (first + timedelta(days=n) for n in range(2 * count + 7))
    weekdays = [day for day in listed if day.weekday() < 5][: count + 2]
    have = set(TradingSession.objects.filter(calendar="XNYS").values_list("date", flat=True))
    TradingSession.objects.bulk_create(
        TradingSession(
            calendar="XNYS",
            date=day,
            opens_at=datetime.fromisoformat(f"{day}T13:30Z"),
            closes_at=datetime.fromisoformat(f"{day}T20:00Z"),
        )
        for day in weekdays
        if day not in have
    )
    return weekdays[:count]
