from collections.abc import Sequence

from market.formatting import earnings_terms
from market.imports import earnings as files
from market.ingestion import earnings
from market.management.fact_command import FactCommand
from market.models import EarningsDate
from market.providers.earnings import Earnings


class Command(FactCommand):
    help = (
        "List the earnings dates that are recorded, load some from a CSV file, or ask the providers now."
        " Columns: symbol, date, time (before, during, after, unknown), status (confirmed, estimated),"
        " fiscal_period."
    )
    ledger = earnings.LEDGER
    may_enter = "market.add_earningsdate"

    def read(self, content: bytes, symbol: str) -> Sequence[Earnings]:
        return files.read(content, symbol)

    def line(self, fact: EarningsDate) -> str:
        return f"{fact.date} {fact.symbol} {earnings_terms(fact)} {fact.fiscal_period}".rstrip()
