"""Jax's own IB Bridge, asked for the quotes of many symbols at once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.http import Patience
from market.prices import Feed
from market.providers.base import ProviderError, Unpaced
from market.providers.ib_bridge import IBBridge
from tests.ib_bridge import running
from tests.vendors.ib_gateway.gateway import IBGateway
from tests.vendors.server import Reply, Vendor, Visit

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
HASTY = Patience(connect=1, read=8, answer=10, fetch=12, attempts=1, pause=0.02)


class Together(Vendor):
    """Answers for many symbols as our own bridge does: for all that are asked but `lacks`."""

    lacks: frozenset[str] = frozenset()
    content: Any = None
    status = 200

    def answer(self, visit: Visit) -> Reply:
        if visit.path == "/health":
            return Reply.json({"connected": True, "synced": True, "market_data_mode": "live"})
        asked = visit.query["symbols"].split(",")
        quotes = [self._quote(symbol) for symbol in asked if symbol not in self.lacks]
        failed = {symbol: "Contract not found" for symbol in asked if symbol in self.lacks}
        return Reply.json(self.content or {"quotes": quotes, "failed": failed}, self.status)

    @staticmethod
    def _quote(symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "price": 10.5, "timestamp": T.isoformat(), "market_data_mode": "live"}


@pytest.fixture
def vendor() -> Iterator[Together]:
    with Together(now=T) as vendor:
        yield vendor


def provider(url: str) -> IBBridge:
    return IBBridge(url, pace=Unpaced(), patience=HASTY)


def test_many_symbols_are_asked_for_together(vendor: Together) -> None:
    symbols = [f"S{n}" for n in range(100)]
    vendor.lacks = frozenset({"S7", "S70"})
    quotes = provider(vendor.url).quotes(symbols, T)
    assert len(vendor.visits_to("/quotes")) == 3
    assert len(quotes.ticks) == 98
    assert quotes.failed == {"S7": "Contract not found", "S70": "Contract not found"}


@pytest.mark.parametrize("content", [{"quotes": None}, {"quotes": [5, {"symbol": 7}], "failed": 3}, {"x": 1}])
def test_an_answer_that_lacks_symbols_fails_those_alone(vendor: Together, content: dict[str, Any]) -> None:
    vendor.content = content
    quotes = provider(vendor.url).quotes(["AAPL", "MSFT"], T)
    assert quotes.failed == dict.fromkeys(["AAPL", "MSFT"], "not in the answer")


def test_a_bridge_that_goes_away_meanwhile_is_the_providers_fault(vendor: Together) -> None:
    vendor.status, vendor.content = 503, {"detail": "Nothing answers at IB_GATEWAY.", "code": "away"}
    with pytest.raises(ProviderError, match="503"):
        provider(vendor.url).quotes(["AAPL"], T)


def test_quotes_of_a_gateway(tmp_path: Path) -> None:
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        gateway.quote("AAPL", last=195, bid=194, ask=196)
        gateway.quote("MSFT", last=400, bid=399, ask=401)
        quotes = provider(bridge.url).quotes(["AAPL", "MSFT", "NOSUCH"], running.clock())
    assert {tick.symbol: (tick.price, tick.bid, tick.ask) for tick in quotes.ticks} == {
        "AAPL": (195, 194, 196),
        "MSFT": (400, 399, 401),
    }
    assert quotes.feed is Feed.LIVE
    assert "Contract not found" in quotes.failed["NOSUCH"]
