"""Comparing a statement and keeping what came of it: differences as rows, corrections in the book."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction

from approvals import audit, notify
from approvals.brokers.answers import Charge, Execution
from approvals.brokers.statements import Comparison, Difference, Kind, NoStatement, Statement, compare
from approvals.execution import fills, fitting, quarantine
from approvals.execution.fitting import DoesNotFit
from approvals.execution.quarantine import Misfit
from approvals.execution.statements import book
from approvals.models import (
    BrokerStatement,
    Notification,
    QuarantinedRow,
    StatementBase,
    StatementDifference,
)
from core import locks

PAGE = "/admin/approvals/statementdifference/?ended_at__isempty=1"
LISTED = 20


class OtherAccount(NoStatement):
    """The statement is of another account than those before."""


def record(statement: Statement, broker: str, at: datetime, by: User | None = None) -> BrokerStatement:
    """Compare a statement with our book, take over what can be, and keep what differs.

    Raises OtherAccount. Twice the same statement gives the same differences, once.
    """
    with transaction.atomic():
        locks.transaction("approvals.statements")
        _refuse_other_account(statement, broker)
        comparison = compare(book.load(broker, statement).books, statement)
        taken_over = take_over(comparison, broker, at)
        loaded = book.load(broker, statement)
        comparison = compare(loaded.books, statement)
        fresh = [difference for difference in comparison.differences if not _is_answered(difference, broker)]
        row = _store(statement, comparison, broker, len(fresh), taken_over, at, by)
        _set_base(loaded, row, fresh)
        _keep(fresh, row, at)
        audit.append(
            "statement compared",
            f"statement {row.pk}",
            at,
            by=by,
            statement=str(row),
            agreed=row.agreed,
            differing=row.differing,
            taken_over=taken_over,
        )
    return row


def _refuse_other_account(statement: Statement, broker: str) -> None:
    base = StatementBase.objects.filter(broker=broker).first()
    if base and base.account_id and statement.account_id and base.account_id != statement.account_id:
        raise OtherAccount(
            f"The statement is of account {statement.account_id}, those compared so far of {base.account_id}."
            " Take the other account's; if the account has really changed: python manage.py statement"
            " --new-account"
        )


def take_over(comparison: Comparison, broker: str, at: datetime) -> int:
    """Record corrections, commissions and charges as if the broker had just told them; return how many."""
    executions, charges, misfits = list[Execution](), list[Charge](), list[Misfit]()
    for execution in comparison.corrections:
        try:
            executions.append(fitting.execution(execution))
        except DoesNotFit as misfit:
            misfits.append(quarantine.of_execution(execution, str(misfit)))
    for charge in comparison.charges:
        try:
            charges.append(fitting.charge(charge))
        except DoesNotFit as misfit:
            name = fitting.name(charge.charge_id)
            misfits.append(Misfit(QuarantinedRow.Kind.CHARGE, name, charge, str(misfit)))
    quarantine.put(misfits, broker, at)
    fills.record(executions, broker, at)
    fills.store_charges(charges, broker, at)
    return len(executions) + len(charges)


def _is_answered(difference: Difference, broker: str) -> bool:
    """Return whether a person has given a reason for just these figures."""
    answered = StatementDifference.objects.filter(
        broker=broker, kind=difference.kind, name=difference.name[:120], answered_by__isnull=False
    )
    return answered.filter(ours=difference.ours, stated=difference.stated).exists()


def _store(
    statement: Statement,
    comparison: Comparison,
    broker: str,
    differing: int,
    taken_over: int,
    at: datetime,
    by: User | None,
) -> BrokerStatement:
    return BrokerStatement.objects.create(
        broker=broker,
        account_id=statement.account_id,
        source=statement.source[:200],
        since=statement.since,
        until=statement.until,
        compared_at=at,
        executions=None if statement.executions is None else len(statement.executions),
        charges=None if statement.charges is None else len(statement.charges),
        holdings=_texts(statement.holdings),
        cash=_texts(statement.cash),
        agreed=comparison.agreed,
        differing=differing,
        taken_over=taken_over,
        not_compared="\n".join(comparison.not_compared),
        uploaded_by=by,
    )


def _texts(numbers: Mapping[str, Decimal] | None) -> dict[str, str] | None:
    if numbers is None:
        return None
    return {name: f"{number:f}" for name, number in sorted(numbers.items()) if number}


def _set_base(loaded: book.Loaded, statement: BrokerStatement, differences: Iterable[Difference]) -> None:
    """Keep what the account has beside our book, once a statement has told it and our own look agrees."""
    differing = {difference.kind for difference in differences}
    base, _ = StatementBase.objects.get_or_create(
        broker=statement.broker,
        defaults={
            "account_id": statement.account_id,
            "at": statement.until,
            "charged_from": loaded.charged_from,
        },
    )
    if base.cash is None and loaded.cash_beside is not None:
        base.cash, base.charged_from = _texts(loaded.cash_beside), loaded.charged_from
    if base.holdings is None and loaded.shares_beside is not None and Kind.HOLDING not in differing:
        base.holdings, base.at = _texts(loaded.shares_beside), statement.until
    base.account_id = base.account_id or statement.account_id
    base.save()


def _keep(differences: Iterable[Difference], statement: BrokerStatement, at: datetime) -> None:
    """Store what differs, end what agrees now, and tell people of what is new."""
    stored = StatementDifference.objects.open().filter(broker=statement.broker).select_related("statement")
    known = {(row.kind, row.name): row for row in stored}
    news = list[StatementDifference]()
    for difference in differences:
        row = known.pop((difference.kind, difference.name[:120]), None)
        columns = {
            "ours": difference.ours,
            "stated": difference.stated,
            "detail": difference.detail,
            "statement": statement,
            "last_seen_at": at,
        }
        if row is not None:
            StatementDifference.objects.filter(pk=row.pk).update(**columns)
        else:
            news.append(
                StatementDifference.objects.create(
                    broker=statement.broker,
                    kind=difference.kind,
                    name=difference.name[:120],
                    happened_at=difference.at,
                    first_seen_at=at,
                    **columns,
                )
            )
    over = [row.pk for row in known.values() if row.is_seen_by(statement.since, statement.until)]
    StatementDifference.objects.filter(pk__in=over, ended_at=None).update(ended_at=at)
    if news:
        _tell(news, statement, at)


def _tell(news: list[StatementDifference], statement: BrokerStatement, at: datetime) -> None:
    many = f"{len(news)} things differ" if len(news) > 1 else "Something differs"
    title = f"{many} between Jax and the broker's statement until {statement.until:%Y-%m-%d}."
    lines = [f"{row}. {row.detail}" for row in news[:LISTED]]
    key = f"statement {statement.broker} {news[0].pk}"
    notify.put(Notification.Kind.STATEMENT, key, title, at, body="\n".join(lines), path=PAGE)
