"""When companies report, as facts: asked of the providers each night, or recorded by a person."""

from datetime import date, datetime, timedelta

from market.ingestion.facts import Ledger
from market.models import EarningsCheck, EarningsDate, Fault
from market.providers.base import Provider
from market.providers.earnings import Earnings, GivesEarnings
from market.providers.facts import Answer

BEGINNING = date(2020, 1, 1)
ONE_REPORT = timedelta(days=30)  # estimates are off by days, and reports are a quarter apart


def _ask(
    provider: Provider, symbols: list[str], since: date, until: date, at: datetime
) -> Answer[Earnings] | None:
    return provider.earnings(symbols, since, until) if isinstance(provider, GivesEarnings) else None


LEDGER: Ledger[Earnings] = Ledger(
    noun="earnings dates",
    work=Fault.Work.EARNINGS,
    lock="market.earnings_dates",
    facts=EarningsDate,
    checks=EarningsCheck,
    ask=_ask,
    dated="date",
    key=("symbol",),
    terms=(),
    content=("time", "is_confirmed", "fiscal_period"),
    begins=BEGINNING,
    apart=ONE_REPORT,
)
