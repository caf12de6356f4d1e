"""Drift: the account holds other shares of a symbol than our orders made.

What executions at the broker explain is closed by them, at once, and people are told. What nothing explains
is told when it is seen a second time, and waits for a person: the account's rows may be a moment behind. No
entry is made in the symbol meanwhile; all others go on. It also ends when the account agrees again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

from django.db import transaction
from django.db.models import F, Q

from approvals import audit, notify
from approvals.brokers.base import Broker, Side
from approvals.execution import adoption, quarantine, reports
from approvals.execution.adoption import Sale
from approvals.models import BrokerPosition, Drift, Fill, Notification, Order
from approvals.models.accounts import is_part
from market import faults
from market.models import Fault
from market.share_basis.moves import RATIOS

Cause, Answer = Drift.Cause, Drift.Answer

LAGS = timedelta(minutes=10)  # what a broker shows as held may be so far behind what was executed
PAGE = "/positions/"
NEW_SHARES = {Fraction(str(ratio)).limit_denominator(4) for ratio in RATIOS}
NEW_SHARES |= {1 / ratio for ratio in NEW_SHARES}


def follow(broker: Broker, at: datetime) -> None:
    """Deal with each symbol whose shares differ, by itself, and end what differs no more."""
    rows = BrokerPosition.objects.exclude(ours=0).exclude(quantity=F("ours"))
    differing = {row.symbol: row for row in rows}
    _end_agreeing(broker.name, differing, at)
    isolation = faults.Isolation(Fault.Work.CHECK, at, part="drift")
    for symbol, row in differing.items():
        with isolation.of(symbol):
            _deal_with(row, broker.name, at)
    for drift in Drift.objects.filter(broker=broker.name, exits_end=True):
        with isolation.of(drift.symbol, in_savepoint=False):
            adoption.end_exits(drift.symbol, broker, at)
            Drift.objects.filter(pk=drift.pk).update(exits_end=False)


def _end_agreeing(broker: str, differing: dict[str, BrokerPosition], at: datetime) -> None:
    for drift in Drift.objects.open().filter(broker=broker).exclude(symbol__in=differing):
        Drift.objects.filter(pk=drift.pk, ended_at=None).update(ended_at=at)
        if drift.detail:  # people were told
            audit.append("drift over", _subject(drift), at, drift=str(drift))


def _deal_with(row: BrokerPosition, broker: str, at: datetime) -> None:
    if _is_in_flux(row.symbol, at) or _is_answered(row, broker):
        return
    drift = _seen(row, broker, at)
    since = drift.first_seen_at - LAGS
    if drift.gone and (sales := list(_sales(drift, since))):
        _adopt(drift, sales, at)
    elif not drift.gone and _bought(drift, since):
        _leave_alone(drift, Cause.BOUGHT, "traded at the broker, not by Jax", at)
    elif drift.first_seen_at < at and is_part(row.foreign, Side.BUY if drift.ours > 0 else Side.SELL):
        _leave_alone(drift, Cause.PART, "in the account: a part of a share, which no order of Jax makes", at)
    elif drift.first_seen_at < at:
        _ask(drift, at)


def _is_in_flux(symbol: str, at: datetime) -> bool:
    """Return whether orders of the symbol do not add up yet, or an execution of it is in quarantine."""
    differing = [sums.pk for sums in reports.differences(at)]
    orders = Order.objects.filter(Q(pk__in=differing) | Q(kind=Order.Kind.CLOSE, status__in=Order.SENT))
    return orders.filter(symbol=symbol).exists() or quarantine.shares(symbol, at) != 0


def _is_answered(row: BrokerPosition, broker: str) -> bool:
    """Return whether a person, or an execution, said that this difference is the owner's own."""
    newest = Drift.objects.filter(broker=broker, symbol=row.symbol).first()
    known = newest is not None and newest.answer == Answer.NOT_OURS
    return known and newest is not None and newest.held - newest.ours == row.foreign


def _seen(row: BrokerPosition, broker: str, at: datetime) -> Drift:
    """Return the open drift of a symbol, as it is now; other figures begin it anew."""
    figures = {"ours": row.ours, "held": row.quantity}
    first = {**figures, "cause": Cause.UNKNOWN, "first_seen_at": at, "last_seen_at": at}
    with transaction.atomic():
        drift, is_new = Drift.objects.get_or_create(
            broker=broker, symbol=row.symbol, ended_at=None, defaults=first
        )
        if not is_new:
            has_changed = {"ours": drift.ours, "held": drift.held} != figures
            changed = {**figures, "first_seen_at": at, "detail": ""} if has_changed else {}
            Drift.objects.filter(pk=drift.pk).update(last_seen_at=at, **changed)
            drift.refresh_from_db()
    return drift


# --- what executions explain ------------------------------------------------------------------------------


def _others(drift: Drift, side: Side, since: datetime) -> list[Fill]:
    """Return what the owner traded on a side lately, the newest first, that explains nothing yet."""
    fills = Fill.objects.ours(False).filter(
        broker=drift.broker, symbol=drift.symbol, side=side.value, recorded_at__gte=since
    )
    ours = Fill.objects.ours().filter(broker=drift.broker, symbol=drift.symbol)
    used = set(ours.values_list("execution_id", flat=True))
    return [fill for fill in fills.order_by("-executed_at", "-pk") if fill.adopted_id not in used]


def _sales(drift: Drift, since: datetime) -> Iterator[Sale]:
    """Yield the sales that explain what is missing; of the oldest of them perhaps a part.

    A closing is of whole shares: one of which a part was sold is closed at what that part made.
    """
    missing, sold = drift.gone, Decimal(0)
    side = Side.SELL if drift.ours > 0 else Side.BUY
    for fill in _others(drift, side, since):
        before, sold = ceil(sold), sold + fill.quantity
        quantity = min(missing, ceil(sold) - before)
        if quantity:
            part = fill.commission * min(quantity / fill.quantity, Decimal(1))
            yield Sale(quantity, fill.price, fill.executed_at, fill.adopted_id, part)
        missing -= quantity


def _adopt(drift: Drift, sales: list[Sale], at: datetime) -> None:
    """Close what was sold at the broker with what it was sold at."""
    by = adoption.entry_of(drift.symbol).requested_by
    told = ", ".join(f"{sale.quantity} at {sale.price.normalize():f}" for sale in sales)
    title = f"{drift.symbol}: {told} were sold at the broker, not by Jax. The trade is closed with that."
    if drift.ours < 0:
        title = title.replace("sold", "bought back")
    with transaction.atomic():
        for sale in sales:
            reason = f"Traded at the broker, not by Jax: execution {sale.execution_id.partition('/')[0]}."
            order = adoption.record(drift, sale, by, reason, at)
            subject = f"order {order.pk}"
            audit.append("order made", subject, at, order=str(order), drift=drift.pk, reason=reason)
        closed = sum(sale.quantity for sale in sales)
        price = sum((sale.price * sale.quantity for sale in sales), Decimal(0)) / closed
        _end(drift, Cause.SOLD, Answer.ADOPTED, at, price=round(price, 6), exits_end=True)
        audit.append("drift adopted", _subject(drift), at, drift=str(drift), sales=told)
        notify.put(Notification.Kind.ORDER_FILLED, f"drift {drift.pk} adopted", title[:200], at, path=PAGE)


def _bought(drift: Drift, since: datetime) -> bool:
    """Return whether the account's owner bought all that is more than ours."""
    side = Side.BUY if drift.held > drift.ours else Side.SELL
    return sum(fill.quantity for fill in _others(drift, side, since)) >= abs(drift.held - drift.ours)


def _leave_alone(drift: Drift, cause: Drift.Cause, words: str, at: datetime) -> None:
    more = abs(drift.held - drift.ours)
    title = f"{more} {drift.symbol} {'are' if cause == Cause.PART else 'were'} {words}. They are left alone"
    title += "." if more < 1 else ", and no entry is made in the symbol while they are there."
    with transaction.atomic():
        _end(drift, cause, Answer.NOT_OURS, at)
        audit.append("drift left alone", _subject(drift), at, drift=str(drift))
        notify.put(Notification.Kind.ORDER_FILLED, f"drift {drift.pk} alone", title[:200], at, path=PAGE)


def _end(drift: Drift, cause: Drift.Cause, answer: Drift.Answer, at: datetime, **columns: object) -> None:
    Drift.objects.filter(pk=drift.pk, ended_at=None).update(
        ended_at=at, cause=cause, answer=answer, **columns
    )


# --- what nothing explains --------------------------------------------------------------------------------


def _ask(drift: Drift, at: datetime) -> None:
    """Say what it looks like, and tell people, once for the same figures."""
    if drift.detail:
        return
    cause, detail = _likeness(drift)
    key = f"drift {drift.pk} {drift.ours} {drift.held}"
    with transaction.atomic():
        Drift.objects.filter(pk=drift.pk).update(cause=cause, detail=detail)
        notify.put(Notification.Kind.ORDER_FAILED, key, f"{drift}.", at, body=detail, path=PAGE)
        audit.append("drift found", _subject(drift), at, drift=str(drift), detail=detail)


def _likeness(drift: Drift) -> tuple[Drift.Cause, str]:
    """Return what it looks like, with what to do."""
    ratio = Fraction(drift.held) / drift.ours
    if ratio in NEW_SHARES:
        words = f"{ratio.numerator} for {ratio.denominator}"
        return Cause.SPLIT, (
            f"It looks like a share split, {words}, that is not recorded yet. Record it as a corporate "
            "action: then this ends by itself. Stops and targets stay."
        )
    others = BrokerPosition.objects.filter(ours=0, quantity=drift.ours).exclude(symbol=drift.symbol)
    if not drift.held and (other := others.first()):
        return Cause.RENAMED, (
            f"The account holds as many {other.symbol}, which Jax did not trade: it looks like a change of "
            "symbol. Record it as a corporate action: then this ends by itself."
        )
    return Cause.UNKNOWN, (
        "No execution explains it. Look at the account, then say what became of it: sold, assigned, gone for "
        "nothing, or not ours. Stops and targets stay until you do."
    )


def _subject(drift: Drift) -> str:
    return f"drift {drift.pk}"
