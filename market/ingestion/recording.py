"""Corporate actions that a person records or withdraws by a page, the API or a command, and what follows."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from market.ingestion import actions, delistings, renames
from market.ingestion.facts import PERSON
from market.models import CorporateAction
from market.providers.actions import Action, Kind


@transaction.atomic
def record(given: Action, *, by: User, why: str, at: datetime) -> int:
    """Record a fact and follow at once what is due: a change of symbol, delistings.

    Return how many facts are new. Nothing is recorded when it cannot be followed. Raises FactRefused,
    RenameRefused.
    """
    new = actions.LEDGER.enter([given], PERSON, by=by, why=why, at=at)
    if given.kind is Kind.SYMBOL_CHANGE and given.ex_date <= at.date():
        renames.follow(given.symbol, given.new_symbol, given.ex_date, PERSON, at, by=by)
    delistings.follow_due(at)
    return new


@transaction.atomic
def withdraw(fact: CorporateAction, *, by: User, why: str, at: datetime) -> None:
    """Withdraw a fact that is wrong, and undo its delisting. A change of symbol that was followed stays.

    Raises FactRefused.
    """
    actions.LEDGER.withdraw(fact, by=by, why=why, at=at)
    delistings.follow_due(at)
