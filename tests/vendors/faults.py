"""What can go wrong with an answer, and with the bars in one."""

import contextlib
import os
import random
import socket
import struct
from datetime import timedelta

from tests.vendors.prices import Bar
from tests.vendors.server import Fault, Reply, Turn

MEGABYTE = 2**20


def slow(seconds: float) -> Fault:
    def fault(turn: Turn) -> None:
        turn.wait(seconds)
        turn.send(turn.reply())

    return fault


def never(turn: Turn) -> None:
    """Accepts the request and says nothing."""
    turn.wait()


def drip(seconds: float) -> Fault:
    """One byte of the head at a time, so that no read ever times out."""

    def fault(turn: Turn) -> None:
        reply = turn.reply()
        for byte in turn.vendor.head(reply, len(reply.body)) + reply.body:
            if turn.vendor.closing.is_set():
                return
            turn.connection.sendall(bytes([byte]))
            turn.wait(seconds)

    return fault


def drip_body(seconds: float) -> Fault:
    """The head at once, then one byte of the body at a time."""

    def fault(turn: Turn) -> None:
        reply = turn.reply()
        turn.connection.sendall(turn.vendor.head(reply, len(reply.body)))
        for byte in reply.body:
            if turn.vendor.closing.is_set():
                return
            turn.connection.sendall(bytes([byte]))
            turn.wait(seconds)

    return fault


def status(code: int, *, retry_after: str | None = None, detail: str = "not today") -> Fault:
    headers = {} if retry_after is None else {"Retry_After": retry_after}

    def fault(turn: Turn) -> None:
        turn.send(Reply.json({"detail": detail}, code, **headers))

    return fault


def web_page(turn: Turn) -> None:
    """What a proxy or a hotel's network says instead, with 200."""
    page = b"<!DOCTYPE html><html><head><title>Please log in</title></head><body>Welcome</body></html>"
    turn.send(Reply(page, headers={"Content-Type": "text/html"}))


def truncated(turn: Turn) -> None:
    """Half of the JSON, declared as if it were all."""
    reply = turn.reply()
    turn.send(Reply(reply.body[: len(reply.body) // 2], reply.status, reply.headers))


def cut_off(turn: Turn) -> None:
    """Half of what was declared, then the connection ends."""
    reply = turn.reply()
    turn.connection.sendall(turn.vendor.head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
    turn.connection.shutdown(socket.SHUT_RDWR)


def huge(megabytes: int = 100, *, declared: bool = False) -> Fault:
    """That much JSON string; not declared it comes in chunks."""

    def fault(turn: Turn) -> None:
        chunk = b"x" * MEGABYTE
        reply = Reply(b"", headers={} if declared else {"Transfer-Encoding": "chunked"})
        with contextlib.suppress(OSError):
            turn.connection.sendall(turn.vendor.head(reply, megabytes * MEGABYTE if declared else None))
            for _ in range(megabytes):
                framed = chunk if declared else b"%x\r\n%s\r\n" % (len(chunk), chunk)
                turn.connection.sendall(framed)
            turn.connection.sendall(b"" if declared else b"0\r\n\r\n")

    return fault


def redirect(to: str) -> Fault:
    return lambda turn: turn.send(Reply(b"", 302, {"Location": to}))


def reset(turn: Turn) -> None:
    """The connection breaks without a word (RST)."""
    turn.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(turn.connection.detach())  # close() would wait for the file that reads from it


# --- bars: for `vendor.spoil` -----------------------------------------------------------------------------


def with_nan(bars: list[Bar]) -> list[Bar]:
    return _every_third(bars, float("nan"))


def with_zeros(bars: list[Bar]) -> list[Bar]:
    return _every_third(bars, 0.0)


def with_minus_one(bars: list[Bar]) -> list[Bar]:
    return _every_third(bars, -1.0)


def duplicated(bars: list[Bar]) -> list[Bar]:
    return [twin for bar in bars for twin in (bar, bar)]


def unordered(bars: list[Bar]) -> list[Bar]:
    return random.Random(1).sample(bars, len(bars))


def from_the_future(bars: list[Bar]) -> list[Bar]:
    """Three more bars of some days ahead."""
    return bars + [bar._replace(opened_at=bar.opened_at + timedelta(days=14)) for bar in bars[-3:]]


def _every_third(bars: list[Bar], value: float) -> list[Bar]:
    return [
        bar._replace(open=value, high=value, low=value, close=value) if n % 3 == 1 else bar
        for n, bar in enumerate(bars)
    ]
