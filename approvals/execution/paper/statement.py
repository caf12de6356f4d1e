"""What the rows of the account on paper add up to, as the statement that our book is compared with."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from approvals.brokers.answers import Charge
from approvals.brokers.paper import account
from approvals.brokers.statements import NotYet, Statement
from approvals.execution.paper.book import Rows
from approvals.execution.paper.market import Stored
from approvals.models import PaperAccount, PaperDividend

UTC = ZoneInfo("UTC")


def read(until: datetime) -> Statement:
    """Return the account's statement since it was opened. Raises NotYet while there is none."""
    opening = PaperAccount.objects.first()
    if opening is None:
        raise NotYet("The paper account is not opened yet: the worker opens it when it first asks for it.")
    executions = [
        execution for execution in Rows(opening.start_equity).executions() if execution.executed_at <= until
    ]
    charges = tuple(_dividends(opening.currency, until))
    market, by_symbol = Stored(until), defaultdict(list)
    for execution in executions:
        by_symbol[execution.symbol].append(execution)
    holdings = {}
    for symbol, own in by_symbol.items():
        restatings = market.restatings(symbol, own[0].executed_at)
        holdings[symbol] = Decimal(account.position(own, restatings, until).shares)
    paid = [charge.amount for charge in charges]
    return Statement(
        account_id="paper",
        source="the paper account's own book",
        since=min([opening.opened_at, *(execution.executed_at for execution in executions)]),
        until=until,
        executions=tuple(executions),
        charges=charges,
        holdings=holdings,
        cash={opening.currency: account.cash(opening.start_equity, executions, paid)},
        opening_cash={opening.currency: opening.start_equity},
        opening_holdings={},
    )


def _dividends(currency: str, until: datetime) -> Iterator[Charge]:
    for row in PaperDividend.objects.filter(recorded_at__lte=until).order_by("pk"):
        yield Charge(
            charge_id=f"dividend {row.symbol} {row.ex_date} {row.number}",
            at=datetime.combine(row.ex_date, time(), UTC),
            amount=row.cash,
            currency=currency,
            what=f"Dividend of {row.quantity} shares, ex-date {row.ex_date}",
            symbol=row.symbol,
        )
