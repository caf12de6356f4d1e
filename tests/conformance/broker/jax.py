"""Jax's own execution driving a broker through a case, and what must hold afterwards."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Q
from pytest_django import Settings

from approvals import audit, execution, exits, positions
from approvals.models import AuditEvent, BrokerPosition, Fill, Gate, Notification, Order, QuarantinedRow
from market.models import IngestionRun, TradingSession
from signals.models import Signal
from tests import make
from tests.approvals import execution_rows
from tests.conformance.broker import mortal
from tests.conformance.broker.bench import STOP, TARGET, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart

Status = Order.Status
MINUTE = 60
OF_THE_GATE = (Notification.Kind.FEED, Notification.Kind.GATE)


@dataclass
class Jax:
    """Orders as people decide on them, sent and reconciled as the workers do."""

    bench: Bench
    settings: Settings

    def __post_init__(self) -> None:
        if not TradingSession.objects.exists():
            make.july_2024()
        make.instrument(SYMBOL)
        self.feed()

    @property
    def behind(self) -> Counterpart:
        return self.bench.behind

    def feed(self) -> None:
        """Have quotes come and the broker answer for a while, so that the gate is open."""
        now = self.bench.now
        IngestionRun.objects.bulk_create(
            IngestionRun(
                kind=IngestionRun.Kind.QUOTES,
                outcome=IngestionRun.Outcome.FINISHED,
                started_at=now - timedelta(seconds=seconds),
                finished_at=now - timedelta(seconds=seconds - 1),
                stored=1,
            )
            for seconds in (10, 70, 130)
        )
        earlier = now - timedelta(minutes=5)
        good = {"is_open": True, "since": earlier, "broker_good_since": earlier, "checked_at": now}
        Gate.objects.update_or_create(pk=1, defaults=good)

    # --- what people and workers do -----------------------------------------------------------------------

    def entry(self, **values: Any) -> Order:
        """Return an approved entry for 10 shares, about to be sent."""
        levels = {"limit_price": PRICE + 1, "stop_loss": STOP, "take_profit": TARGET}
        given = {"broker": self.bench.spec.name} | levels | values
        return execution_rows.entry(SYMBOL, self.bench.now, **given)

    def short(self, **values: Any) -> Order:
        """Return an approved entry that sells 10 shares short."""
        levels = {"limit_price": PRICE - 1, "stop_loss": TARGET, "take_profit": STOP}
        return self.entry(**{"side": Signal.Type.SELL} | levels | values)

    def submit(self, order: Order) -> Order:
        execution.submit_order(order.pk, self.bench.now)
        self.bench.wait()
        return self.now(order)

    def sent(self, **values: Any) -> Order:
        """Return an entry that works at the broker."""
        return self.submit(self.entry(**values))

    def bought(self, **values: Any) -> Order:
        """Return an entry that was filled and reconciled."""
        order = self.sent(**values)
        self.fill(order)
        return self.now(order)

    def partly_bought(self) -> Order:
        """Return an entry of which 4 shares of 10 are filled and reconciled."""
        order = self.sent()
        self.fill(order, quantity=4)
        return self.now(order)

    def fill(self, order: Order, *leg: Any, **what: Any) -> None:
        """Fill a leg at the broker, and reconcile."""
        self.bench.fill(order.pk, *leg, **what)
        self.reconcile()

    def close(self) -> Order:
        """Have a person close the position, and the worker send that."""
        order = exits.close(SYMBOL, by=execution_rows.trader(), at=self.bench.now)
        return self.submit(order)

    def cancel(self, order: Order, *, exits_too: bool = False) -> Order:
        """Have a person cancel an order, and the worker ask for it."""
        exits.cancel(order, by=execution_rows.trader(), at=self.bench.now, exits=exits_too)
        execution.cancel_order(order.pk, self.bench.now)
        self.bench.wait()
        return self.now(order)

    def reconcile(self, times: int = 1) -> None:
        """Reconcile each minute."""
        for _ in range(times):
            self.bench.wait(MINUTE)
            execution.reconcile_orders(self.bench.now)

    @contextmanager
    def dies(self, call: str, *, after: bool) -> Iterator[None]:
        """Have the worker die in a call to the broker: before it arrives, or `after` it has."""
        path = self.settings.BROKER
        mortal.kill_in(self.bench.spec, call, is_after=after)
        self.settings.BROKER = mortal.PATH
        with pytest.raises(mortal.Killed):
            yield
        self.settings.BROKER = path
        self.bench.wait()

    def now(self, order: Order) -> Order:
        order.refresh_from_db()
        return order

    # --- what must hold -----------------------------------------------------------------------------------

    def agrees(self, foreign: int = 0) -> None:
        """Check that our rows say what the broker's records do, and that asking again changes nothing.

        `foreign`: shares that are held and not ours, by these records.
        """
        before = _rows()
        self.reconcile()
        assert _rows() == before
        self._nothing_is_sent_twice()
        self._nothing_is_lost(foreign)
        audit.verify()
        assert not QuarantinedRow.objects.exists()

    def _nothing_is_sent_twice(self) -> None:
        made = {order.pk: self.behind.orders_made(order.pk) for order in Order.objects.all()}
        assert max(made.values()) <= 1, made
        executions = [row.execution_id for row in self.bench.counted() if row.client_id]
        assert len(executions) == len(set(executions))

    def _nothing_is_lost(self, foreign: int) -> None:
        """The fills of orders, the positions and what the broker holds are the same shares."""
        held = self.behind.held(SYMBOL)
        assert positions.of(SYMBOL).quantity == held - foreign
        row = BrokerPosition.objects.filter(symbol=SYMBOL).first()
        assert (row.quantity if row else Decimal(0)) == held
        first_legs = Counter[Any]()
        counted = Q(leg__in=("entry", "close")) | Q(order__kind=Order.Kind.PROTECT)
        for fill in Fill.objects.filter(counted, order__isnull=False):
            first_legs[fill.order_id] += int(fill.quantity)
        assert {
            order.pk: order.filled_quantity for order in Order.objects.all() if order.filled_quantity
        } == {pk: quantity for pk, quantity in first_legs.items() if quantity}

    def closings(self) -> list[Order]:
        """Return the closings that work at the broker, made by Jax itself, too."""
        return list(Order.objects.filter(kind=Order.Kind.CLOSE, status__in=Order.SENT))

    def told(self) -> list[str]:
        """Return the titles of what people were notified of."""
        return list(Notification.objects.order_by("pk").values_list("title", flat=True))

    def fills(self) -> list[tuple[str, int]]:
        """Return leg and quantity of each fill of an order of ours, oldest first."""
        fills = Fill.objects.filter(order__isnull=False).order_by("executed_at", "pk")
        return [(fill.leg, int(fill.quantity)) for fill in fills]


def _rows() -> list[Any]:
    """Return what a reconciliation that finds nothing new leaves as it is, but for the gate."""
    columns = [field.attname for field in Order._meta.concrete_fields if field.name != "lookups"]
    orders = list(Order.objects.order_by("pk").values_list(*columns))
    fills = list(Fill.objects.order_by("pk").values_list())
    events = AuditEvent.objects.exclude(subject="gate").count()
    return [orders, fills, events, Notification.objects.exclude(kind__in=OF_THE_GATE).count()]
