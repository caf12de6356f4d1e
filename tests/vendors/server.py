"""A small, quick HTTP/1.1 server with kept-open connections, a strict limit and faults."""

import fnmatch
import json
import math
import socket
import socketserver
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.vendors import prices
from tests.vendors.prices import Bar


@dataclass(frozen=True)
class Visit:
    """A request as it arrived: `at` on the monotonic clock, header names in lower case."""

    at: float
    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def content(self) -> Any:
        """The body as JSON; None when it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, content: object, status: int = 200, **headers: str) -> "Reply":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps(content).encode(), status, {"Content-Type": "application/json", **named})


class Turn:
    """One request in the hands of a fault: the visit, the answer it would have got, and the bare socket."""

    def __init__(self, vendor: "Vendor", visit: Visit, connection: socket.socket) -> None:
        self.vendor, self.visit, self.connection = vendor, visit, connection

    def reply(self) -> Reply:
        return self.vendor.reply_to(self.visit)

    def send(self, reply: Reply) -> None:
        self.connection.sendall(self.vendor.head(reply, len(reply.body)) + reply.body)

    def wait(self, seconds: float | None = None) -> None:
        """Sleep, but not longer than the server lives."""
        self.vendor.closing.wait(seconds)


Fault = Callable[[Turn], None]


class Vendor(socketserver.ThreadingTCPServer):
    """Base of the vendors. `now`: a fixed moment, else the real clock. `cached`: build each answer once.

    `allows`: (count, seconds), kept as a strict sliding window, 429 beyond. `latency`: seconds before each
    answer that counts. `prices`: what a symbol costs instead of the made-up price. `rates`: what
    pairs like EUR/USD are worth; None where the plan has none. `basis`: a factor on all
    prices of a symbol (a split restated). `spoil`: changes bars before they are sent. `answers`: by path.
    `prints`: price and condition codes of a symbol's last trade when it is not at its price; `traded_at`: its
    time; `books`: bid and ask.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    unlimited: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        port: int = 0,
        symbols: Sequence[str] = prices.WATCHLIST,
        now: datetime | None = None,
        latency: float = 0.0,
        allows: tuple[int, float] | None = None,
        cached: bool = False,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.symbols, self.now, self.latency, self.allows = tuple(symbols), now, latency, allows
        self.cached = cached
        self.prices: dict[str, float] = {}
        self.basis: dict[str, float] = {}
        self.rates: dict[str, float] | None = None
        self.prints: dict[str, tuple[float, list[Any]]] = {}
        self.traded_at: dict[str, datetime] = {}
        self.books: dict[str, tuple[float, float]] = {}
        self.spoil: Callable[[list[Bar]], list[Bar]] = list
        self.answers: dict[str, Any] = {}
        self.visits: list[Visit] = []
        self.turned_away = self.connections = 0
        self.closing = threading.Event()
        self._faults: list[tuple[str, Fault, list[int]]] = []
        self._awaited: list[tuple[Callable[[Visit], bool], Fault]] = []
        self._recent: deque[float] = deque()
        self._built: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that make a provider ask here; the kit of tests/conformance adds the address."""
        return {}

    @property
    def at(self) -> datetime:
        return self.now or datetime.fromtimestamp(time.time(), UTC)

    def fail(self, fault: Fault, on: str = "*", times: int = 1_000_000) -> None:
        """From now on, so many times, requests whose path matches `on` meet this fault."""
        with self._lock:
            self._faults.insert(0, (on, fault, [times]))

    def fail_when(self, is_met: Callable[[Visit], bool], fault: Fault) -> None:
        """The next request of which this is true meets this fault."""
        with self._lock:
            self._awaited.append((is_met, fault))

    def heal(self) -> None:
        with self._lock:
            self._faults.clear()
            self._awaited.clear()

    def visits_to(self, path: str = "*") -> list[Visit]:
        return [visit for visit in self.visits if fnmatch.fnmatchcase(visit.path, path)]

    def start(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Like a process that dies: open connections break, new ones are refused."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.break_connections()

    def break_connections(self) -> None:
        """Break what is open, as a network does: without a word."""
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        if not self.closing.is_set():
            self.stop()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
            self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of our business."""

    def answer(self, visit: Visit) -> Reply:
        """What the vendor says. Each vendor has its own."""
        raise NotImplementedError

    def serve(self, visit: Visit, connection: socket.socket) -> None:
        self.visits.append(visit)
        turn = Turn(self, visit, connection)
        if (fault := self._fault_for(visit)) is not None:
            fault(turn)
            return
        if (away := self._turn_away(visit)) is not None:
            turn.send(away)
            return
        if self.latency and visit.path not in self.unlimited:
            turn.wait(self.latency)
        turn.send(self.reply_to(visit))

    def reply_to(self, visit: Visit) -> Reply:
        if visit.path in self.answers:
            return Reply.json(self.answers[visit.path])
        if not self.cached or visit.method == "POST":
            return self.answer(visit)
        if visit.target not in self._built:
            self._built[visit.target] = self.answer(visit)
        return self._built[visit.target]

    def head(self, reply: Reply, length: int | None) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} Spoken", f"Date: {format_datetime(self.at, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()

    def price(self, symbol: str) -> float:
        return self.prices.get(symbol, prices.price(symbol, self.at) * self.basis.get(symbol, 1.0))

    def bars(self, symbol: str, *span: Any, last: int = 0) -> list[Bar]:
        """The arguments of `prices.bars`, and how many at most, 0: all."""
        factor = self.basis.get(symbol, 1.0)
        return self.spoil(
            [
                bar._replace(
                    open=bar.open * factor,
                    high=bar.high * factor,
                    low=bar.low * factor,
                    close=bar.close * factor,
                    volume=bar.volume / factor,
                    vwap=bar.vwap * factor,
                )
                if factor != 1.0
                else bar
                for bar in prices.bars(symbol, *span)[-last:]
            ]
        )

    def _fault_for(self, visit: Visit) -> Fault | None:
        with self._lock:
            for awaited in self._awaited:
                if awaited[0](visit):
                    self._awaited.remove(awaited)
                    return awaited[1]
            for on, fault, left in self._faults:
                if left[0] > 0 and fnmatch.fnmatchcase(visit.path, on):
                    left[0] -= 1
                    return fault
        return None

    def _turn_away(self, visit: Visit) -> Reply | None:
        if self.allows is None or visit.path in self.unlimited:
            return None
        count, seconds = self.allows
        with self._lock:
            while self._recent and self._recent[0] <= visit.at - seconds:
                self._recent.popleft()
            if len(self._recent) < count:
                self._recent.append(visit.at)
                return None
            self.turned_away += 1
            wait = math.ceil(self._recent[0] + seconds - visit.at)
        return Reply.json({"message": "too many requests."}, 429, Retry_After=str(wait))


class _Conversation(socketserver.StreamRequestHandler):
    """Reads requests from one connection until either side has enough."""

    server: Vendor
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while not self.server.closing.is_set() and (line := self.rfile.readline()):
            at = time.monotonic()
            method, target, _ = line.decode("latin-1").split(" ", 2)
            headers = {}
            while (header := self.rfile.readline().decode("latin-1").strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", "0")))
            parts = urlsplit(target)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            visit = Visit(at, method, target, unquote(parts.path), query, headers, body)
            self.server.serve(visit, self.connection)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
