"""The stream of our own IB Bridge: over its websocket, with the gateway on loopback behind it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from market import feeds
from market.ingestion.streaming.latest import Latest
from market.providers.ib_bridge import SPEC
from market.providers.streams.base import StreamError
from market.providers.streams.ib_bridge import LATE, Dialogue
from tests.ib_bridge import running
from tests.ib_bridge.running import Asked, eventually
from tests.vendors.ib_gateway.gateway import IBGateway

LONG = 20.0
ROW = {"symbol": "AAPL", "price": 195.0, "market_data_mode": "live"}


def latest() -> Latest:
    return Latest(time.monotonic, running.clock)


class Streaming:
    """One run of the stream into `latest`, of a bridge to this gateway."""

    def __init__(self, bridge: Asked, token: str = "") -> None:
        values = {"IB_BRIDGE_URL": bridge.url, "IB_BRIDGE_TOKEN": token, "IB_GATEWAY": ("127.0.0.1", 4002)}
        assert SPEC.stream is not None
        self.stream, self.latest = SPEC.stream(values, running.clock), latest()

    def play(self, wanted: Sequence[str], *steps: Callable[[], object]) -> None:
        """Run the stream; each step waits until it is true, and acts when it returns nothing."""
        asyncio.run(self._play(wanted, steps))

    async def _play(self, wanted: Sequence[str], steps: Sequence[Callable[[], object]]) -> None:
        task = asyncio.ensure_future(self.stream.run(lambda: wanted, self.latest))
        try:
            for step in steps:
                ends = time.monotonic() + LONG
                while (said := step()) is not None and not said:
                    if task.done():
                        task.result()
                    assert time.monotonic() < ends, "it did not happen in time"
                    await asyncio.sleep(0.01)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, StreamError):
                await task

    def price(self, symbol: str) -> float | None:
        known = self.latest.symbols.get(symbol)
        return known.price if known else None


def test_prices_come_as_they_change(tmp_path: Path) -> None:
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        gateway.quote("AAPL", last=195, bid=194, ask=196)
        streaming = Streaming(bridge)
        streaming.play(
            ["AAPL", "NOSUCH"],
            lambda: streaming.price("AAPL") == 195,
            lambda: gateway.quote("AAPL", last=197.5),
            lambda: streaming.price("AAPL") == 197.5,
            lambda: "NOSUCH" in streaming.latest.left_out,
        )
        book = streaming.latest.symbols["AAPL"].book
        assert (book.bid, book.ask) == (194, 196)


def test_what_ib_gives_late_is_left_to_the_poll(tmp_path: Path) -> None:
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        gateway.quote("AAPL", last=195)
        gateway.market.subscriptions["AAPL"] = 10089
        streaming = Streaming(bridge)
        streaming.play(["AAPL"], lambda: streaming.latest.left_out == {"AAPL": LATE})
        assert streaming.latest.symbols == {}


def test_a_gateway_that_goes_away_ends_it_with_what_to_click(tmp_path: Path) -> None:
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        gateway.quote("AAPL", last=195)
        streaming = Streaming(bridge)
        with pytest.raises(StreamError, match="IB Bridge: "):
            streaming.play(["AAPL"], lambda: streaming.price("AAPL") == 195, gateway.stop, lambda: False)


def test_a_wrong_token_is_told_with_its_setting(tmp_path: Path) -> None:
    with (
        IBGateway() as gateway,
        running.in_thread(gateway.port, tmp_path, token="secret") as bridge,
        pytest.raises(StreamError, match="IB_BRIDGE_TOKEN") as refused,
    ):
        Streaming(bridge, token="another").play(["AAPL"], lambda: False)
    assert refused.value.pause is not None
    assert "another" not in str(refused.value)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "quotes", "quotes": [ROW]},
        {"kind": "quotes", "quotes": [{"symbol": 5}]},
        {"kind": 7},
        {},
    ],
)
def test_what_was_not_asked_for_changes_nothing(message: dict[str, Any]) -> None:
    updates = latest()
    Dialogue(updates).take(message)
    assert updates.symbols == {}


def test_a_sign_of_life_keeps_a_thin_share_from_being_called_silent() -> None:
    updates = latest()
    dialogue = Dialogue(updates)
    dialogue.take({"kind": "subscribed", "symbols": ["AAPL", "MSFT"], "left_out": {}})
    before = updates.messages
    dialogue.take({"kind": "alive", "symbols": ["AAPL", "OTHER"]})
    assert updates.messages == before + 1


def test_the_same_wish_is_sent_once() -> None:
    dialogue = Dialogue(latest())
    assert dialogue.ask_for(["AAPL"]) == [{"symbols": ["AAPL"]}]
    assert dialogue.ask_for(["AAPL"]) == ()
    assert dialogue.ask_for(["MSFT", "AAPL"]) == [{"symbols": ["MSFT", "AAPL"]}]


def test_only_our_own_bridge_streams(settings: Settings) -> None:
    settings.PROVIDERS, settings.STREAMING, settings.DATA_KIND = ["ib_bridge"], "auto", "real"
    settings.IB_BRIDGE_URL, settings.IB_GATEWAY = "http://127.0.0.1:8092", ()
    assert not feeds.can_stream()
    assert feeds.streaming(running.clock) is None
    settings.IB_GATEWAY = ("127.0.0.1", 4002)
    assert feeds.can_stream()
    source = feeds.streaming(running.clock)
    assert source is not None
    assert source.provider == "ib_bridge"


def test_a_bridge_that_is_away_is_told(tmp_path: Path) -> None:
    with IBGateway() as gateway, running.in_thread(gateway.port, tmp_path) as bridge:
        eventually(lambda: bridge.get("/health")["connected"])
        streaming = Streaming(bridge)
    with pytest.raises(StreamError, match="ended the connection"):
        streaming.play(["AAPL"], lambda: False)
