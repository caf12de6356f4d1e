"""The bridge's stream of ticks, read as Jax reads it: by its websocket client over a real socket."""

import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ib_bridge.market.stream import MOST
from tests.ib_bridge import running
from tests.ib_bridge.running import Asked, eventually, reconnected
from tests.vendors.ib_gateway.gateway import IBGateway

WAIT = 10.0


@contextmanager
def reading(bridge: Asked, *symbols: str, **headers: str) -> Iterator[ClientConnection]:
    url = f"ws{bridge.url.removeprefix('http')}/v1/stream"
    with connect(url, additional_headers=headers, proxy=None) as stream:
        if symbols:
            stream.send(json.dumps({"symbols": list(symbols)}))
        yield stream


def until(stream: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of a kind."""
    while True:
        message: dict[str, Any] = json.loads(stream.recv(timeout=WAIT))
        if message["kind"] == kind:
            return message


def prices(stream: ClientConnection) -> dict[str, float]:
    return {quote["symbol"]: quote["price"] for quote in until(stream, "quotes")["quotes"]}


def test_the_state_comes_first_then_what_is_streamed_and_then_its_quotes(bridge: Asked) -> None:
    with reading(bridge, "AAPL", "NOSUCH") as stream:
        first = json.loads(stream.recv(timeout=WAIT))
        assert (first["kind"], first["connected"], first["state"]) == ("state", True, "connected")
        told = until(stream, "subscribed")
        while "NOSUCH" not in told["left_out"]:
            told = until(stream, "subscribed")
        assert told["symbols"] == ["AAPL"]
        assert "Contract not found" in told["left_out"]["NOSUCH"]


def test_quotes_come_as_they_change_and_only_those(gateway: IBGateway, bridge: Asked) -> None:
    gateway.quote("MSFT", last=400, bid=399, ask=401)
    with reading(bridge, "AAPL", "MSFT") as stream:
        seen: dict[str, float] = {}
        while seen.keys() != {"AAPL", "MSFT"}:
            seen |= prices(stream)
        gateway.quote("AAPL", last=196.5)
        assert prices(stream) == {"AAPL": 196.5}


def test_of_many_changes_between_two_messages_the_newest_is_told(gateway: IBGateway, bridge: Asked) -> None:
    with reading(bridge, "AAPL") as stream:
        assert prices(stream) == {"AAPL": 195}
        for price in range(200, 260):
            gateway.quote("AAPL", last=price)
        told = [prices(stream)["AAPL"]]
        while told[-1] != 259:
            told.append(prices(stream)["AAPL"])
        assert len(told) < 20


def test_what_is_not_wanted_any_more_is_not_told(gateway: IBGateway, bridge: Asked) -> None:
    gateway.quote("MSFT", last=400)
    with reading(bridge, "AAPL") as stream:
        assert prices(stream) == {"AAPL": 195}
        stream.send(json.dumps({"symbols": ["MSFT"]}))
        assert prices(stream) == {"MSFT": 400}
        gateway.quote("AAPL", last=197)
        gateway.quote("MSFT", last=401)
        assert prices(stream) == {"MSFT": 401}


def test_beyond_the_lines_that_ib_gives_symbols_are_left_out(bridge: Asked) -> None:
    symbols = ["AAPL", *(f"X{n}" for n in range(MOST + 5))]
    with reading(bridge, *symbols) as stream:
        told = until(stream, "subscribed")
        while not told["left_out"]:
            told = until(stream, "subscribed")
        assert len(told["left_out"]) >= 6
        assert "first 50" in told["left_out"][symbols[-1]]


def test_quotes_that_are_asked_for_do_not_take_a_streams_lines(
    gateway: IBGateway, bridge: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ib_bridge.market.lines.MOST", 2)
    for symbol in ("MSFT", "IBM", "SPY"):
        gateway.quote(symbol, last=50)
    with reading(bridge, "AAPL") as stream:
        assert prices(stream) == {"AAPL": 195}
        for symbol in ("MSFT", "IBM", "SPY"):
            bridge.ask("GET", f"/quotes/{symbol}")
        gateway.quote("AAPL", last=199)
        assert prices(stream) == {"AAPL": 199}


def test_a_gateway_that_goes_and_comes_back_is_told_and_its_lines_are_opened_again(
    gateway: IBGateway, bridge: Asked
) -> None:
    with reading(bridge, "AAPL") as stream:
        assert prices(stream) == {"AAPL": 195}
        with reconnected(bridge):
            gateway.restart()
        while until(stream, "state")["connection"] < 2:
            continue
        gateway.quote("AAPL", last=201)
        while prices(stream) != {"AAPL": 201}:
            continue


def test_a_sign_of_life_names_what_would_be_told(
    gateway: IBGateway, bridge: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ib_bridge.web.stream.ALIVE", 0.1)
    with reading(bridge, "AAPL") as stream:
        while until(stream, "alive")["symbols"] != ["AAPL"]:
            continue
        gateway.say(2103, "Market data farm connection is broken:usfarm")
        while until(stream, "alive")["symbols"]:
            continue


def test_a_reader_that_takes_nothing_is_dropped_and_others_go_on(
    gateway: IBGateway, bridge: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ib_bridge.market.stream.MOST", 1)
    for name in ("APART", "SLOW"):
        monkeypatch.setattr(f"ib_bridge.web.stream.{name}", 0.1)
    host, port = bridge.url.removeprefix("http://").split(":")
    with socket.socket() as small:
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.connect((host, int(port)))
        with connect(
            f"ws://{host}:{port}/v1/stream", sock=small, max_queue=1, compression=None, close_timeout=0.1
        ) as stuck:
            numbers = itertools.count()
            eventually(lambda: is_dropped(stuck, next(numbers), caplog), 60)
    with reading(bridge, "AAPL") as stream:
        assert prices(stream) == {"AAPL": 195}


def is_dropped(stuck: ClientConnection, number: int, caplog: pytest.LogCaptureFixture) -> bool:
    """Wish for others, so that a long message is due, and read nothing of it."""
    with suppress(ConnectionClosed):
        stuck.send(json.dumps({"symbols": ["AAPL", *(f"{number:05}-{n:024}" for n in range(499))]}))
    return "A reader of the stream was dropped" in caplog.text


@pytest.mark.parametrize(
    "wish", ["no JSON", "[]", '{"symbols": "AAPL"}', '{"symbols": [5]}', '{"symbols": [""]}', "{}"]
)
def test_a_wish_that_is_none_ends_the_stream_in_words(bridge: Asked, wish: str) -> None:
    with reading(bridge) as stream:
        stream.send(wish)
        with pytest.raises(ConnectionClosed) as ended:
            until(stream, "never")
    assert ended.value.rcvd is not None
    assert (ended.value.rcvd.code, "symbols" in ended.value.rcvd.reason) == (1008, True)


def test_only_who_has_the_token_reads_it_and_no_web_page(gateway: IBGateway, tmp_path: Path) -> None:
    with running.in_thread(gateway.port, tmp_path, token="a-secret") as bridge:
        for headers in ({}, {"Authorization": "Bearer other"}):
            with pytest.raises(InvalidStatus), reading(bridge, "AAPL", **headers):
                pass
        with pytest.raises(InvalidStatus), reading(bridge, Authorization="Bearer a-secret", Origin="null"):
            pass
        with reading(bridge, "AAPL", Authorization="Bearer a-secret") as stream:
            assert prices(stream) == {"AAPL": 195}
