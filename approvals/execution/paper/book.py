"""The paper broker's own rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import InterfaceError, OperationalError, models, transaction
from django.db.models import Q, Sum

from approvals import audit
from approvals.brokers.base import (
    AnswerLost,
    Bracket,
    BrokerAway,
    Close,
    Execution,
    Instrument,
    Leg,
    Protection,
    Side,
    State,
)
from approvals.brokers.paper import SETTLED, Change, ExchangeRate, Key, Opening, Payment, Ticket, Waiting
from approvals.brokers.paper.book import M
from approvals.brokers.paper.carrying import Carried
from approvals.execution.paper.cash import CashRows
from approvals.models import (
    PaperAccount,
    PaperChange,
    PaperDividend,
    PaperFill,
    PaperOrder,
    WaitingDividend,
)
from core import locks
from market import faults
from market.models import Fault

LEVELS = ("limit_price", "stop_loss", "take_profit", "good_until", "flat_at")
PAPER, WORKS = "paper", (Fault.Work.ORDER, Fault.Work.ACTIONS)
STANDING = (
    *("reason", "ended_at", "entered_at", "covered", "covered_at"),
    *("quotes_until", "looked_until", "filled", "exited", "is_stopped", "worked_until"),
)

PAID = ("symbol", "ex_date", "quantity", "amount", "cash", "currency", "value")
FINEST_RATE = Decimal("1e-10")


@dataclass(frozen=True)
class Rows(CashRows):
    """Orders and executions of an account on paper. `equity`: what it is opened with on its first day."""

    equity: Decimal
    _isolations: dict[Fault.Work, faults.Isolation] = field(default_factory=dict)  # once they are asked for

    @contextmanager
    def turn(self) -> Iterator[None]:
        is_done = False
        try:
            with transaction.atomic(durable=True):
                locks.transaction("approvals.paper")
                yield
                is_done = True
        except (OperationalError, InterfaceError) as error:
            raise (AnswerLost if is_done else BrokerAway)(f"The paper account's database: {error}") from error

    def each(self, members: Callable[[], Sequence[M]], act: Callable[[M], None], at: datetime) -> None:
        """All at once; where the database refuses that, one after the other. None is left alone then."""
        if not self._isolation(Fault.Work.ORDER, at).before:
            with suppress(*faults.CONTENT), transaction.atomic():
                for member in members():
                    act(member)
                return
        for member in members():
            with self._isolated(member, at):
                act(member)

    def _isolated(self, member: Ticket | Payment | Carried, at: datetime) -> AbstractContextManager[None]:
        if not isinstance(member, Ticket):
            return self._isolation(Fault.Work.ACTIONS, at).of(member.symbol)
        name = f"{member.terms.side} {member.terms.symbol} on paper"
        return self._isolation(Fault.Work.ORDER, at).of(member.terms.client_id, name)

    def _isolation(self, work: Fault.Work, at: datetime) -> faults.Isolation:
        if not self._isolations:
            known = {key: fault for key, fault in faults.read(*WORKS).items() if fault.part == PAPER}
            for each in WORKS:
                self._isolations[each] = faults.Isolation(each, at, part=PAPER, before=known)
        return self._isolations[work]

    def opening(self, at: datetime) -> Opening:
        row, _ = PaperAccount.objects.get_or_create(
            name=self.name, defaults={"start_equity": self.equity, "opened_at": at}
        )
        return Opening(row.currency, row.start_equity, f"PAPER-{row.opened_at:%y%m%d-%H%M%S}")

    @property
    def _orders(self) -> "models.QuerySet[PaperOrder]":
        return PaperOrder.objects.filter(account=self.name)

    @property
    def _dividends_paid(self) -> "models.QuerySet[PaperDividend]":
        return PaperDividend.objects.filter(account=self.name)

    @property
    def _waiting(self) -> "models.QuerySet[WaitingDividend]":
        return WaitingDividend.objects.filter(account=self.name)

    def ticket(self, client_id: UUID) -> Ticket | None:
        row = self._orders.filter(client_id=client_id).prefetch_related("changes").first()
        return _ticket(row) if row else None

    def live(self) -> Sequence[Ticket]:
        rows = self._orders.filter(Q(state=State.WORKING) | Q(covered__gt=0))
        return [_ticket(row) for row in rows.order_by("pk").prefetch_related("changes")]

    def add(self, ticket: Ticket) -> Ticket:
        terms = ticket.terms
        row = PaperOrder(
            account=self.name,
            client_id=terms.client_id,
            symbol=terms.symbol,
            side=terms.side,
            quantity=terms.quantity,
            placed_at=ticket.placed_at,
            state=ticket.state,
            **{name: getattr(ticket, name) for name in STANDING},
        )
        if isinstance(terms, Close):
            row.settlement_price, row.guards = terms.price, [str(guard) for guard in terms.guards]
        for name in LEVELS:
            setattr(row, name, getattr(terms, name, None))
        row.save(force_insert=True)
        ticket.number = row.pk
        return ticket

    def change(self, ticket: Ticket) -> None:
        standing = {name: getattr(ticket, name) for name in STANDING}
        rows = PaperOrder.objects.filter(pk=ticket.number)
        rows.update(state=ticket.state, quantity=ticket.terms.quantity, **standing)

    def move(self, ticket: Ticket, change: Change) -> None:
        PaperChange.objects.create(
            order_id=ticket.number,
            change_id=change.change_id,
            leg=change.leg,
            level=change.level,
            quantity=change.quantity,
            changed_at=change.at,
        )
        self.change(ticket)

    def fill(self, ticket: Ticket, execution: Execution, at: datetime) -> None:
        PaperFill.objects.create(
            execution_id=execution.execution_id,
            order_id=ticket.number,
            leg=execution.leg,
            symbol=execution.symbol,
            side=execution.side,
            quantity=execution.quantity,
            price=execution.price,
            commission=execution.commission or 0,
            executed_at=execution.executed_at,
            recorded_at=at,
        )

    def executions(self, since: datetime | None = None) -> Sequence[Execution]:
        rows = PaperFill.objects.filter(order__account=self.name)
        if since:
            rows = rows.filter(Q(executed_at__gte=since) | Q(recorded_at__gte=since))
        return [_execution(row) for row in rows.select_related("order").order_by("executed_at", "pk")]

    def fills(self, ticket: Ticket) -> Sequence[Execution]:
        rows = PaperFill.objects.filter(order=ticket.number).select_related("order")
        return [_execution(row) for row in rows.order_by("pk")]

    def traded(self, ticket: Ticket, side: Side, since: datetime, until: datetime) -> int:
        of_these = PaperFill.objects.filter(
            order__account=self.name, symbol=ticket.terms.symbol, side=side, order__lte=ticket.number
        )
        rows = of_these.filter(executed_at__gt=since, executed_at__lte=until)
        return int(rows.aggregate(shares=Sum("quantity", default=0))["shares"])

    def payments(self) -> Sequence[Payment]:
        return [_payment(row) for row in self._dividends_paid.order_by("pk")]

    def pay(self, payment: Payment, at: datetime) -> None:
        """Record the payment, in the chain of events, too."""
        rate = payment.rate
        facts = {name: getattr(payment, name) for name in PAID} | {
            "rate": rate and rate.value.quantize(FINEST_RATE),
            "rate_as_of": rate and rate.as_of,
            "rate_source": rate.source if rate else "",
        }
        of_day = self._dividends_paid.filter(symbol=payment.symbol, ex_date=payment.ex_date)
        PaperDividend.objects.create(account=self.name, number=of_day.count() + 1, recorded_at=at, **facts)
        audit.append("dividend paid", f"{self.name} {payment.symbol} {payment.ex_date}", at, **facts)

    def agreed_rates(self) -> Mapping[Key, ExchangeRate]:
        rows = self._waiting.exclude(rate=None).select_related("rate_by")
        return {
            _key(row): ExchangeRate(row.rate, row.rate_at, f"{row.rate_by}")
            for row in rows
            if row.rate is not None and row.rate_at is not None
        }

    def hold(self, waiting: Sequence[Waiting], at: datetime) -> None:
        before = {_key(row): row for row in self._waiting}
        wanted = {each.key: each for each in waiting}
        gone = [row.pk for key, row in before.items() if key not in wanted]
        if gone:
            WaitingDividend.objects.filter(pk__in=gone).delete()
        for key, each in wanted.items():
            terms = {
                "quantity": each.quantity,
                "amount": each.amount,
                "value": each.value,
                "why": each.why[:300],
            }
            row = before.get(key)
            if row is None:
                WaitingDividend.objects.create(account=self.name, **key._asdict(), since=at, **terms)
            elif any(getattr(row, name) != value for name, value in terms.items()):
                WaitingDividend.objects.filter(pk=row.pk).update(**terms)


def _key(row: WaitingDividend | PaperDividend) -> Key:
    return Key(row.symbol, row.ex_date, row.currency)


def _payment(row: PaperDividend) -> Payment:
    rate = None
    if row.rate is not None and row.rate_as_of is not None:
        rate = ExchangeRate(row.rate, row.rate_as_of, row.rate_source)
    value = row.cash if row.value is None else row.value
    return Payment(*_key(row)[:2], row.quantity, row.amount, row.cash, row.currency, value, rate)


def _ticket(row: PaperOrder) -> Ticket:
    standing = {name: getattr(row, name) for name in STANDING}
    changes = tuple(map(_change, row.changes.all()))
    return Ticket(_terms(row), row.placed_at, row.pk, State(row.state), **standing, changes=changes)


def _change(row: PaperChange) -> Change:
    return Change(row.change_id, Leg(row.leg), row.changed_at, row.level, row.quantity)


def _terms(row: PaperOrder) -> Bracket | Close | Protection:
    what = (row.client_id, Instrument(row.symbol), Side(row.side), row.quantity)
    if row.limit_price is not None:
        return Bracket(*what, *(getattr(row, name) for name in LEVELS))
    if row.stop_loss is None and row.take_profit is None:
        return Close(*what, row.settlement_price, tuple(map(UUID, row.guards)))
    return Protection(*what, row.stop_loss, row.take_profit)


def _execution(row: PaperFill) -> Execution:
    return Execution(
        execution_id=row.execution_id,
        client_id=row.order.client_id,
        leg=Leg(row.leg),
        instrument=Instrument(row.symbol),
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price,
        commission=row.commission,
        executed_at=row.executed_at,
        is_settlement=row.execution_id.endswith(SETTLED),
    )
