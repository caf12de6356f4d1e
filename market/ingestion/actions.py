"""Corporate actions as facts: asked of the providers each night, or recorded by a person."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from market import store
from market.ingestion.facts import Ledger
from market.models import CorporateAction, CorporateActionCheck, Fault
from market.prices import Timeframe, to_datetime
from market.providers.actions import Action, Actions, GivesActions
from market.providers.base import Provider

SILENT = timedelta(days=8)
OVER_A_WEEKEND = timedelta(days=3)  # some pay the same each week
ALL_OF_THEM = date(1990, 1, 1)


def _ask(provider: Provider, symbols: list[str], since: date, until: date, at: datetime) -> Actions | None:
    if not isinstance(provider, GivesActions):
        return None
    return provider.corporate_actions(symbols, since, until, _silent(symbols, at))


def _silent(symbols: Collection[str], at: datetime) -> dict[str, date]:
    """Return those that have no daily bars any more, with the date of the last one."""
    newest = store.newest(list(symbols), Timeframe.D1)
    seen = {symbol: to_datetime(opened_at) for symbol, opened_at in newest.items() if opened_at is not None}
    return {symbol: last.date() for symbol, last in seen.items() if at - last > SILENT}


LEDGER: Ledger[Action] = Ledger(
    noun="corporate actions",
    work=Fault.Work.ACTIONS,
    lock="market.corporate_actions",
    facts=CorporateAction,
    checks=CorporateActionCheck,
    ask=_ask,
    dated="ex_date",
    key=("symbol", "kind"),
    terms=("amount", "ratio", "new_symbol"),
    content=("amount", "currency", "ratio", "new_symbol", "pay_date", "record_date", "declared_date"),
    begins=ALL_OF_THEM,
    near=OVER_A_WEEKEND,
)
