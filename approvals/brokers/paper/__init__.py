"""The paper broker: a broker of its own that fills orders on the market data that is stored. Pure.

It keeps its rules in `advance` and `hits`: quotes fill entries and closings, quotes and bars exits, each at
the side of the book that it needs and as far as there were shares. It is given where it keeps its orders
(`Book`) and what the market did (`Market`).
"""

import importlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from approvals.brokers.base import Broker, BrokerSpec, Capabilities
from approvals.brokers.paper import statement
from approvals.brokers.paper.book import Book, Opening, Ticket
from approvals.brokers.paper.broker import Paper
from approvals.brokers.paper.cashier import Cashier
from approvals.brokers.paper.closing import SETTLED
from approvals.brokers.paper.costs import PER_SHARE, SCHEDULES, Costs, schedule
from approvals.brokers.paper.dividends import Key, Payment, Waiting
from approvals.brokers.paper.levels import Change
from approvals.brokers.paper.market import (
    Bar,
    Dividend,
    ExchangeRate,
    Listing,
    Market,
    Night,
    Quotes,
    Restating,
    Settlement,
)
from core.registry import Setting
from core.registry.kinds import Matching, Number, OneOf

__all__ = [
    "SETTLED",
    "SPEC",
    "Bar",
    "Book",
    "Change",
    "Costs",
    "Dividend",
    "ExchangeRate",
    "Key",
    "Listing",
    "Market",
    "Night",
    "Opening",
    "Paper",
    "Payment",
    "Quotes",
    "Restating",
    "Settlement",
    "Ticket",
    "Waiting",
]


FIRST = "paper"  # the account that has no name of its own


def _build(values: Mapping[str, Any], at: datetime) -> Broker:
    """Return the account over this database, as it stands at `at`: its calls belong outside a transaction."""
    return Paper(*_parts(values, at))


def cashier(values: Mapping[str, Any], at: datetime) -> Cashier:
    """Return the same account, for those who may move its cash."""
    return Cashier(*_parts(values, at))


def _parts(values: Mapping[str, Any], at: datetime) -> tuple[Book, Market, datetime, Costs]:
    # By name: these rows need Django, the spec does not.
    rows = importlib.import_module("approvals.execution.paper.book").Rows
    book = rows(broker_name(values["PAPER_ACCOUNT"]), values["PAPER_EQUITY"])
    market = importlib.import_module("approvals.execution.paper.market").Stored(at)
    charged = schedule(values["PAPER_COMMISSION"], values["PAPER_COMMISSION_PER_SHARE"])
    costs = Costs(
        values["PAPER_SLIPPAGE_BPS"], values["PAPER_VOLUME_SHARE"], charged, values["PAPER_BORROW_RATE"]
    )
    return book, market, at, costs


def broker_name(account: str) -> str:
    """Return the name that orders and figures of an account carry: each account is a broker of its own."""
    return FIRST if account == FIRST else f"{FIRST}:{account}"


SPEC = BrokerSpec(
    name="paper",
    title="paper",
    settings=(
        Setting("PAPER_ACCOUNT", Matching(r"[a-z0-9-]{1,14}", "1 to 14 small letters, digits and -"), FIRST),
        Setting("PAPER_EQUITY", Number(most=1_000_000_000_000, above_zero=True), Decimal(100_000)),
        Setting("PAPER_SLIPPAGE_BPS", Number(0, 1_000), Decimal(2)),
        Setting("PAPER_COMMISSION", OneOf((*SCHEDULES, PER_SHARE)), "ib_fixed"),
        Setting("PAPER_COMMISSION_PER_SHARE", Number(0, 1), Decimal("0.005")),
        Setting("PAPER_BORROW_RATE", Number(0, 10), Decimal("0.0025")),
        Setting("PAPER_VOLUME_SHARE", Number(most=1, above_zero=True), Decimal("0.1")),
    ),
    is_paper=True,
    settles_by_price=True,
    capabilities=Capabilities(),
    build=_build,
    statement=statement.read,
)
