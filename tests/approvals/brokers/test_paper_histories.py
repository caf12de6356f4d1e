"""Whatever happens in a month, the paper account, Jax's book and a count by hand agree to the cent.

`tests/approvals/brokers/ledger.py` counts by hand. The long test has 3,000 months and the same in rows.
"""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from approvals.brokers.paper.book import Book
from approvals.execution.paper.book import Rows
from approvals.positions.accounting import Split, Trade, fold
from tests.approvals.audit_rows import user
from tests.approvals.brokers import ledger
from tests.approvals.brokers.histories import History
from tests.approvals.paper_tape import START, Memory
from tests.make import T0

LONG_AGO = T0 - timedelta(days=1)


def agreed(seed: int, book: Book, by: int = 1) -> Counter[str]:
    """Play a month and compare; return what was in it."""
    history = History(seed, book, by)
    end = history.play()
    broker = history.at(end)
    account = broker.account()
    history.told(end)
    happened, now = history.happened, T0 + timedelta(minutes=end)
    executions = broker.executions(LONG_AGO)
    holdings = broker.holdings()
    held = int(holdings["AAPL"].quantity) if holdings else 0
    charges = broker.charges(LONG_AGO)
    spent = sum((each.side.sign * each.quantity * each.price for each in executions), Decimal(0))
    commissions = sum((each.commission or Decimal(0) for each in executions), Decimal(0))
    booked = START - spent - commissions + sum((each.amount for each in charges), Decimal(0))
    trades = [
        Trade(each.side.sign * each.quantity, each.price, each.commission or Decimal(0), each.executed_at)
        for each in executions
    ]
    splits = [
        Split(at.date(), Decimal(str(float(ratio))))
        for at, ratio in happened.splits
        if at.date() <= now.date()
    ]
    assert held == ledger.shares_at(happened, now) == fold(trades, splits).quantity, seed
    assert commissions == ledger.commissions(happened.trades, happened.commission), seed
    assert account.cash == ledger.cash(happened, now) == booked.quantize(Decimal("0.01")), seed
    kinds = Counter(each.what.partition(" of ")[0] for each in charges if " of " in each.what)
    return kinds + Counter({"executions": len(executions), "acts": history.done, history.commission: 1})


def test_the_three_agree_in_a_hundred_months() -> None:
    seen = sum((agreed(seed, Memory()) for seed in range(100)), Counter[str]())
    assert min(seen[what] for what in ("Borrow fee", "Cash in lieu", "executions", "acts")) > 50
    assert min(seen[name] for name in ("zero", "per_share", "ib_fixed", "ib_tiered")) > 10


@pytest.mark.django_db
def test_they_agree_over_stored_rows() -> None:
    by = user().pk
    for seed in range(5):
        _in_rows(seed, by)


@pytest.mark.long
def test_the_three_agree_in_three_thousand_months() -> None:
    seen = sum((agreed(seed, Memory()) for seed in range(1_000, 4_000)), Counter[str]())
    assert min(seen[what] for what in ("Borrow fee", "Cash in lieu", "executions", "acts")) > 1_500


@pytest.mark.long
@pytest.mark.django_db
def test_they_agree_over_stored_rows_in_thirty_months() -> None:
    by = user().pk
    for seed in range(5_000, 5_030):
        _in_rows(seed, by)


def _in_rows(seed: int, by: int) -> None:
    agreed(seed, Rows(f"paper:{seed}", START), by)
