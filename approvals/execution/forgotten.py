"""What becomes of an order that is older than its broker's records: executions and holdings decide."""

from datetime import datetime

from approvals import halt, positions
from approvals.execution import fills, quarantine, transitions
from approvals.execution.screening import ScreenedBroker
from approvals.models import Order, TradingHalt

Status = Order.Status


def decide(order: Order, broker: ScreenedBroker, at: datetime) -> None:
    """End an order of which the broker keeps no record, by what was executed of it; it is never sent again.

    Where its executions may be as old, the account must hold what the fills say; else trading halts, once.
    """
    if order.status in transitions.ENDED:
        Order.objects.filter(pk=order.pk).update(exits_working=False, lookups=0)
        return
    if problem := _contradiction(order, broker, at):
        if not TradingHalt.objects.filter(cause=TradingHalt.Cause.MISMATCH, reason=problem).exists():
            halt.start(TradingHalt.Cause.MISMATCH, problem, at)
        return
    counted = (fill for fill in order.fills.select_related("order") if fills.is_counted(fill))
    filled = int(sum(fill.quantity for fill in counted))
    end = Status.FILLED if filled == order.quantity else Status.CANCELLED
    reason = f"The broker keeps no record of it any more: {filled} of its shares were executed."
    gone = {"filled_quantity": filled, "exits_working": False, "acknowledged_at": order.acknowledged_at or at}
    transitions.move(order, [Status(order.status)], end, reason, at, **gone)


def _contradiction(order: Order, broker: ScreenedBroker, at: datetime) -> str:
    """Return why it is not known what was executed of it; empty when it is."""
    reach = broker.capabilities.executions_for
    if order.submitted_at is None or reach is None or at - order.submitted_at < reach:
        return ""
    held = broker.whole_shares(order.symbol)
    ours = positions.of(order.symbol).quantity + quarantine.shares(order.symbol, at)
    if held == ours:
        return ""
    return (
        f"Order {order.pk} is older than the broker's records, and the account holds {held} {order.symbol} "
        f"where the fills say {ours}: compare them with the broker's own page."
    )
