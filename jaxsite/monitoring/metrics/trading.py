"""Figures about decisions and orders for monitoring."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from approvals import execution
from approvals.models import AccountSnapshot, Fill, Gate, Order, TradeApproval, TradingHalt

VERDICTS = {True: "approved", False: "rejected"}


@dataclass(frozen=True)
class TradingMetrics:
    """`working`: orders whose first leg may still fill, by status. `equity`: None before the first look.

    `unanswered_seconds`: for how long the oldest order has waited for the broker's answer; 0: none does.
    """

    is_halted: bool
    is_open: bool
    working: Mapping[str, int]
    decisions: Mapping[bool, int]
    fills: int
    equity: Decimal | None
    connection: execution.Connection
    unanswered_seconds: float

    def as_json(self) -> dict[str, Any]:
        return {
            "trading_halted": self.is_halted,
            "gate_open": self.is_open,
            "working_orders": sum(self.working.values()),
            "held_orders": self.working.get(Order.Status.HELD, 0),
            "approved_signals": self.decisions.get(True, 0),
            "rejected_signals": self.decisions.get(False, 0),
            "fills": self.fills,
            "account_equity": self.equity and float(self.equity),
            "broker": self.connection.broker,
            "broker_listened_to": self.connection.is_listened_to,
            "oldest_unanswered_order_seconds": round(self.unanswered_seconds, 3),
        }

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("jax_trading_halted", "1 while trading is halted.", value=self.is_halted)
        yield GaugeMetricFamily("jax_trading_gate_open", "1 while orders can be sent.", value=self.is_open)
        working = GaugeMetricFamily(
            "jax_trading_working_orders", "Orders that may still fill.", labels=["status"]
        )
        for status in Order.WORKING:
            working.add_metric([status.value], self.working.get(status, 0))
        yield working
        decisions = CounterMetricFamily("jax_trading_decisions", "Signals decided on.", labels=["verdict"])
        for approved, verdict in VERDICTS.items():
            decisions.add_metric([verdict], self.decisions.get(approved, 0))
        yield decisions
        yield CounterMetricFamily("jax_trading_fills", "Executions that brokers reported.", value=self.fills)
        yield from self._collect_connection()
        if self.equity is not None:
            equity = float(self.equity)
            yield GaugeMetricFamily("jax_trading_account_equity", "What the account is worth.", value=equity)

    def _collect_connection(self) -> Iterator[Metric]:
        labels, broker = ["broker"], [self.connection.broker]
        live = GaugeMetricFamily(
            "jax_broker_listened_to", "1 while changes are heard of at once, 0 by the poll.", labels=labels
        )
        live.add_metric(broker, self.connection.is_listened_to)
        waits = GaugeMetricFamily(
            "jax_broker_oldest_unanswered_order_seconds",
            "For how long the oldest order has waited for an answer; 0: none does.",
            labels=labels,
        )
        waits.add_metric(broker, self.unanswered_seconds)
        answered = GaugeMetricFamily(
            "jax_broker_last_answer_timestamp_seconds", "When it was compared last.", labels=labels
        )
        if answered_at := self.connection.facts.answered_at:
            answered.add_metric(broker, answered_at.timestamp())
        yield from (live, waits, answered)


def read(at: datetime) -> TradingMetrics:
    """Return the figures at this moment: always seven queries."""
    working = Order.objects.working().order_by().values_list("status").annotate(count=Count("pk"))
    decisions = TradeApproval.objects.order_by().values_list("approved").annotate(count=Count("pk"))
    snapshots = AccountSnapshot.objects.filter(at__lte=at).order_by("-at")
    gate, connection = Gate.objects.first(), execution.describe_connection(at)
    since = connection.facts.unanswered_since
    return TradingMetrics(
        is_halted=TradingHalt.objects.open(at).exists(),
        is_open=gate is not None and gate.is_open,
        working=dict(working),
        decisions=dict(decisions),
        fills=Fill.objects.count(),
        equity=snapshots.values_list("equity", flat=True).first(),
        connection=connection,
        unanswered_seconds=max(0.0, (at - since).total_seconds()) if since else 0.0,
    )
