"""Broker rows that do not fit: kept as they came, shown and told once, while all others go on.

Bookkeeping never stands before a closing: the shares of an execution that could not be recorded count there.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from approvals import audit, notify
from approvals.brokers.base import Instrument, Side
from approvals.execution import fitting
from approvals.models import BrokerExecution, Fill, Notification, Order, QuarantinedRow, TradingHalt
from market.doctor import Finding

Kind = QuarantinedRow.Kind

OPEN_FOR = timedelta(days=7)
LONGEST, LONGEST_NAME = 1000, 200  # characters
SHOWN = 5  # rows
PAGE = "/admin/approvals/quarantinedrow/"

RECORDED = Fill.objects.filter(broker=OuterRef("broker"), execution_id=OuterRef("name"))
TOLD = BrokerExecution.objects.filter(fill__broker=OuterRef("broker"), execution_id=OuterRef("name"))
RESUMED = TradingHalt.objects.filter(
    cause=TradingHalt.Cause.MISMATCH, started_at__gte=OuterRef("first_seen_at"), ended_at__isnull=False
)


@dataclass(frozen=True)
class Misfit:
    """A row that does not fit, as it came, and why. `name`: the broker's id of it, or its symbol."""

    kind: QuarantinedRow.Kind
    name: str
    row: Any
    reason: str

    @property
    def client_id(self) -> Any:
        """Return the id of ours that it names; None: it says that it is not ours. It may be anything."""
        return getattr(self.row, "client_id", "")

    def digest(self, broker: str) -> str:
        """Return what identifies it: an execution's whole row, of the account's state what it is about."""
        identity = as_json(self.row) if self.kind == Kind.EXECUTION else self.name
        return hashlib.sha256("\n".join([broker, self.kind, identity]).encode()).hexdigest()


def put(misfits: Sequence[Misfit], broker: str, at: datetime) -> None:
    """Store rows that do not fit, and notify people of those that are new."""
    news = [row for row in (_store(misfit, broker, at) for misfit in misfits) if row]
    if not news:
        return
    first, lines = news[0], [f"{row}. {row.reason}" for row in news]
    title = f"The broker sent {len(news)} rows that do not fit: they are not recorded."
    if len(news) == 1:
        title = f"The broker sent a row that does not fit: it is not recorded. {lines[0]}"
    page = f"{PAGE}{first.pk}/change/" if len(news) == 1 else PAGE
    key = f"quarantined {first.pk} {at:%Y-%m-%d}"
    notify.put(Notification.Kind.BROKER_ROW, key, title, at, body="\n".join(lines[:20]), path=page)


def _store(misfit: Misfit, broker: str, at: datetime) -> QuarantinedRow | None:
    """Store a row, or that it was seen again; return it when people do not know of it yet."""
    named = misfit.client_id
    newest = {"row": as_json(misfit.row), "reason": misfit.reason, "last_seen_at": at}
    first = {
        "broker": broker,
        "kind": misfit.kind,
        "name": fitting.cut(misfit.name, LONGEST_NAME) or "without a name",
        "order": Order.objects.filter(pk=named).first() if isinstance(named, UUID) else None,
        "is_foreign": named is None,
        "first_seen_at": at,
    }
    with transaction.atomic():
        digest = misfit.digest(broker)
        row, is_new = QuarantinedRow.objects.get_or_create(digest=digest, defaults=first | newest)
        if is_new:
            subject = f"quarantined row {row.pk}"
            audit.append("broker row quarantined", subject, at, row=row.row, reason=row.reason)
            return row
        is_back = row.kind != Kind.EXECUTION and row.ended_at is not None
        if is_back:
            newest |= {"ended_at": None, "first_seen_at": at}
        QuarantinedRow.objects.filter(pk=row.pk).update(times_seen=F("times_seen") + 1, **newest)
    return row if is_back else None


def end_settled(broker: str, at: datetime) -> None:
    """End what has been recorded, is reported no more, is old, or what a person resumed trading after.

    Called when the broker was asked for everything at this instant.
    """
    is_execution = Q(kind=Kind.EXECUTION)
    is_settled = Exists(RECORDED) | Exists(TOLD) | Exists(RESUMED) | Q(first_seen_at__lt=at - OPEN_FOR)
    rows = QuarantinedRow.objects.open().filter(broker=broker)
    rows.filter((is_execution & is_settled) | (~is_execution & Q(last_seen_at__lt=at))).update(ended_at=at)


def findings(at: datetime) -> Iterator[Finding]:
    """Yield for the doctor what is in quarantine."""
    rows = list(QuarantinedRow.objects.open()[:SHOWN])
    for row in rows:
        text = f"{row} does not fit, since {row.first_seen_at:%Y-%m-%d %H:%M} UTC: {row.reason}"
        yield Finding("broker", text, "Compare it with the broker's own page; the row is in admin.")
    if not rows:
        yield Finding("broker", "every row that it sent fits")


def open_executions(broker: str) -> "QuerySet[QuarantinedRow]":
    """Return the executions that could not be recorded so far."""
    return QuarantinedRow.objects.open().filter(broker=broker, kind=Kind.EXECUTION)


def shares(symbol: str, at: datetime) -> int:
    """Return what our orders traded of a symbol lately that could not be recorded, bought less sold.

    Each execution counts once, as it came last; one whose shares cannot be read does not, and no correction:
    what it corrects is counted.
    """
    rows = QuarantinedRow.objects.filter(
        ~Exists(RECORDED),
        ~Exists(TOLD),
        kind=Kind.EXECUTION,
        order__symbol=symbol,
        first_seen_at__gte=at - OPEN_FOR,
    )
    latest = {(row.broker, row.name): row.row for row in rows.order_by("pk")}
    return sum(map(_signed_shares, latest.values()))


def _signed_shares(row: str) -> int:
    values = json.loads(row)
    if values.get("corrects"):
        return 0
    try:
        return fitting.shares(_figure(values.get("quantity"))) * Side(values.get("side")).sign
    except (fitting.DoesNotFit, ValueError):
        return 0


def _figure(value: Any) -> Any:
    """Return a figure that JSON has as text, as a number again."""
    try:
        return Decimal(value) if isinstance(value, str) else value
    except ArithmeticError:
        return value


def recorded(broker: str, misfits: Iterable[Misfit]) -> set[str]:
    """Return the ids of these executions that are among the fills: no later row of them changes that."""
    ids = [misfit.name for misfit in misfits if misfit.name.isprintable()]
    fills = Fill.objects.filter(broker=broker, execution_id__in=ids)
    told = BrokerExecution.objects.filter(fill__broker=broker, execution_id__in=ids)
    return {*fills.values_list("execution_id", flat=True), *told.values_list("execution_id", flat=True)}


def of_execution(row: Any, reason: str) -> Misfit:
    """Return an execution that does not fit, named by the broker's id of it."""
    return Misfit(Kind.EXECUTION, fitting.name(getattr(row, "execution_id", None)), row, reason)


# --- a row as it came -------------------------------------------------------------------------------------


def as_json(row: Any) -> str:
    """Return a row as JSON, in ASCII, so that any database takes it. What has no JSON is written as text."""
    values = {column.name: getattr(row, column.name) for column in fields(row)} if _is_row(row) else row
    plain = {name: _plain(value) for name, value in values.items()} if _is_row(row) else _plain(row)
    return json.dumps(plain)


def _is_row(row: Any) -> bool:
    return is_dataclass(row) and not isinstance(row, type)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, Instrument):
        return " ".join(filter(None, map(_text, (value.symbol, value.kind, value.currency, value.exchange))))[
            :LONGEST
        ]
    return _text(value)[:LONGEST]


def _text(value: Any) -> str:
    if isinstance(value, int):
        return str(Decimal(value))  # an integer of more than 4,300 digits has no text of its own
    try:
        return str(value) if isinstance(value, str | float | Decimal | UUID | datetime) else repr(value)
    except Exception as error:  # noqa: BLE001  another's object may raise anything
        return f"{type(value).__name__} without a text: {type(error).__name__}"
