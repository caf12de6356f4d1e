from collections.abc import Sequence

from market.formatting import action_terms
from market.imports import actions as files
from market.ingestion import actions
from market.management.fact_command import FactCommand
from market.models import CorporateAction
from market.providers.actions import Action


class Command(FactCommand):
    help = (
        "List the corporate actions that are recorded, load some from a CSV file, or ask the providers now."
        " Columns: symbol, kind, ex_date, amount, currency, ratio, new_symbol, pay_date, record_date,"
        " declared_date."
    )
    ledger = actions.LEDGER
    may_enter = "market.add_corporateaction"

    def read(self, content: bytes, symbol: str) -> Sequence[Action]:
        return files.read(content, symbol)

    def line(self, fact: CorporateAction) -> str:
        return f"{fact.ex_date} {fact.symbol} {fact.get_kind_display()} {action_terms(fact)}"
