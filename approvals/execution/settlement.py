"""What becomes of orders and positions in a delisted share at the broker.

Entries are cancelled. A position is settled: by a broker that does so itself, and where that never tells of
it, by a person who records it.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from approvals import audit, entry_check
from approvals.brokers import registry
from approvals.execution import transitions
from approvals.execution.adoption import Sale, store_filled
from approvals.models import Order
from approvals.models.orders import OrderQuerySet
from approvals.positions.delisted import ByHand, settled_at
from market.models import Instrument


def is_by_the_broker() -> bool:
    """Return whether the configured broker settles by itself what was delisted: it is not told a price."""
    return not registry.spec_of(settings.BROKER).settles_by_price


def record(order: Order, by_hand: ByHand, at: datetime) -> None:
    """Store a closing that has not been saved as filled at what it was settled at, with its fill.

    The broker is asked to cancel what still works in the symbol.
    """
    on = settled_at(by_hand.on, at)
    sale = Sale(order.quantity, by_hand.price, on, f"{order.pk}-by-hand")
    reason = (
        f"Settled by hand at {by_hand.price.normalize():f}, as of {on:%Y-%m-%d}: "
        "recorded by a person, not told by the broker."
    )
    store_filled(order, sale, registry.spec_of(settings.BROKER).name, reason, at)
    _cancel_others(order, at)
    audit.append(
        "settlement recorded",
        transitions.subject(order),
        at,
        by=order.requested_by,
        order=str(order),
        price=by_hand.price,
        on=by_hand.on,
    )


def _cancel_others(order: Order, at: datetime) -> None:
    """Let reconciliation cancel what works in the symbol; nothing is held that it could close."""
    entries = Order.objects.entries().filter(symbol=order.symbol)
    for entry in entries.unsent():
        transitions.move(entry, Order.UNSENT, Order.Status.CANCELLED, "The position was settled.", at)
    entries.filter(status__in=Order.SENT).update(cancel_requested_at=at, cancel_exits=True)
    entries.filter(exits_working=True).update(cancel_requested_at=at, cancel_exits=True)


# --- entries ----------------------------------------------------------------------------------------------


def entries_of_delisted() -> OrderQuerySet:
    """Return the entries that work in delisted shares and are not being cancelled yet."""
    entries = Order.objects.entries().working().filter(cancel_requested_at=None)
    return entries.filter(symbol__in=Instrument.objects.gone().values("symbol"))


def cancel_entry(order: Order, at: datetime) -> None:
    """Cancel an entry in a delisted share. What is filled keeps its exits: the delisting may be wrong."""
    reason = entry_check.delisted(Instrument.objects.get(pk=order.symbol))
    if order.status in Order.UNSENT:
        transitions.move(order, Order.UNSENT, Order.Status.CANCELLED, reason, at)
        return
    with transaction.atomic():
        rows = Order.objects.filter(pk=order.pk, status__in=Order.SENT, cancel_requested_at=None)
        if rows.update(cancel_requested_at=at):
            audit.append("order cancel requested", transitions.subject(order), at, reason=reason)
