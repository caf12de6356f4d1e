"""A stream over real sockets on loopback: what comes, what is refused, what breaks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.ingestion.streaming.latest import Latest
from market.prices import Feed, QuoteTick
from market.providers.registry import SPECS
from market.providers.streams import websocket
from market.providers.streams.base import StreamError
from tests.clock import NOW
from tests.market.streaming import test_alpaca_dialogue as alpaca
from tests.market.streaming import test_polygon_dialogue as polygon
from tests.vendors.streams import AlpacaStream, PolygonStream, StreamVendor

# When the trades of their documentation were made.
THEN = {
    "alpaca": datetime(2021, 2, 22, 19, 15, tzinfo=UTC),
    "polygon": datetime(2018, 4, 18, 16, 10, tzinfo=UTC),
}
LONG = 20.0  # seconds that a busy machine may take; nothing waits for them


class Streaming:
    """One run of a vendor's stream into `latest`."""

    def __init__(self, vendor: StreamVendor, *wanted: str, **settings: str) -> None:
        name = "alpaca" if isinstance(vendor, AlpacaStream) else "polygon"
        (spec,) = [spec for spec in SPECS if spec.name == name]
        assert spec.stream is not None
        values = getattr(vendor, "settings") | settings  # noqa: B009  each kind of vendor has its own
        self.stream = spec.stream(values, lambda: NOW)
        self.latest = Latest(time.monotonic, lambda: THEN[name])
        self.wanted: Sequence[str] = wanted or ("AAPL",)
        self.error: StreamError | None = None

    def play(self, *steps: Callable[[], object]) -> None:
        """Run the stream; each step waits until it is true, and acts when it returns nothing."""
        asyncio.run(self._play(steps))

    async def _play(self, steps: Sequence[Callable[[], object]]) -> None:
        task = asyncio.ensure_future(self.stream.run(lambda: self.wanted, self.latest))
        try:
            for step in steps:
                await self._until(step, task)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, StreamError):
                await task

    async def _until(self, step: Callable[[], object], task: "asyncio.Task[None]") -> None:
        deadline = time.monotonic() + LONG
        while (said := step()) is not None and not said:
            assert not task.done() or task.exception() is None, task.exception()
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.01)

    def fail(self, *steps: Callable[[], object]) -> StreamError:
        """Run the stream until it fails, and return with what."""
        with pytest.raises(StreamError) as failure:
            asyncio.run(self._fail(steps))
        return failure.value

    async def _fail(self, steps: Sequence[Callable[[], object]]) -> None:
        task = asyncio.ensure_future(self.stream.run(lambda: self.wanted, self.latest))
        for step in steps:
            await self._until(step, task)
        await asyncio.wait_for(task, LONG)

    def is_subscribed(self) -> bool:
        return self.latest.symbols.keys() == set(self.wanted)

    def quotes(self) -> list[QuoteTick]:
        return [tick for symbol, known in self.latest.symbols.items() if (tick := known.tick(symbol))]


def test_alpacas_trades_and_quotes_become_the_newest_quote() -> None:
    with AlpacaStream() as vendor:
        streaming = Streaming(vendor, "AAPL", "AMD")
        streaming.play(
            streaming.is_subscribed,
            lambda: vendor.push(alpaca.TRADE, alpaca.QUOTE | {"S": "AAPL"}, alpaca.TRADE | {"p": 126.6}),
            lambda: streaming.latest.messages == 3,
        )
        at = datetime(2021, 2, 22, 15, 51, 44, 208123, tzinfo=UTC)
        assert streaming.quotes() == [QuoteTick("AAPL", 126.6, at, 87.66, 87.68, 1, 4, exchange="D")]


def test_massives_trades_quotes_and_seconds_become_the_newest_quote() -> None:
    with PolygonStream() as vendor:
        streaming = Streaming(vendor, "MSFT")
        streaming.play(
            streaming.is_subscribed,
            lambda: vendor.push(polygon.TRADE, polygon.QUOTE, polygon.SECOND),
            lambda: streaming.latest.messages == 3,
        )
        expected = QuoteTick("MSFT", 114.125, polygon.AT, 114.125, 114.128, 100, 160, 8642007)
        assert streaming.quotes() == [expected]


def test_what_is_watched_later_is_streamed_without_a_new_connection() -> None:
    with AlpacaStream() as vendor:
        streaming = Streaming(vendor, "AAPL")

        def watch_another() -> None:
            streaming.wanted = ("BRK.B", "AMD")

        streaming.play(streaming.is_subscribed, watch_another, streaming.is_subscribed)
        assert vendor.subscribed == {"BRK.B", "AMD"}
        assert vendor.connections == 1


def test_a_plan_with_few_symbols_streams_those() -> None:
    with AlpacaStream(limit=3) as vendor:
        streaming = Streaming(vendor, *"ABCDEFGH")
        streaming.play(lambda: len(streaming.latest.left_out) == 5)
        assert vendor.subscribed == {"A", "B", "C"}


def test_a_plan_without_trades_is_streamed_by_its_seconds() -> None:
    with PolygonStream(channels=("A",)) as vendor:
        streaming = Streaming(vendor, "MSFT")
        streaming.play(
            streaming.is_subscribed,
            lambda: vendor.push(polygon.SECOND),
            lambda: bool(streaming.quotes()),
        )
        assert streaming.quotes() == [QuoteTick("MSFT", 114.2, polygon.AT, volume=8642007)]


@pytest.mark.parametrize(
    ("vendor", "setting"),
    [(AlpacaStream(), "ALPACA_API_SECRET"), (PolygonStream(), "POLYGON_API_KEY")],
    ids=["alpaca", "polygon"],
)
def test_a_wrong_key_is_refused_with_what_to_do_and_is_in_no_text(vendor: StreamVendor, setting: str) -> None:
    with vendor:
        refusal = Streaming(vendor, **{setting: "wrong-key-here"}).fail()
        assert refusal.pause == timedelta(hours=1)
        assert setting in str(refusal)
        assert "wrong-key-here" not in str(refusal)


@pytest.mark.parametrize("vendor", [AlpacaStream(most=0), PolygonStream(most=0)], ids=["alpaca", "polygon"])
def test_another_program_on_the_only_connection_is_told(vendor: StreamVendor) -> None:
    with vendor:
        refusal = Streaming(vendor).fail()
        assert "Another program" in str(refusal)
        assert refusal.pause == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("status", "pause"), [(401, timedelta(hours=1)), (403, timedelta(hours=1)), (503, None)]
)
def test_a_refused_handshake_is_told(status: int, pause: timedelta | None) -> None:
    with AlpacaStream(status=status) as vendor:
        refusal = Streaming(vendor).fail()
        assert f"Alpaca answered {status}" in str(refusal)
        assert refusal.pause == pause


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_goes_to_no_other_host(status: int) -> None:
    with AlpacaStream() as other, AlpacaStream(status=status) as vendor:
        vendor.location = other.url
        refusal = Streaming(vendor).fail()
        assert f"Alpaca answered {status}" in str(refusal)
        assert other.connections == 0


def test_nobody_there_is_told() -> None:
    with AlpacaStream() as vendor:
        streaming = Streaming(vendor)
    refusal = streaming.fail()
    assert str(refusal).startswith("Alpaca ended the connection")
    assert refusal.pause is None


def test_a_connection_that_breaks_ends_the_stream_for_a_moment() -> None:
    with PolygonStream() as vendor:
        streaming = Streaming(vendor)
        refusal = streaming.fail(streaming.is_subscribed, vendor.hang_up)
        assert "Massive ended the connection" in str(refusal)
        assert refusal.pause is None


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00\xff\xfe",
        "",
        "{",
        "[" * 5_000,
        "null",
        "3",
        '"hello"',
        "[null, 3, []]",
        '[{"T": ["t"], "S": "AAPL"}]',
        '[{"T": "t", "S": {}, "p": 1}]',
        '[{"T": "t", "S": "AAPL", "t": 5, "p": "x"}]',
        '[{"T": "s", "S": "AAPL", "sc": ["H"]}]',
        '[{"T": "subscription", "trades": 7}]',
    ],
)
def test_a_frame_that_makes_no_sense_is_counted_and_the_next_one_read(frame: str | bytes) -> None:
    with AlpacaStream() as vendor:
        streaming = Streaming(vendor)
        streaming.play(
            streaming.is_subscribed,
            lambda: vendor.send(frame),
            lambda: vendor.push(alpaca.TRADE),
            lambda: bool(streaming.quotes()),
        )
        assert sum(streaming.latest.problems.values()) >= 1


def test_values_that_are_no_prices_are_handed_on_to_be_refused() -> None:
    odd: dict[str, Any] = alpaca.TRADE | {"p": None}
    with AlpacaStream() as vendor:
        streaming = Streaming(vendor)
        streaming.play(
            streaming.is_subscribed, lambda: vendor.push(odd), lambda: streaming.latest.messages == 1
        )
        assert streaming.quotes() == []
        (tick,) = streaming.latest.take_changes()
        assert tick.price != tick.price  # NaN


def test_a_frame_that_is_too_large_ends_the_connection_and_takes_no_room() -> None:
    with AlpacaStream() as vendor:
        streaming = Streaming(vendor)
        refusal = streaming.fail(streaming.is_subscribed, lambda: vendor.send(" " * (websocket.LARGEST + 1)))
        assert "1009" in str(refusal)


def test_the_simulator_pushes_labelled_quotes_of_whatever_is_watched() -> None:
    (spec,) = [spec for spec in SPECS if spec.name == "simulator"]
    assert spec.stream is not None
    stream, latest = spec.stream({"SIMULATOR_SEED": 1}, lambda: NOW), Latest(time.monotonic, lambda: NOW)

    async def a_moment() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stream.run(lambda: ["AAPL", "MSFT"], latest), 0.2)

    asyncio.run(a_moment())
    assert stream.feed == Feed.SIMULATED
    assert {(tick.symbol, tick.as_of) for tick in latest.take_changes()} == {("AAPL", NOW), ("MSFT", NOW)}


@pytest.mark.long
def test_a_vendor_that_greets_nobody_is_given_up() -> None:
    with AlpacaStream(is_mute=True) as vendor:
        assert "did not let us in" in str(Streaming(vendor).fail())
