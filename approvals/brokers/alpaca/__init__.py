"""Alpaca: the paper account, unless ALPACA_TRADING_URL names another address than that of paper accounts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from approvals.brokers.alpaca import statement, stream, wire
from approvals.brokers.alpaca.book import Book, Owner
from approvals.brokers.alpaca.broker import Alpaca
from approvals.brokers.base import BrokerSpec, Capabilities
from core.registry import Setting
from core.registry.kinds import KEY, Url

_OWNERS: dict[str, dict[str, Owner]] = {}


def forget_owners() -> None:
    """Forget whose executions are: they are asked for again."""
    for known in _OWNERS.values():
        known.clear()


def _build(values: Mapping[str, Any], at: datetime) -> Alpaca:
    url, key, secret = (
        values[name] for name in ("ALPACA_TRADING_URL", "ALPACA_API_KEY", "ALPACA_API_SECRET")
    )
    api = wire.api(url, key, secret)
    book = Book(api, _OWNERS.setdefault(f"{url} {key}", {}))
    return Alpaca(api, book, at, is_paper=urlsplit(url).hostname in wire.PAPER_HOSTS)


SPEC = BrokerSpec(
    name=Alpaca.name,
    title="Alpaca",
    settings=(
        Setting("ALPACA_API_KEY", KEY, secret=True, required=True),
        Setting("ALPACA_API_SECRET", KEY, secret=True, required=True),
        Setting("ALPACA_TRADING_URL", Url(), default="https://paper-api.alpaca.markets"),
    ),
    is_paper=True,
    build=_build,
    capabilities=Capabilities(
        good_till_date=False,
        time_of_day_exits=False,
        partial_brackets=False,
        fractions=True,
        orders_for=timedelta(days=90),
    ),
    stream=stream.listen,
    statement=statement.read,
    statement_after=timedelta(hours=10),  # fees are booked in the night
)
