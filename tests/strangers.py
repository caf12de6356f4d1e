"""Clients that mean no good, or have a bad connection: they send, or read, as slowly as they may."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

HEAD = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
POST = f"POST /login/ HTTP/1.1\r\n{HEAD}"
LARGE_FILE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"  # 1.5 MB, without log-in
PAUSE = 0.5  # seconds between two bytes

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Habit = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def trickle_a_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
    await _trickle(writer)


async def trickle_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"{POST}Content-Length: 5000\r\n\r\n".encode())
    await _trickle(writer)


async def send_without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode())
    while True:
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(PAUSE / 100)


async def read_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for a large file, again and again, and read none of it."""
    writer.write(f"GET {LARGE_FILE} HTTP/1.1\r\n{HEAD}\r\n".encode() * 5)
    await asyncio.Event().wait()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(PAUSE)


@contextmanager
def strangers(port: int, habit: Habit, count: int, host: str = "127.0.0.1") -> Iterator[Callable[[], int]]:
    """That many at work, all of them connected; yields what tells how many connections are open still."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    open_ones: set[asyncio.StreamWriter] = set()

    async def behave(streams: Streams) -> None:
        open_ones.add(streams[1])
        with suppress(OSError):
            await habit(*streams)
        open_ones.discard(streams[1])

    async def begin() -> list[asyncio.Task[None]]:
        met = []
        for _ in range(0, count, 100):
            connecting = [asyncio.open_connection(host, port, limit=1024) for _ in range(min(count, 100))]
            met += await asyncio.gather(*connecting)
        return [loop.create_task(behave(streams)) for streams in met]

    async def end(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in open_ones:
            writer.transport.abort()

    tasks = asyncio.run_coroutine_threadsafe(begin(), loop).result(60)
    try:
        yield lambda: len(open_ones)
    finally:
        asyncio.run_coroutine_threadsafe(end(tasks), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
