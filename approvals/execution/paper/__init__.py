"""The paper broker over this database: a broker of its own, with rows of its own, that commits by itself."""

from datetime import datetime

from django.conf import settings

from approvals.brokers.paper import Paper
from approvals.execution.paper.book import Rows
from approvals.execution.paper.market import Stored

__all__ = ["paper"]


def paper(at: datetime) -> Paper:
    """The account on paper as it stands at `at`. Its calls are made outside of any transaction."""
    book = Rows(settings.PAPER_EQUITY)
    return Paper(book, Stored(at), at, settings.PAPER_SLIPPAGE_BPS)
