"""What a closed trade was charged later, and what its figures wait for."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from approvals.models import AuditEvent, BrokerExecution, Charge, Drift, Fill, Notification, Trade
from approvals.positions import trades
from approvals.positions.trades.export import charges_csv, tax_lots_csv, trades_csv
from approvals.positions.trades.lots import Method
from tests import make
from tests.approvals.positions.trades.rows import DAY, HOUR, LATER, closed, entry, leave
from tests.make import T0

pytestmark = pytest.mark.django_db
Kind = Charge.Kind


@pytest.fixture(autouse=True)
def _instruments() -> None:
    make.instrument("AAPL")


def charge(amount: str, kind: str = Kind.FEE, at: datetime = T0 + DAY, **values: Any) -> Charge:
    given = {"broker": "paper", "symbol": "AAPL", "currency": "USD", "what": kind, "recorded_at": LATER}
    number = f"C{Charge.objects.count()}"
    return Charge.objects.create(**given | values, amount=Decimal(amount), kind=kind, at=at, charge_id=number)


def told(fill: Fill, at: datetime = T0, **values: Any) -> BrokerExecution:
    figures = {name: getattr(fill, name) for name in ("execution_id", "quantity", "price", "executed_at")}
    return BrokerExecution.objects.create(fill=fill, told_at=at, **figures | values)


def figures() -> list[tuple[Decimal, Decimal]]:
    trades.refresh(LATER)
    return [(trade.charges, trade.net) for trade in Trade.objects.order_by("opened_at")]


@pytest.mark.parametrize("kind", [Kind.FEE, Kind.BORROW])
def test_a_fee_of_the_day_after_is_in_the_net_of_its_trade(kind: str) -> None:
    closed()
    charge("-0.13", kind)
    assert figures() == [(Decimal("-0.13"), Decimal("59.87"))]


@pytest.mark.parametrize("kind", [Kind.INTEREST, Kind.DIVIDEND, Kind.TAX, Kind.OTHER])
def test_what_is_the_accounts_is_in_no_trade(kind: str) -> None:
    closed()
    charge("-0.13", kind)
    assert figures() == [(Decimal(0), Decimal(60))]


@pytest.mark.parametrize("values", [{"currency": "EUR"}, {"broker": "ib"}, {"symbol": "MSFT"}])
def test_of_another_currency_broker_or_symbol_it_is_not_the_trades(values: dict[str, Any]) -> None:
    closed()
    charge("-0.13", **values)
    assert figures() == [(Decimal(0), Decimal(60))]


def test_a_fee_is_of_what_was_traded_last_before_it() -> None:
    closed()
    leave(entry(at=T0 + DAY), "187", T0 + DAY + HOUR)
    leave(entry(at=T0 + 5 * DAY), "188", T0 + 5 * DAY + HOUR)
    charge("-0.10", at=T0)
    charge("-0.20", at=T0 + 2 * DAY)
    trades.refresh(T0 + 7 * DAY)
    assert [trade.charges for trade in Trade.objects.order_by("opened_at")] == [
        Decimal("-0.10"),
        Decimal("-0.20"),
        0,
    ]


def test_a_fee_that_names_its_execution_is_of_that() -> None:
    first = entry()
    told(first.fills.get(), execution_id="X7")
    leave(first, "192", T0 + HOUR)
    leave(entry(at=T0 + DAY), "187", T0 + DAY + HOUR)
    charge("-0.10", execution_id="X7", symbol="", at=T0 + 3 * DAY)
    assert [charged for charged, _ in figures()] == [Decimal("-0.10"), Decimal(0)]


def test_a_fee_of_what_is_still_held_comes_with_its_closing() -> None:
    order = entry()
    charge("-0.10")
    assert figures() == []
    leave(order, "192", T0 + 3 * DAY)
    assert figures() == [(Decimal("-0.10"), Decimal("59.90"))]


def test_the_file_of_charges_names_their_kinds() -> None:
    charge("-0.13")
    heading, line = charges_csv(Charge.objects.all())
    assert heading.startswith("at,kind,amount,currency,what,symbol")
    assert line.startswith("2024-07-04T14:00:00+00:00,fee,-0.13,USD,fee,AAPL,,paper,C0,")


def test_a_commission_that_is_not_known_is_not_counted_as_none() -> None:
    order = entry()
    leave(order, "192", T0 + HOUR, commission_unknown="The broker has not told it yet.")
    trades.refresh(LATER)
    trade = Trade.objects.get()
    assert (trade.commissions_unknown, trade.note) == (1, "commission not yet known of 1 of 2 fills")
    heading, line = trades_csv(Trade.objects.all())
    row = dict(zip(heading.strip().split(","), line.strip().split(","), strict=True))
    assert (row["commission"], row["net"], row["gross"]) == ("", "", "60")
    assert row["note"] == trade.note
    (_, lot) = tax_lots_csv(None, Method.FIFO, washes=False)
    assert lot.strip().endswith(",commission not yet known")


def test_a_correction_days_later_is_told_with_what_it_makes_of_the_trade() -> None:
    trade = closed()
    fill = Fill.objects.get(leg="target")
    told(fill, LATER + DAY, price=Decimal(191), corrects=fill.execution_id, execution_id="X9")
    Fill.objects.filter(pk=fill.pk).update(price=Decimal(191))
    trades.refresh(LATER + 2 * DAY)
    trade.refresh_from_db()
    assert trade.net == 50
    (message,) = Notification.objects.filter(key__contains="corrected")
    assert message.title == (
        "The broker corrected an execution of a closed trade: "
        "BUY 10 AAPL +60.00 USD is BUY 10 AAPL +50.00 USD now."
    )
    assert AuditEvent.objects.filter(kind="trade corrected").count() == 1
    trades.refresh(LATER + 3 * DAY)
    assert Notification.objects.filter(key__contains="corrected").count() == 1


def test_what_was_sold_by_hand_is_one_sale_for_the_tax_office() -> None:
    order = entry()
    values = {"broker": "paper", "symbol": "AAPL", "side": "SELL", "executed_at": T0 + HOUR, "leg": "close"}
    figures = {"quantity": 10, "price": 192, "commission": 1, "recorded_at": T0 + HOUR}
    Fill.objects.create(order=None, execution_id="X5", **values, **figures)
    leave(order, "192", execution_id="X5/adopted", leg="close")
    assert Drift.objects.count() == 0
    lines = list(tax_lots_csv(None, Method.FIFO, washes=False))
    assert len(lines) == 2
