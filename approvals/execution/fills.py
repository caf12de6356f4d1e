"""Recording what was executed: a fill for each execution, and what the broker says of it later.

A fill has the figures that count. A correction or a commission that comes later changes them, never more than
to what a row of the record says that the broker told.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Min, Q

from approvals import audit, halt, notify
from approvals.brokers.base import BrokerError, Execution
from approvals.brokers.base import Charge as ToldCharge
from approvals.execution import quarantine, transitions
from approvals.execution.screening import ScreenedBroker
from approvals.models import BrokerExecution, Charge, Fill, Notification, Order, TradingHalt
from market import faults, models
from market.quotes import rates

logger = logging.getLogger(__name__)

NOT_TOLD = "The broker has not told it yet."
WAITED_FOR = timedelta(days=7)  # for a commission
CHARGED_FOR = timedelta(days=7)  # back from the newest one: a charge may be told late
FIRST_LEGS = (Fill.Leg.ENTRY, Fill.Leg.CLOSE)
FINEST = Decimal("0.0001")
FINEST_RATE = Decimal("1e-10")


def record(executions: Sequence[Execution], broker: str, at: datetime) -> None:
    """Write a fill for each execution that has none, and what is new of those that have one."""
    known = _known(executions, broker)
    orders = Order.objects.in_bulk(
        [
            execution.client_id
            for execution in executions
            if execution.client_id and not _fill(execution, known)
        ]
    )
    for execution in executions:
        order = orders.get(execution.client_id) if execution.client_id else None
        try:
            fill = _fill(execution, known)
            if fill is None or _news(fill, execution):
                with transaction.atomic():
                    fill = _update(fill, execution, at) if fill else _record(execution, order, broker, at)
        except faults.CONTENT as error:  # what `fitting` does not know of
            reason = str(error).strip().partition("\n")[0]
            quarantine.put([quarantine.of_execution(execution, reason)], broker, at)
        else:
            known |= {name: fill for name in (execution.execution_id, execution.corrects) if name}


def _known(executions: Iterable[Execution], broker: str) -> dict[str, Fill]:
    """Return the fills that there are of these executions, by all ids that the broker gave them."""
    named = {
        name for execution in executions for name in (execution.execution_id, execution.corrects) if name
    }
    fills = Fill.objects.filter(broker=broker, execution_id__in=named)
    known = {fill.execution_id: fill for fill in fills.prefetch_related("told").select_related("order")}
    told = BrokerExecution.objects.filter(
        Q(execution_id__in=named) | Q(corrects__in=named), fill__broker=broker
    ).select_related("fill__order")
    rows = list(told.exclude(execution_id__in=list(known), corrects="").prefetch_related("fill__told"))
    return {name: row.fill for row in rows for name in (row.execution_id, row.corrects) if name} | known


def _fill(execution: Execution, known: dict[str, Fill]) -> Fill | None:
    return known.get(execution.execution_id) or known.get(execution.corrects or execution.execution_id)


def _record(execution: Execution, order: Order | None, broker: str, at: datetime) -> Fill:
    number = execution.execution_id
    symbol = order.symbol if order else execution.symbol  # the broker may use an old one
    values = {
        "order": order,
        "leg": execution.leg.value,
        "symbol": symbol,
        "side": execution.side.value,
        "quantity": execution.quantity,
        "price": execution.price,
        **_commission(execution, at)._asdict(),
        "executed_at": execution.executed_at,
        "recorded_at": at,
    }
    fill, is_new = Fill.objects.get_or_create(broker=broker, execution_id=number, defaults=values)
    if not is_new:
        return fill
    _tell(fill, execution, at)
    if order is not None:
        title = f"{fill} ({fill.get_leg_display()})"
        key = f"fill {broker} {number}"
        notify.put(Notification.Kind.ORDER_FILLED, key, title, at, path=transitions.page(order))
    audit.append("fill recorded", _subject(fill), at, execution_id=number, fill=str(fill), leg=fill.leg)
    if order is None and execution.client_id is not None:
        reason = f"Execution {number} ({fill}) names {execution.client_id}, which is no order of ours."
        halt.start(TradingHalt.Cause.MISMATCH, reason, at)
    return fill


# --- what is said of it later -----------------------------------------------------------------------------


def _update(fill: Fill, execution: Execution, at: datetime) -> Fill:
    """Write down what the broker says otherwise than before, once, whoever else reads it now."""
    locked = Fill.objects.select_for_update(of=("self",)).select_related("order").get(pk=fill.pk)
    for news in _news(locked, execution):
        if news is not News.RATE:
            _tell(locked, execution, at)
        if news is News.CORRECTION:
            _correct(locked, execution, at)
        elif news is not News.SUPERSEDED:
            _take_commission(locked, execution, at)
    fill.refresh_from_db()  # what was fetched with it is fetched anew, too
    return fill


class News(Enum):
    """What an execution says that was not told before. RATE: nothing, but its commission was not counted."""

    CORRECTION = "a correction"
    SUPERSEDED = "one that was corrected already"
    COMMISSION = "its commission"
    RATE = "a rate"


def _news(fill: Fill, execution: Execution) -> list[News]:
    told = sorted(fill.told.all(), key=lambda row: row.pk)
    same = [row for row in told if row.execution_id == execution.execution_id]
    is_superseded = any(row.corrects == execution.execution_id for row in told)
    if not same:
        is_from_before = execution.execution_id == fill.execution_id  # stored by a Jax that kept no such rows
        return [] if is_from_before else [News.SUPERSEDED if is_superseded else News.CORRECTION]
    if execution.commission is None or is_superseded:
        return []
    if (same[-1].commission, same[-1].commission_currency) != _told_commission(execution):
        return [News.COMMISSION]
    return [News.RATE] if fill.commission_unknown else []


def _told_commission(execution: Execution) -> tuple[Decimal | None, str]:
    commission = execution.commission
    return commission and commission.quantize(FINEST), execution.commission_currency


def _tell(fill: Fill, execution: Execution, at: datetime) -> None:
    BrokerExecution.objects.create(
        fill=fill,
        execution_id=execution.execution_id,
        corrects=execution.corrects,
        quantity=execution.quantity,
        price=execution.price,
        commission=execution.commission,
        commission_currency=execution.commission_currency,
        executed_at=execution.executed_at,
        broker_order_id=execution.broker_order_id,
        told_at=at,
    )


def _correct(fill: Fill, execution: Execution, at: datetime) -> None:
    """Make the fill say what its correction says; its order counts the shares likewise.

    It keeps its time: brokers date a correction by when it was made, which may be days after the shares.
    """
    was, more = str(fill), execution.quantity - fill.quantity
    fill.quantity, fill.price = execution.quantity, execution.price
    if execution.commission is not None:
        _count_commission(fill, _commission(execution, at))
    fill.save(update_fields=["quantity", "price", *Commission._fields])
    if fill.order is not None and more and is_counted(fill):
        _count(fill.order, int(more))
    if fill.order is None:
        _correct_adopted(fill, execution, at)
    audit.append(
        "fill corrected", _subject(fill), at, execution_id=execution.execution_id, was=was, fill=str(fill)
    )
    title = f"The broker corrected an execution: {was} is {fill}."
    path = transitions.page(fill.order) if fill.order else f"/admin/approvals/fill/{fill.pk}/change/"
    key = f"correction {fill.broker} {execution.execution_id}"
    notify.put(Notification.Kind.ORDER_FILLED, key, title, at, path=path)


def _correct_adopted(fill: Fill, execution: Execution, at: datetime) -> None:
    """Have the closing that was made of an owner's execution follow its corrected price."""
    adopted = Fill.objects.filter(broker=fill.broker, execution_id=fill.adopted_id).first()
    if adopted is None or adopted.price == execution.price:
        return
    number, was = adopted.execution_id, str(adopted)
    told = replace(execution, execution_id=number, corrects=number, quantity=int(adopted.quantity))
    _tell(adopted, told, at)
    adopted.price = execution.price
    adopted.save(update_fields=["price"])
    audit.append("fill corrected", _subject(adopted), at, execution_id=number, was=was, fill=str(adopted))


def is_counted(fill: Fill) -> bool:
    """Return whether its order counts it as filled: of a protection all that its exits trade."""
    is_protection = fill.order is not None and fill.order.kind == Order.Kind.PROTECT
    return is_protection or fill.leg in FIRST_LEGS


def _count(order: Order, more: int) -> None:
    stored = Order.objects.select_for_update().get(pk=order.pk)
    filled = min(max(stored.filled_quantity + more, 0), stored.quantity)
    Order.objects.filter(pk=order.pk).update(filled_quantity=filled)


def _take_commission(fill: Fill, execution: Execution, at: datetime) -> None:
    commission = _commission(execution, at)
    if (commission.commission, commission.commission_unknown) == (fill.commission, fill.commission_unknown):
        return
    _count_commission(fill, commission)
    fill.save(update_fields=[*Commission._fields])
    audit.append(
        "fill commission recorded",
        _subject(fill),
        at,
        commission=commission.commission,
        unknown=commission.commission_unknown,
        rate=commission.commission_rate,
        rate_as_of=commission.commission_rate_as_of,
    )


class Commission(NamedTuple):
    """What counts, in the instrument's currency, and why it is 0 where it is not known: columns of a fill."""

    commission: Decimal
    commission_unknown: str = ""
    commission_rate: Decimal | None = None
    commission_rate_as_of: datetime | None = None
    commission_rate_age: timedelta | None = None


def _count_commission(fill: Fill, commission: Commission) -> None:
    for column, value in commission._asdict().items():
        setattr(fill, column, value)


def _commission(execution: Execution, at: datetime) -> Commission:
    told, currency = execution.commission, execution.commission_currency
    if told is None:
        return Commission(Decimal(0), NOT_TOLD)
    own = _currency(execution)
    if currency in ("", own) or not told:
        return Commission(told.quantize(FINEST))
    try:
        rate = rates.Rates.load([currency, own], at).firm(currency, own)
    except rates.NoRate as refusal:
        return Commission(Decimal(0), f"{told.normalize():f} {currency}. {refusal}"[:300])
    value = rate.value.quantize(FINEST_RATE)
    return Commission((told * value).quantize(FINEST), "", value, rate.as_of, rate.age)


def _currency(execution: Execution) -> str:
    stored = models.Instrument.objects.filter(pk=execution.symbol).values_list("currency", flat=True).first()
    return stored or execution.instrument.currency


def _subject(fill: Fill) -> str:
    return transitions.subject(fill.order) if fill.order else f"fill {fill.pk}"


def waiting_since(broker: str, at: datetime) -> datetime | None:
    """Return when the first fill was executed whose commission is waited for; None without one."""
    waiting = Fill.objects.filter(broker=broker, executed_at__gte=at - WAITED_FOR).exclude(
        commission_unknown=""
    )
    first: datetime | None = waiting.aggregate(at=Min("executed_at"))["at"]
    return first


# --- what was charged -------------------------------------------------------------------------------------


def record_charges(broker: ScreenedBroker, at: datetime) -> None:
    """Write down fees, interest and dividends that are new. Nothing waits for them: failures are logged."""
    newest = Charge.objects.filter(broker=broker.name).aggregate(at=Max("at"))["at"]
    try:
        charges = broker.charges((newest or at) - CHARGED_FOR)
    except BrokerError as error:
        logger.warning("what was charged is not known: %s", error)
        return
    store_charges(charges, broker.name, at)


def store_charges(charges: Sequence[ToldCharge], broker: str, at: datetime) -> None:
    """Write down the charges that are not stored yet."""
    stored = Charge.objects.filter(broker=broker, charge_id__in=[charge.charge_id for charge in charges])
    known = set(stored.values_list("charge_id", flat=True))
    for charge in charges:
        if charge.charge_id not in known:
            known.add(charge.charge_id)
            with transaction.atomic():
                columns = {name: getattr(charge, name) for name in CHARGE_COLUMNS}
                row = Charge.objects.create(broker=broker, recorded_at=at, **columns)
                audit.append("charge recorded", f"charge {row.pk}", at, charge=str(row), id=row.charge_id)


CHARGE_COLUMNS = (
    "charge_id",
    "kind",
    "at",
    "amount",
    "currency",
    "what",
    "execution_id",
    "symbol",
    "is_transfer",
)
