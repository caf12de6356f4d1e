"""The paper broker: a broker of its own that fills orders on the market data that is stored. Pure.

It keeps its rules (quotes fill entries and closings, bars fill exits, each share pays) in `advance`, and is
given where it keeps its orders (`Book`) and what the market did (`Market`).
"""

from approvals.brokers.paper.book import Book, Opening, Ticket
from approvals.brokers.paper.broker import Paper
from approvals.brokers.paper.market import Bar, Listing, Market, Quotes, Restating

__all__ = ["Bar", "Book", "Listing", "Market", "Opening", "Paper", "Quotes", "Restating", "Ticket"]
