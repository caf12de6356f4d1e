"""What the rows of the account on paper add up to, as the statement that our book is compared with."""

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings

from approvals.brokers import paper
from approvals.brokers.paper import account
from approvals.brokers.statements import NotYet, Statement
from approvals.execution.paper.book import Rows
from approvals.execution.paper.market import Stored
from approvals.models import PaperAccount

START_OF_TIME = datetime.min.replace(tzinfo=UTC)


def read(until: datetime) -> Statement:
    """Return the account's statement since it was opened. Raises NotYet while there is none."""
    name = paper.broker_name(paper.SPEC.values(settings)["PAPER_ACCOUNT"])
    opening = PaperAccount.objects.filter(name=name).first()
    if opening is None:
        raise NotYet("The paper account is not opened yet: the worker opens it when it first asks for it.")
    rows = Rows(name, opening.start_equity)
    executions = [execution for execution in rows.executions() if execution.executed_at <= until]
    charges = tuple(charge for charge in rows.charges(START_OF_TIME) if charge.at <= until)
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
