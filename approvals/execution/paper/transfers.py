"""Cash that people move in the account on paper: who, how much and why is a row and an event of the chain."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User

from approvals.brokers import paper
from approvals.brokers.base import BrokerError
from approvals.brokers.paper.cash_book import Kind, Transfer
from approvals.brokers.paper.cashier import NotMoved

__all__ = ["Kind", "NotMoved", "move"]


def move(kind: Kind, amount: Decimal, by: User, reason: str, at: datetime) -> Transfer:
    """Pay in, take out, or reset the account on paper that PAPER_ACCOUNT names. Raises NotMoved.

    It belongs outside a transaction, as every call to a broker.
    """
    if paper.SPEC.name != settings.BROKER:
        raise NotMoved(f"BROKER is {settings.BROKER}: only the account on paper is Jax's to pay in to.")
    try:
        return paper.cashier(paper.SPEC.values(settings), at).move(kind, amount, by.pk, reason)
    except BrokerError as error:
        raise NotMoved(f"{error}: look at the account's transfers before trying again.") from error
