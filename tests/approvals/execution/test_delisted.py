"""A share is delisted while it is held on paper: it is closed at what is recorded, or at its last price."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from approvals import execution, exits, positions
from approvals.brokers import orders
from approvals.brokers.base import Close, Side
from approvals.execution.brokerage import configured as paper
from approvals.models import AuditEvent, Order, QuarantinedRow
from approvals.positions import delisted
from approvals.positions.delisted import ByHand
from market.doctor import prices
from market.ingestion import delistings
from market.models import Instrument, Quote, Split
from tests import make
from tests.approvals.execution.test_paper_book import MINUTE, aapl, filled, quoted
from tests.make import T0

__all__ = ["aapl"]

LATER = T0 + 20 * MINUTE


def held_and_delisted(kind: str = "delisting", client_id: UUID | None = None, **values: Any) -> None:
    filled(**({"client_id": client_id} if client_id else {}))
    paper(T0 + 3 * MINUTE).executions(T0)
    make.action(ex_date="2024-07-03", kind=kind, **values)
    delistings.follow_due(T0 + 4 * MINUTE)


def closed() -> list[tuple[Decimal, Decimal]]:
    """Return price and commission of what the closing of all comes to."""
    client_id: UUID = uuid4()
    paper(LATER).close(Close(client_id, orders.Instrument("AAPL"), Side.SELL, 100))
    for at in (LATER + MINUTE, LATER + 2 * MINUTE):
        executions = paper(at).executions(T0)
    return [(each.price, each.commission or Decimal(0)) for each in executions if each.client_id == client_id]


@pytest.mark.parametrize(
    ("kind", "values", "price"),
    [
        ("delisting", {}, "98.5"),
        ("delisting", {"amount": Decimal("12.3456"), "currency": "USD"}, "12.3456"),
        ("merger", {"amount": Decimal("54.20"), "currency": "USD"}, "54.20"),
        ("merger", {"amount": Decimal("54.20"), "currency": "EUR"}, "98.5"),
        ("merger", {"amount": Decimal("54.20"), "currency": "USD", "ratio": Decimal("0.5")}, "98.5"),
    ],
    ids=["last price", "by hand", "cash of a merger", "other currency", "cash and shares"],
)
def test_it_is_settled_once(aapl: None, kind: str, values: dict[str, Any], price: str) -> None:
    make.quote("AAPL", 98.5)
    held_and_delisted(kind, **values)
    assert closed() == [(Decimal(price), Decimal(0))]
    assert paper(LATER + 3 * MINUTE).holdings() == {}


MERGED = {"kind": "merger", "ratio": Decimal("0.5431"), "new_symbol": "MSFT"}


@pytest.mark.parametrize(
    ("values", "split", "price"),
    [
        (MERGED, None, "53.766900"),
        ({**MERGED, "amount": Decimal("7.8"), "currency": "USD"}, None, "61.566900"),
        ({**MERGED, "amount": Decimal("7.8"), "currency": "EUR"}, None, "98.5"),
        ({**MERGED, "new_symbol": "UNKNOWN"}, None, "98.5"),
        (MERGED, 2.0, "107.533800"),
        ({"kind": "worthless"}, None, "0"),
    ],
    ids=["shares", "cash and shares", "other currency", "unknown share", "split since", "worthless"],
)
def test_shares_of_a_merger_count_as_sold_at_their_last_price(
    aapl: None, values: dict[str, Any], split: float | None, price: str
) -> None:
    make.quote("AAPL", 98.5)
    make.instrument("MSFT", "XNYS")
    make.quote("MSFT", 99.0, as_of=T0 + timedelta(days=3))
    if split:
        Split.objects.create(symbol="MSFT", date="2024-07-05", ratio=split, source="x", recorded_at=T0)
    held_and_delisted(**values)
    assert closed() == [(Decimal(price), Decimal(0))]


def test_without_any_quote_the_last_daily_close_counts(aapl: None) -> None:
    make.candle("AAPL", "2024-07-02", 97.0)
    held_and_delisted()
    assert closed() == [(Decimal("97"), Decimal(0))]


def test_while_it_trades_a_closing_waits_for_a_quote(aapl: None) -> None:
    filled()
    paper(T0 + 3 * MINUTE).executions(T0)
    assert closed() == []


def test_a_persons_closing_becomes_a_fill_that_says_why(aapl: None) -> None:
    make.quote("AAPL", 98.5)
    entry = make.order(status="submitted", quantity=100)
    held_and_delisted(client_id=entry.pk)
    execution.reconcile_orders(T0 + 5 * MINUTE)
    order = exits.close("AAPL", by=make.trader(), at=LATER)
    execution.submit_order(order.pk, LATER)
    for minute in (1, 2):
        execution.reconcile_orders(LATER + minute * MINUTE)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("filled", 100)
    assert order.status_reason.startswith(
        "Settled at 98.5, the last price that is stored, of 2024-07-03: AAPL was"
    )
    assert [fill.execution_id for fill in order.fills.all()] == [f"{order.pk}-settled"]
    assert AuditEvent.objects.filter(kind="order filled", subject=f"order {order.pk}").count() == 1


@pytest.mark.parametrize("price", ["12.5", "0"])
def test_at_a_price_that_a_person_gives_it_is_settled_at_once(aapl: None, price: str) -> None:
    make.quote("AAPL", 98.5)
    entry = make.order(status="submitted", quantity=100)
    held_and_delisted(client_id=entry.pk)
    execution.reconcile_orders(T0 + 5 * MINUTE)
    by_hand = ByHand(Decimal(price))
    order = exits.close("AAPL", by=make.trader(), at=LATER, notes="the court's plan", by_hand=by_hand)
    execution.submit_order(order.pk, LATER)
    for minute in (1, 2):
        execution.reconcile_orders(LATER + minute * MINUTE)
    order.refresh_from_db()
    assert (order.status, order.status_reason) == ("filled", f"Settled by hand at {price}.")
    assert [fill.price for fill in order.fills.all()] == [Decimal(price)]
    assert positions.of("AAPL").quantity == 0
    assert not QuarantinedRow.objects.exists()


@pytest.mark.parametrize("status", ["waiting_open", "held", "submitted"])
def test_an_entry_that_still_waits_is_cancelled_with_the_reason(aapl: None, status: str) -> None:
    order = make.order(quantity=100)
    if status == "submitted":
        execution.submit_order(order.pk, T0)
    else:
        Order.objects.filter(pk=order.pk).update(status=status, due_at=LATER, good_until=LATER)
    make.action(ex_date="2024-07-03", kind="delisting")
    delistings.follow_due(T0 + 4 * MINUTE)
    execution.reconcile_orders(T0 + 5 * MINUTE)
    order.refresh_from_db()
    assert order.status == "cancelled"
    reasons = AuditEvent.objects.filter(kind__contains="cancel").values_list("text", flat=True)
    assert "AAPL was delisted on 2024-07-03" in reasons[0]


def test_the_doctor_names_it_until_it_is_closed(aapl: None) -> None:
    make.action(ex_date="2024-07-03", kind="delisting")
    Instrument.objects.update(in_use=True)
    assert prices.details(T0).advice == ""
    delistings.follow_due(T0)
    assert prices.details(T0).advice.startswith("AAPL: delisted and still held or on order.")
    Instrument.objects.update(in_use=False)
    assert prices.details(T0).advice == ""


def test_in_a_halt_nothing_fills_on_paper_and_what_traded_is_made_up_for(aapl: None) -> None:
    filled()
    paper(T0 + 3 * MINUTE).executions(T0)
    make.quote("AAPL", 98.5, halt="volatility pause")
    client_id = uuid4()
    paper(LATER).close(Close(client_id, orders.Instrument("AAPL"), Side.SELL, 100))
    traded_at = LATER + MINUTE
    quoted(90.0, traded_at)
    assert client_id not in {each.client_id for each in paper(LATER + 2 * MINUTE).executions(T0)}
    Quote.objects.update(halt="")
    assert client_id in {each.client_id for each in paper(LATER + 3 * MINUTE).executions(T0)}


def test_a_last_quote_from_before_a_split_is_restated(aapl: None) -> None:
    make.quote("AAPL", 98.5)
    filled()
    paper(T0 + 3 * MINUTE).executions(T0)
    day = T0.date() + timedelta(days=1)
    Split.objects.create(symbol="AAPL", date=day, ratio=0.1, source="x", recorded_at=T0)
    make.action(ex_date="2024-07-05", kind="delisting")
    delistings.follow_due(T0 + timedelta(days=2))
    end = delisted.settlement(Instrument.objects.get(pk="AAPL"), T0 + timedelta(days=2))
    assert end is not None
    assert end.price == Decimal(985)


def test_two_providers_that_end_it_a_day_apart_settle_it_once(aapl: None) -> None:
    make.quote("AAPL", 98.5)
    make.action(ex_date="2024-07-02", kind="merger", amount=Decimal("54.2"), currency="USD", source="polygon")
    held_and_delisted()
    assert delistings.follow_due(T0 + 5 * MINUTE) == []
    assert closed() == [(Decimal("54.2"), Decimal(0))]
