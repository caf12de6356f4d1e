"""People get out: closing a position, cancelling or dropping an order.

Always possible: under halt and gate, without a signal, in and out of session. Each is one transaction: the
order's row, who wanted it, the task that carries it out and the event in the chain. What cannot be done says
what can.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django_q.tasks import async_task

from approvals import audit, positions
from approvals.brokers import registry
from approvals.execution import quarantine, settlement, transitions
from approvals.models import Order, OrderDecision
from approvals.positions import Position, delisted
from approvals.positions.delisted import ByHand
from approvals.positions.trades import naming
from market.models import Instrument
from signals.models import Signal

Status, Action = Order.Status, OrderDecision.Action


class ExitRefused(Exception):
    """It cannot be done. The message says why, and what can be done instead."""


def close(
    symbol: str,
    *,
    by: User,
    at: datetime,
    notes: str = "",
    shown: int | None = None,
    by_hand: ByHand | None = None,
    quantity: int | None = None,
    lots: Mapping[int, int] | None = None,
) -> Order:
    """Close our position in a symbol at the market, whole or so many of its shares.

    A part only where the broker lets a closing work beside the exits: what is left keeps its stop. `shown`:
    how many shares the person was shown, negative when short. Raises ExitRefused when nothing of ours is
    held, when it is another number than was shown, or when it is being closed already. What our orders traded
    and could not be recorded is ours too.

    `lots`: the shares that are sold for the tax return, as how many of which fill; the others go as the
    export says. Raises ExitRefused for those that are sold already.

    `by_hand`: what a delisted share is closed at. A broker that settles by itself is not asked then: what it
    has settled and never told is recorded.
    """
    with transaction.atomic():
        positions.lock_account()
        position, instrument = positions.of(symbol), Instrument.objects.get(pk=symbol)
        _refuse_a_second(symbol)
        if shown not in (None, position.quantity):
            raise ExitRefused(
                f"{position.quantity} {symbol} are held now, and the page said {shown}. Look again."
            )
        held = shares_to_close(position, at)
        if held == 0:
            raise ExitRefused(_nothing_held(position))
        if problem := _settlement_problem(instrument, position, by_hand, notes, at):
            raise ExitRefused(problem)
        if problem := _part_problem(quantity, abs(held), by_hand):
            raise ExitRefused(problem)
        shares = abs(held) if quantity is None else quantity
        _require_lots(symbol, lots or {}, shares)
        order = Order(
            kind=Order.Kind.CLOSE,
            symbol=symbol,
            side=Signal.Type.SELL if held > 0 else Signal.Type.BUY,
            quantity=shares,
            is_part=shares < abs(held),
            currency=instrument.currency,
            settlement_price=by_hand and by_hand.price,
            status=Status.PENDING_SUBMIT,
            requested_by=by,
            created_at=at,
            released_at=at,
        )
        if by_hand and settlement.is_by_the_broker():
            settlement.record(order, by_hand, at)
        else:
            order.save(force_insert=True)
            async_task("approvals.tasks.submit", order.pk)
        naming.name(order, lots or {})
        shown_then = _shown(position, by_hand) | ({"lots": {str(n): lots[n] for n in lots}} if lots else {})
        _decide(order, Action.CLOSE, by, at, notes, shown_then)
        audit.append(
            "order made", _subject(order), at, by=by, order=str(order), notes=notes, shown=shown_then
        )
    return order


def cancel(order: Order, *, by: User, at: datetime, notes: str = "", exits: bool = False) -> Order:
    """Cancel an order: at once when it was not sent, else by asking the broker until it has.

    What is filled, or fills meanwhile, keeps its stop and target, unless `exits` says that they go too.
    Raises ExitRefused when nothing of it works but these, when it has ended, or is being cancelled already.
    """
    with transaction.atomic():
        if _end(order, Order.UNSENT, f"Cancelled by {by.get_username()}.", at):
            _decide(order, Action.CANCEL, by, at, notes)
            audit.append("order cancelled", _subject(order), at, by=by, notes=notes)
        elif _ask_to_cancel(order, at, exits=exits):
            _decide(order, Action.CANCEL, by, at, notes, {"exits": exits})
            async_task("approvals.tasks.cancel", order.pk)
            audit.append("order cancel requested", _subject(order), at, by=by, notes=notes, exits=exits)
        else:
            order.refresh_from_db()
            raise ExitRefused(_why_not_cancelled(order))
    order.refresh_from_db()
    return order


def drop(order: Order, *, by: User, at: datetime, notes: str = "") -> Order:
    """Let go of a held order. Raises ExitRefused when it is not held any more."""
    with transaction.atomic():
        if not _end(order, [Status.HELD], f"Dropped by {by.get_username()}.", at):
            order.refresh_from_db()
            raise ExitRefused(_why_not_dropped(order))
        _decide(order, Action.DROP, by, at, notes)
        audit.append("order dropped", _subject(order), at, by=by, notes=notes)
    order.refresh_from_db()
    return order


# --- closing ----------------------------------------------------------------------------------------------


def shares_to_close(position: Position, at: datetime) -> int:
    """Return our shares with those whose executions could not be recorded; negative when short."""
    return position.quantity + quarantine.shares(position.symbol, at) or position.quantity


def _refuse_a_second(symbol: str) -> None:
    closings = Order.objects.working().filter(symbol=symbol, kind=Order.Kind.CLOSE)
    closing = closings.exclude(status=Status.HELD).first()
    if closing is not None:
        raise ExitRefused(
            f"The position in {symbol} is being closed already, by order {closing.pk} of "
            f"{closing.quantity} shares, which is {_stands(closing)}."
        )


def _part_problem(quantity: int | None, held: int, by_hand: ByHand | None) -> str:
    """Return why not so many of the shares can be closed; empty when they can, and for all of them."""
    if quantity is None or (quantity == held and quantity > 0):
        return ""
    if not 0 < quantity < held:
        return f"{held} shares are held: {quantity} of them cannot be closed."
    if by_hand is not None:
        return "A delisted share is settled whole."
    spec = registry.spec_of(settings.BROKER)
    if not spec.capabilities.closes_beside_exits:
        return f"At {spec.title} the stop of all shares ends when some are closed: close them all."
    return ""


def _require_lots(symbol: str, lots: Mapping[int, int], shares: int) -> None:
    if lots:
        try:
            naming.require_held(symbol, lots, shares)
        except naming.LotRefused as refusal:
            raise ExitRefused(str(refusal)) from None


def _nothing_held(position: Position) -> str:
    if position.foreign:
        return (
            f"Jax did not trade the {position.foreign} {position.symbol} that the account holds: close them "
            "at the broker."
        )
    entries = Order.objects.working().entries().filter(symbol=position.symbol)
    if entry := entries.first():
        return f"Nothing of {position.symbol} is held yet: cancel the order {entry.pk} instead."
    return f"Nothing of {position.symbol} is held: there is nothing to close."


def _settlement_problem(
    instrument: Instrument, position: Position, by_hand: ByHand | None, notes: str, at: datetime
) -> str:
    """Return why a share cannot be settled so; empty for one that is closed at the market."""
    is_by_the_broker = settlement.is_by_the_broker()
    if by_hand is None:
        has_price = not instrument.is_gone or is_by_the_broker or delisted.settlement(instrument, at)
        return "" if has_price else f"No price of {instrument} is known: give the one to close it at."
    if problem := delisted.refusal(instrument, by_hand, notes, at):
        return problem
    if by_hand.on and not is_by_the_broker:
        return "On paper it is settled now: leave the day out."
    if position.opened_at and delisted.settled_at(by_hand.on, at) < position.opened_at:
        return f"It was bought on {position.opened_at:%Y-%m-%d}: it was not settled before."
    return ""


def _shown(position: Position, by_hand: ByHand | None) -> dict[str, Any]:
    """Return what was held, as JSON has it, and what it was settled at."""
    settled = (
        {}
        if by_hand is None
        else {
            "settled_at": f"{by_hand.price:.6f}",
            "settled_on": by_hand.on and by_hand.on.isoformat(),
            "result": f"{position.result_at(by_hand.price):.2f}",
        }
    )
    return settled | {
        "quantity": position.quantity,
        "average_cost": f"{position.average_cost:.6f}",
        "price": None if position.price is None else f"{position.price:.6f}",
        "unrealised": None if position.unrealised is None else f"{position.unrealised:.2f}",
    }


# --- cancelling -------------------------------------------------------------------------------------------


def _end(order: Order, start: Collection[Order.Status], reason: str, at: datetime) -> bool:
    """Cancel an order that no broker has; return whether it still was in one of these statuses."""
    return transitions.change(order, start, Status.CANCELLED, status_reason=reason, ended_at=at)


def _ask_to_cancel(order: Order, at: datetime, *, exits: bool) -> bool:
    """Write that an order at the broker is to be cancelled; return whether it works there."""
    works = Q(status__in=Order.SENT, cancel_requested_at=None, kind=Order.Kind.ENTRY)
    if exits:
        works = Q(cancel_exits=False) & (Q(status__in=Order.SENT) | Q(exits_working=True))
    first = Coalesce("cancel_requested_at", Value(at))
    rows = Order.objects.filter(works, pk=order.pk)
    return rows.update(cancel_requested_at=first, cancel_exits=exits) == 1


def _why_not_cancelled(order: Order) -> str:
    if order.kind == Order.Kind.PROTECT and order.status in Order.SENT and not order.cancel_exits:
        return "It is a stop and a target and nothing else: cancel with exits if that is meant."
    if order.status in Order.SENT and order.cancel_requested_at is None:
        return (
            "The stop and the target of its position are cancelled already: without this closing it has "
            "neither. Cancel with exits if that is meant."
        )
    if order.status in Order.SENT or order.cancel_exits:
        since = f"{order.cancel_requested_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"It is being cancelled since {since}: the broker is asked every minute until it has."
    if order.exits_working:
        return (
            f"{order.filled_quantity} of {order.quantity} {order.symbol} are filled, and only their stop and "
            "target work. Close the position instead, or cancel with exits."
        )
    return _ended(order)


def _why_not_dropped(order: Order) -> str:
    dropped = order.decisions.filter(action=Action.DROP).select_related("decided_by").first()
    if dropped is not None:
        who = dropped.decided_by.get_username()
        return f"It was dropped already, by {who} at {dropped.decided_at:%Y-%m-%d %H:%M} UTC."
    if order.status in Order.WORKING:
        return f"It is {_stands(order)}, not held: cancel it instead."
    return _ended(order)


def _ended(order: Order) -> str:
    since = f" since {order.ended_at:%Y-%m-%d %H:%M} UTC" if order.ended_at else ""
    return f"It is {_stands(order)}{since}. {order.status_reason}".rstrip()


def _stands(order: Order) -> str:
    return order.get_status_display().lower()


def _decide(
    order: Order, action: str, by: User, at: datetime, notes: str, shown: dict[str, Any] | None = None
) -> None:
    OrderDecision.objects.create(
        order=order, action=action, decided_by=by, decided_at=at, notes=notes, shown=shown or {}
    )


def _subject(order: Order) -> str:
    return f"order {order.pk}"
