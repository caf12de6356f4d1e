"""Random months of an account on paper, by a seed: what its owner does, and what becomes of the shares."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from uuid import UUID

from approvals.brokers.base import OrderRefused, Side
from approvals.brokers.paper import Costs, Dividend, Night, Restating
from approvals.brokers.paper.book import Book
from approvals.brokers.paper.cash_book import Kind
from approvals.brokers.paper.cashier import Cashier, NotMoved
from approvals.brokers.paper.costs import schedule
from tests.approvals.brokers.ledger import Happened, Traded
from tests.approvals.paper_tape import MINUTE, START, Tape, TapeUntil, bracket, closing, short
from tests.make import T0

DAY, SESSION = 1440, 60  # minutes
RATIOS = [Fraction(7, 3), Fraction(1, 15), Fraction(3, 2), Fraction(2, 3), Fraction(4), Fraction(5, 4)]
SCHEDULES = ["zero", "per_share", "ib_fixed", "ib_tiered"]
BORROW_RATE = Decimal("0.17")


class History:
    """A month over a book, which outlives every broker that is made over it: each call is a restart."""

    def __init__(self, seed: int, book: Book, by: int = 1) -> None:
        self.random, self.book, self.by = Random(seed), book, by
        self.tape = Tape(timedelta(minutes=SESSION))
        self.commission = self.random.choice(SCHEDULES)
        self.happened = Happened(START, self.commission, BORROW_RATE)
        self.price, self.orders, self.done = 100.0, list[UUID](), 0

    def at(self, minute: float) -> Cashier:
        instant = T0 + minute * MINUTE
        costs = Costs(Decimal(2), Decimal("0.1"), schedule(self.commission, Decimal("0.002")), BORROW_RATE)
        return Cashier(self.book, TapeUntil(self.tape, instant), instant, costs)

    def play(self, days: int = 12) -> float:
        """Return the minute at which it ends, after the last night and the last pay date."""
        for day in range(days):
            self._play_day(day * DAY)
        return days * DAY + DAY

    def _play_day(self, first: float) -> None:
        if first and self.random.random() < 0.25:
            self._split(first)
        if first and self.random.random() < 0.25:
            self._dividend(first)
        prices = self._trade(first)
        for minute in sorted(self.random.uniform(0, SESSION) for _ in range(self.random.randint(1, 4))):
            self._act(first + minute)
        close = prices[-1]
        self.tape.bar(first, prices[0], max(prices), min(prices), close, volume=self._volume())
        closed, nights = T0 + (first + SESSION) * MINUTE, self.random.choice([1, 1, 1, 3])
        self.tape.nights.append(Night((T0 + first * MINUTE).date(), closed, nights))
        self.happened.closes.append((closed, Decimal(f"{close:.6f}"), nights))
        if self.random.random() < 0.6:
            self.at(first + SESSION + self.random.choice([0.5, 10, 600])).account()

    def _volume(self) -> float:
        return self.random.choice([0.0, 300.0, 5_000.0])

    def _trade(self, first: float) -> list[float]:
        """Quotes of a session, of which some come late and some show few shares."""
        prices = []
        for step in range(12):
            self.price = max(self.price * self.random.uniform(0.97, 1.03), 0.5)
            price = round(self.price, 2)
            prices.append(price)
            self.tape.quote(
                price,
                first + step * 5 + 0.1,
                late=self.random.choice([0, 0, 0, 2]),
                half=0.02,
                size=self.random.choice([3.0, 40.0, 1_000.0]),
            )
        return prices

    def _split(self, first: float) -> None:
        ratio = self.random.choice(RATIOS)
        if not 2 < self.price / ratio < 2_000:
            return
        self.price = float(self.price / ratio)
        self.tape.splits.append(Restating(T0 + first * MINUTE, ratio))
        self.happened.splits.append((T0 + first * MINUTE, ratio))

    def _dividend(self, first: float) -> None:
        ex, due = T0 + first * MINUTE, T0 + (first + self.random.choice([0, 2 * DAY])) * MINUTE
        amount = Decimal(self.random.randint(1, 90)) / 100
        self.tape.declared.append(Dividend("AAPL", ex.date(), ex, due, amount, "USD"))
        self.happened.dividends.append((ex, due, amount))

    def _act(self, minute: float) -> None:
        broker, acts = self.at(minute), [self._enter, self._enter, self._close, self._cancel, self._move]
        try:
            self.random.choice(acts)(broker, minute)
        except (OrderRefused, NotMoved):
            return
        self.done += 1

    def _enter(self, broker: Cashier, minute: float) -> None:
        side, level = self.random.choice([Side.BUY, Side.SELL]), Decimal(f"{self.price:.2f}")
        make, wide = (bracket if side is Side.BUY else short), level * Decimal("0.06")
        limit = level + side.sign * level * Decimal("0.02")
        client_id = UUID(int=self.random.getrandbits(64))
        broker.place(
            make(
                client_id=client_id,
                quantity=self.random.randint(1, 250),
                limit_price=limit.quantize(Decimal("0.01")),
                stop_loss=(limit - side.sign * wide).quantize(Decimal("0.01")),
                take_profit=(limit + side.sign * wide).quantize(Decimal("0.01")),
                good_until=T0 + (minute + 30) * MINUTE,
            )
        )
        self.orders.append(client_id)

    def _close(self, broker: Cashier, minute: float) -> None:
        held = [int(holding.quantity) for holding in broker.holdings().values()] or [0]
        side = Side.SELL if held[0] > 0 else Side.BUY
        client_id = UUID(int=self.random.getrandbits(64))
        broker.close(closing(self.random.randint(1, max(abs(held[0]), 1)), side, client_id))

    def _cancel(self, broker: Cashier, minute: float) -> None:
        if self.orders:
            broker.cancel(self.random.choice(self.orders), exits=self.random.random() < 0.3)

    def _move(self, broker: Cashier, minute: float) -> None:
        kind, amount = self.random.choice(list(Kind)), Decimal(self.random.randint(1, 4_000_000)) / 100
        self.happened.moved.append(broker.move(kind, amount, self.by, f"seed {minute}").cash)

    def told(self, minute: float) -> None:
        """Take the trades from the executions that the broker tells."""
        self.happened.trades = [
            Traded(each.client_id, each.executed_at, each.side.sign * each.quantity, each.price)
            for each in self.at(minute).executions(T0 - timedelta(days=1))
        ]
