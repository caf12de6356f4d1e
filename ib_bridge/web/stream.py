"""The stream of ticks: a websocket. One that reads too slowly is closed in words, and connects again."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ib_bridge.gateway.link import NotReady
from ib_bridge.market.stream import Message, Reader
from ib_bridge.web.bridge import bridge_of

logger = logging.getLogger("ib_bridge")

APART = 0.25  # seconds between two messages with quotes
SLOW = 10.0  # seconds that one message may take
ALIVE = 10.0  # seconds between two signs of life
LARGEST, LONGEST = 500, 30  # symbols of one wish, letters of a symbol
TOO_SLOW = "Too slow: one message was not taken for 10 s. Connect again."
MALFORMED = 'Say {"symbols": ["AAPL", ...]}, at most 500 of them.'
POLICY, TRY_AGAIN = 1008, 1013


class Slow(Exception):
    """The reader takes nothing."""


async def stream(socket: WebSocket) -> None:
    bridge = bridge_of(socket)
    await socket.accept()
    reader = Reader(bridge.link, bridge.lines)
    tasks = [asyncio.ensure_future(_listen(socket, reader)), asyncio.ensure_future(_tell(socket, reader))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ending = next(iter(done)).exception()
    finally:
        reader.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(ending, Slow):
        logger.warning("A reader of the stream was dropped. %s", TOO_SLOW)
        await _close(socket, TRY_AGAIN, TOO_SLOW)
    elif isinstance(ending, ValueError):
        await _close(socket, POLICY, MALFORMED)
    elif ending is not None and not isinstance(ending, WebSocketDisconnect):
        raise ending


async def _listen(socket: WebSocket, reader: Reader) -> None:
    """Take wishes until the reader is gone. Raises WebSocketDisconnect, ValueError for one that is none."""
    while True:
        wish = await socket.receive_json()
        reader.want(_symbols(wish.get("symbols") if isinstance(wish, dict) else None))


def _symbols(wished: Any) -> list[str]:
    if not isinstance(wished, list) or len(wished) > LARGEST:
        raise ValueError(MALFORMED)
    if not all(isinstance(symbol, str) and 0 < len(symbol) <= LONGEST for symbol in wished):
        raise ValueError(MALFORMED)
    return wished


async def _tell(socket: WebSocket, reader: Reader) -> None:
    """Tell the state first, then what is streamed, and quotes as they change. Raises Slow."""
    loop = asyncio.get_running_loop()
    state, alive_at = reader.state(), loop.time()
    await _send(socket, state)
    while True:
        with suppress(NotReady, TimeoutError, ConnectionError):
            await reader.open_lines()
        messages = [reader.subscribed(), reader.quotes()]
        if (now := reader.state()) != state:
            state = now
            messages.insert(0, state)
        if loop.time() - alive_at >= ALIVE:
            alive_at = loop.time()
            messages.append(reader.alive())
        for message in messages:
            if message is not None:
                await _send(socket, message)
        await asyncio.sleep(APART)


async def _send(socket: WebSocket, message: Message) -> None:
    try:
        async with asyncio.timeout(SLOW):  # wait_for of Python 3.11 can swallow that it is cancelled
            await socket.send_json(message)
    except TimeoutError:
        raise Slow from None


async def _close(socket: WebSocket, code: int, why: str) -> None:
    with suppress(TimeoutError, RuntimeError):
        await asyncio.wait_for(socket.close(code, why), 1.0)


ROUTES = [WebSocketRoute("/v1/stream", stream)]
