"""Months of random trading, kills, trades by hand, corrections: the books, the broker and Jax agree.

`make months` plays some (`MONTHS=20` more); the suites play none.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db.models import Sum
from pytest_django import Settings

from approvals import audit, positions
from approvals.brokers import registry
from approvals.models import BrokerPosition, Charge, Fill, Order, QuarantinedRow, Trade
from approvals.models.fills import ADOPTED
from approvals.positions import trades
from tests.conformance.broker import alpaca
from tests.conformance.broker.bench import Bench
from tests.conformance.broker.jax import Jax
from tests.conformance.month import books
from tests.conformance.month.books import Books
from tests.conformance.month.records import AlpacaRecord
from tests.conformance.month.walk import Month

pytestmark = [pytest.mark.long, pytest.mark.django_db]

SYMBOLS = ("AAPL", "MSFT", "KO")
ZERO = Decimal(0)
MOST_ACTS = 10  # of 14: a month in which little happened says little


@pytest.fixture(params=range(int(os.environ.get("MONTHS", 0))))
def month(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Month]:
    settings.BROKER = "alpaca"
    with alpaca.counterpart() as counter:
        for name, value in counter.values.items():
            setattr(settings, name, value)
        jax = Jax(Bench(registry.spec_of("alpaca"), counter), settings)
        yield Month(jax, AlpacaRecord(counter), SYMBOLS, seed=request.param)


def test_the_books_of_a_month_agree(month: Month) -> None:
    month.live()
    month.end()
    assert len([count for count in month.happened.values() if count]) >= MOST_ACTS, month.happened
    kept = books.keep(month.record.deals())
    _shares_agree(month, kept)
    _cash_agrees(month, kept)
    _trades_agree(month, kept)
    assert max(month.jax.behind.orders_made(order.pk) for order in Order.objects.all()) == 1
    assert not QuarantinedRow.objects.exists()
    audit.verify()


def _shares_agree(month: Month, kept: Books) -> None:
    for symbol in SYMBOLS:
        held = month.jax.behind.held(symbol)
        row = BrokerPosition.objects.filter(symbol=symbol).first()
        assert kept.ours[symbol] + kept.others[symbol] == held
        assert positions.of(symbol).quantity == kept.ours[symbol]
        assert (row.quantity if row else 0) == held


def _cash_agrees(month: Month, kept: Books) -> None:
    charges = Charge.objects.aggregate(all=Sum("amount"))["all"] or ZERO
    told = Fill.objects.exclude(execution_id__endswith=ADOPTED)  # those stand for others among them
    moved = sum((-fill.signed_quantity * fill.price - fill.commission for fill in told), ZERO)
    assert moved == kept.cash
    assert moved + charges == month.record.cash()


def _trades_agree(month: Month, kept: Books) -> None:
    trades.refresh(month.now)
    made, stored = defaultdict(list), defaultdict(list)
    for trip in kept.trips:
        made[trip.symbol].append((trip.gross, trip.commission))
    for trade in Trade.objects.order_by("closed_at", "pk"):
        stored[trade.symbol].append((trade.gross, trade.commission))
    assert stored == made
