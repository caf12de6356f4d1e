"""The same callers as in the market's API."""

from tests.market.api.conftest import reader, stranger

__all__ = ["reader", "stranger"]
