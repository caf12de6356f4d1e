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
    Quotes,
    Restating,
    Settlement,
)
from core.registry import Setting
from core.registry.kinds import Number, OneOf

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
    "Opening",
    "Paper",
    "Payment",
    "Quotes",
    "Restating",
    "Settlement",
    "Ticket",
    "Waiting",
]


def _build(values: Mapping[str, Any], at: datetime) -> Broker:
    """Return the account over this database, as it stands at `at`: its calls belong outside a transaction."""
    # By name: these rows need Django, the spec does not.
    book = importlib.import_module("approvals.execution.paper.book").Rows(values["PAPER_EQUITY"])
    market = importlib.import_module("approvals.execution.paper.market").Stored(at)
    charged = schedule(values["PAPER_COMMISSION"], values["PAPER_COMMISSION_PER_SHARE"])
    costs = Costs(values["PAPER_SLIPPAGE_BPS"], values["PAPER_VOLUME_SHARE"], charged)
    return Paper(book, market, at, costs)


SPEC = BrokerSpec(
    name="paper",
    title="paper",
    settings=(
        Setting("PAPER_EQUITY", Number(most=1_000_000_000_000, above_zero=True), Decimal(100_000)),
        Setting("PAPER_SLIPPAGE_BPS", Number(0, 1_000), Decimal(2)),
        Setting("PAPER_COMMISSION", OneOf((*SCHEDULES, PER_SHARE)), "ib_fixed"),
        Setting("PAPER_COMMISSION_PER_SHARE", Number(0, 1), Decimal("0.005")),
        Setting("PAPER_VOLUME_SHARE", Number(most=1, above_zero=True), Decimal("0.1")),
    ),
    is_paper=True,
    settles_by_price=True,
    capabilities=Capabilities(),
    build=_build,
    statement=statement.read,
)
