"""Jax keeps the books: corrections, commissions, charges, and what others do in the account."""

from datetime import timedelta
from decimal import Decimal

import pytest

from approvals.brokers.base import Leg, Side
from approvals.models import AccountSnapshot, BrokerPosition, Fill, QuarantinedRow
from tests.conformance.broker.bench import STOP
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


@case(246)
def test_jax_takes_over_a_corrected_price(jax: Jax) -> None:
    jax.bought()
    jax.behind.correct(jax.bench.only().execution_id, 10, PRICE + 1)
    jax.reconcile()
    assert Fill.objects.get().price == PRICE + 1
    jax.agrees()


@case(299)
def test_jax_keeps_the_time_of_what_is_corrected_days_later(jax: Jax) -> None:
    jax.bought()
    executed_at = Fill.objects.get().executed_at
    jax.bench.wait(2 * 86_400)
    jax.reconcile()
    jax.behind.correct(jax.bench.only().execution_id, 10, PRICE + 1)
    jax.reconcile(2)
    fill = Fill.objects.get()
    assert (fill.price, fill.executed_at) == (PRICE + 1, executed_at)


@case(300)
def test_jax_takes_over_the_corrected_price_of_what_a_person_sold(jax: Jax) -> None:
    jax.bought()
    jax.behind.trade_by_hand(Side.SELL, 10)
    jax.reconcile(2)
    (sold,) = (row for row in jax.bench.executions() if row.client_id is None)
    jax.behind.correct(sold.execution_id, 10, PRICE + 1)
    jax.reconcile(2)
    assert Fill.objects.get(leg=Fill.Leg.CLOSE, order__isnull=False).price == PRICE + 1
    assert not QuarantinedRow.objects.exists()


@case(247)
def test_jax_takes_over_a_corrected_quantity(jax: Jax) -> None:
    order = jax.partly_bought()
    jax.behind.correct(jax.bench.only().execution_id, 3, PRICE)
    jax.reconcile()
    assert Fill.objects.get().quantity == 3
    assert jax.now(order).filled_quantity == 3
    jax.agrees()


@case(248)
def test_jax_takes_over_a_commission_that_comes_later(jax: Jax) -> None:
    jax.behind.hold_back_commissions()
    jax.bought()
    jax.behind.tell_commission(jax.bench.only().execution_id, Decimal("1.25"), "USD")
    jax.reconcile()
    assert Fill.objects.get().commission == Decimal("1.25")
    jax.agrees()


@case(249)
def test_jax_takes_over_a_rebate(jax: Jax) -> None:
    jax.behind.hold_back_commissions()
    jax.bought()
    jax.behind.tell_commission(jax.bench.only().execution_id, Decimal("-0.20"), "USD")
    jax.reconcile()
    assert Fill.objects.get().commission == Decimal("-0.20")
    jax.agrees()


@case(250)
def test_jax_counts_a_commission_of_days_later(jax: Jax) -> None:
    jax.behind.hold_back_commissions()
    jax.bought()
    jax.reconcile(2)
    jax.bench.wait(3 * 3600)
    jax.reconcile()
    jax.behind.tell_commission(jax.bench.only().execution_id, Decimal("1.25"), "USD")
    jax.reconcile(2)
    assert Fill.objects.get().commission == Decimal("1.25")
    jax.agrees()


@case(251)
def test_jax_leaves_alone_what_a_person_trades(jax: Jax) -> None:
    jax.bought()
    jax.behind.trade_by_hand(Side.BUY, 7)
    jax.reconcile(2)
    assert Fill.objects.get(order=None).quantity == 7
    assert BrokerPosition.objects.get(symbol=SYMBOL).foreign == 7
    jax.agrees(foreign=7)


@case(252)
def test_jax_closes_its_own_shares_only(jax: Jax) -> None:
    jax.bought()
    jax.behind.trade_by_hand(Side.BUY, 7)
    jax.reconcile(2)
    closing = jax.close()
    jax.reconcile(2)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 7
    jax.agrees(foreign=7)


@case(253)
def test_jax_leaves_a_persons_order_alone(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.order_by_hand(Side.BUY, 3, PRICE - 20)
    jax.cancel(order)
    jax.reconcile(2)
    assert jax.bench.working() == {None}
    jax.agrees()


@case(254)
def test_jax_tells_when_a_person_takes_the_exits_away(jax: Jax) -> None:
    order = jax.bought()
    jax.behind.cancel_by_hand(order.pk, Leg.STOP)
    jax.behind.cancel_by_hand(order.pk, Leg.TARGET)
    jax.reconcile(2)
    assert not jax.now(order).exits_working
    assert any("without a stop" in title for title in jax.told())
    jax.agrees()


@case(255)
def test_jax_tells_when_a_person_takes_the_stop_away(jax: Jax) -> None:
    order = jax.bought()
    jax.behind.cancel_by_hand(order.pk, Leg.STOP)
    jax.reconcile(2)
    assert any("without a stop" in title for title in jax.told())
    jax.agrees()


@case(256)
def test_jax_sells_no_more_than_a_person_has_left(jax: Jax) -> None:
    jax.bought()
    jax.behind.trade_by_hand(Side.SELL, 4)
    jax.bench.wait()
    closing = jax.close()
    jax.reconcile(2)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0


@case(257)
def test_jax_keeps_a_fraction_that_the_account_holds(jax: Jax) -> None:
    jax.behind.transfer(SYMBOL, Decimal("0.5"))
    jax.bought()
    assert BrokerPosition.objects.get(symbol=SYMBOL).quantity == Decimal("10.5")
    closing = jax.close()
    jax.reconcile(2)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == Decimal("0.5")


@case(258)
def test_jax_writes_down_what_the_account_is_worth(jax: Jax) -> None:
    jax.bought()
    account, snapshot = jax.bench.broker.account(), AccountSnapshot.objects.latest()
    assert (snapshot.broker, snapshot.currency) == (jax.bench.spec.name, account.currency)
    assert snapshot.equity == account.equity
    jax.agrees()


@case(259)
def test_jax_counts_a_fill_by_a_clock_that_is_behind(jax: Jax) -> None:
    jax.reconcile()
    jax.behind.skew(timedelta(minutes=-5))
    order = jax.bought()
    jax.fill(order, Leg.STOP, STOP)
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    jax.agrees()


@case(261)
def test_jax_buys_after_a_persons_order_was_filled(jax: Jax) -> None:
    jax.behind.trade_by_hand(Side.BUY, 7)
    order = jax.bought()
    assert (order.status, order.filled_quantity) == (Status.FILLED, 10)
    assert jax.behind.held(SYMBOL) == 17
    jax.agrees(foreign=7)
