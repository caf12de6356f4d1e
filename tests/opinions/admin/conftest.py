"""The same people as in the market's admin."""

from tests.market.admin.conftest import clerk, operator, reader, stranger

__all__ = ["clerk", "operator", "reader", "stranger"]
