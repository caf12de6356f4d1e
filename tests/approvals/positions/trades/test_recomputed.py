"""Random histories as a broker tells them, against sums made by another way, to the cent.

Told are executions, corrections of them days later, commissions that come late, in another currency or as
rebates, and charges. Another script keeps the newest telling of each and adds up cash: a closed round trip
made what cash changed by while it lasted.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random
from typing import Any

import pytest

from approvals.brokers.base import Charge as Charged
from approvals.brokers.base import ChargeKind, Execution, Instrument, Leg, Side
from approvals.execution import fills
from approvals.models import Charge, Fill, Trade
from approvals.positions import trades
from approvals.positions.trades.export import tax_lots_csv
from approvals.positions.trades.lots import Method
from tests import make
from tests.make import T0

pytestmark = pytest.mark.django_db

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
CENT, RATE = Decimal("0.01"), Decimal("1.1")
AAPL = Instrument("AAPL")
END = T0 + 60 * DAY


@dataclass
class History:
    """What a broker did, with the newest telling of each execution, and what it told so far."""

    random: Random
    newest: dict[str, Execution] = field(default_factory=dict)
    charged: list[Charged] = field(default_factory=list)
    telling: list[Execution] = field(default_factory=list)
    numbers: int = 0

    def number(self, letter: str) -> str:
        self.numbers += 1
        return f"{letter}{self.numbers}"

    def execute(self, side: Side, quantity: int, at: datetime) -> None:
        price = Decimal(self.random.randint(9_000, 11_000)) / 100
        number, order = (
            self.number("X"),
            make.order("AAPL", quantity=quantity, side=side.value, **LEVELS[side]),
        )
        leg = Leg.ENTRY
        execution = Execution(number, order.pk, leg, AAPL, side, quantity, price, self.commission(), at)
        self.newest[number] = execution
        self.telling.append(replace(execution, commission=self.random.choice([None, execution.commission])))

    def commission(self) -> Decimal:
        return Decimal(self.random.randint(-50, 300)) / 100

    def tell_the_rest(self) -> None:
        """Tell corrections of price and commission, and each commission at last, some in euros."""
        for first, execution in self.newest.items():
            now = execution
            if self.random.random() < 0.3:
                price = Decimal(self.random.randint(9_000, 11_000)) / 100
                now = replace(now, execution_id=self.number("X"), corrects=first, price=price)
                self.telling.append(now)
            if self.random.random() < 0.3:
                now = replace(now, commission_currency="EUR")
            self.telling.append(now)
            self.newest[first] = now


LEVELS: dict[Side, dict[str, Any]] = {
    Side.BUY: {},
    Side.SELL: {"stop_loss": Decimal("190.50"), "take_profit": Decimal("179.25")},
}


def history(seed: int) -> History:
    """Return trips from flat to flat, long and short, scaled in and out, with charges."""
    made, at = History(Random(seed)), T0
    random = made.random
    for _ in range(random.randint(1, 4)):
        side, held = random.choice([Side.BUY, Side.SELL]), 0
        for _ in range(random.randint(1, 3)):
            quantity = random.randint(1, 20)
            made.execute(side, quantity, at := at + HOUR)
            held += quantity
        while held:
            quantity = random.randint(1, held)
            made.execute(side.opposite, quantity, at := at + HOUR)
            held -= quantity
        if random.random() < 0.5:
            kind = random.choice(list(ChargeKind))
            amount, number = Decimal(random.randint(-200, 50)) / 100, made.number("C")
            made.charged.append(Charged(number, at, amount, "USD", kind.value, symbol="AAPL", kind=kind))
        at += 2 * DAY
    made.tell_the_rest()
    return made


def play(made: History) -> None:
    """Record all that is told, a few at a time and some of it twice, with the trades in between."""
    make.quote("EUR/USD", float(RATE), as_of=END)
    tellings, random = list(made.telling), made.random
    while tellings:
        some = tellings[: random.randint(1, 4)]
        fills.record(some, "paper", END)
        trades.refresh(END + SECOND)
        del tellings[: len(some) if random.random() < 0.8 else max(len(some) - 1, 1)]
    for row in made.charged:
        columns = {name: getattr(row, name) for name in fills.CHARGE_COLUMNS}
        Charge.objects.create(broker="paper", recorded_at=END, **columns)
    trades.refresh(END + SECOND)


# --- the other way ----------------------------------------------------------------------------------------


def recomputed(made: History) -> list[tuple[Decimal, Decimal, Decimal]]:
    """Return gross, commission and charges of each round trip, oldest first, from cash alone."""
    trips, held = [[Decimal(0)] * 3], 0
    last: list[tuple[datetime, int]] = []
    for execution in sorted(made.newest.values(), key=lambda row: row.executed_at):
        sign = execution.side.sign
        trips[-1][0] -= sign * execution.quantity * execution.price
        rate = RATE if execution.commission_currency else Decimal(1)
        assert execution.commission is not None
        trips[-1][1] += execution.commission * rate
        last.append((execution.executed_at, len(trips) - 1))
        held += sign * execution.quantity
        if not held:
            trips.append([Decimal(0)] * 3)
    for charge in made.charged:
        if charge.kind in (ChargeKind.FEE, ChargeKind.BORROW):
            number = max((at, number) for at, number in last if at.date() <= charge.at.date())[1]
            trips[number][2] += charge.amount
    return [(gross, commission, charged) for gross, commission, charged in trips[:-1]]


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_EVEN)


@pytest.mark.parametrize("seed", range(25))
def test_what_the_book_says_is_what_cash_says(seed: int) -> None:
    make.instrument("AAPL")
    made = history(seed)
    play(made)
    expected = recomputed(made)
    rows = list(Trade.objects.order_by("opened_at"))
    assert [(row.gross, row.commission, row.charges) for row in rows] == expected
    assert [row.net for row in rows] == [gross - paid + charged for gross, paid, charged in expected]
    assert all(not row.commissions_unknown and not row.note for row in rows)
    assert not Fill.objects.exclude(commission_unknown="").exists()
    told_in_euros = sum(bool(row.commission_currency and row.commission) for row in made.newest.values())
    assert Fill.objects.filter(commission_rate=RATE).count() == told_in_euros


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("seed", range(6))
def test_tax_lots_add_up_to_the_same(seed: int, method: Method) -> None:
    make.instrument("AAPL")
    made = history(seed)
    play(made)
    gains: dict[str, Decimal] = defaultdict(Decimal)
    heading, *lines = tax_lots_csv(None, method, washes=False)
    names = heading.strip().split(",")
    for line in lines:
        row = dict(zip(names, line.strip().split(","), strict=True))
        gains[row["currency"]] += Decimal(row["gain"])
        assert row["note"] == ""
    total = sum((gross - paid for gross, paid, _ in recomputed(made)), Decimal(0))
    assert abs(gains["USD"] - cents(total)) <= CENT * len(lines)
