"""One vendor of all dialects on loopback, that does everything at once. It keeps what it has said."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.market.everything.tape import Share, Tape
from tests.vendors import Alpaca, IBBridge, Polygon, faults, prices
from tests.vendors.prices import Bar
from tests.vendors.server import Reply, Vendor, Visit
from tests.vendors.streams import PolygonStream

TOKYO = ZoneInfo("Asia/Tokyo")
HOURS = (time(9), time(15, 30))
FOREIGN = "https://api.elsewhere.example"


@dataclass(frozen=True)
class Said:
    """An answer as it was sent whole, with its request."""

    provider: str
    path: str
    query: dict[str, str]
    body: Any


class Keeps(Vendor):
    """Keeps what it has said, and tells the time of the test."""

    provider = ""
    clock: Callable[[], datetime]
    said: list[Said]

    @property
    def at(self) -> datetime:
        return self.clock()

    def reply_to(self, visit: Visit) -> Reply:
        reply = super().reply_to(visit)
        if reply.status == 200:
            body = json.loads(reply.body)
            self.said.append(Said(self.provider, visit.path, visit.query, body))
        return reply


class Massive(Keeps, Polygon):
    """Small pages with a foreign address of the next; snapshots by the tape, some of them absurd."""

    provider = "polygon"
    tape: Tape
    silent: Share
    absurd: dict[str, int]  # the time of its last trade, whatever it is

    def _ticker(self, symbol: str) -> dict[str, Any]:
        row = super()._ticker(symbol)
        if symbol in self.absurd:
            row["lastTrade"]["t"] = self.absurd[symbol]
        elif symbol == self.silent.symbol:
            self.silent.print(self.silent.price, self.clock())
            _tell(row, self.silent)
        elif symbol in self.tape.shares:
            _tell(row, self.tape.shares[symbol])
        return row

    def _aggregates(self, symbol: str, *span: Any) -> Reply:
        if symbol not in self.symbols:
            return Reply.json({"status": "NOT_FOUND", "message": "no such ticker"}, 404)
        return super()._aggregates(symbol, *span)


def _tell(row: dict[str, Any], share: Share) -> None:
    price, codes, at = share.last
    stamp = int(at.timestamp() * 1000)
    row["lastTrade"] |= {"p": price, "c": codes, "t": stamp * 10**6}
    row["lastQuote"] |= {"p": share.bid, "P": share.ask}
    close = share.price if share.doubtful is None else share.doubtful
    row["min"] |= {"c": close, "t": int(share.set_at.timestamp()) // 60 * 60_000}


class Fallback(Keeps, Alpaca):
    """Refuses requests that name what it does not have; counts some volumes in lots."""

    provider = "alpaca"
    lots: frozenset[str] = frozenset()

    def answer(self, visit: Visit) -> Reply:
        symbols = [symbol for symbol in visit.query.get("symbols", "").split(",") if symbol]
        strange = [symbol for symbol in symbols if symbol not in self.symbols]
        if strange and visit.path == "/v2/stocks/bars":
            return Reply.json({"code": 40010001, "message": f"invalid symbol: {' '.join(strange)}"}, 400)
        return super().answer(visit)

    def bars(self, symbol: str, *span: Any, last: int = 0) -> list[Bar]:
        given = super().bars(symbol, *span, last=last)
        return [bar._replace(volume=bar.volume // 100) for bar in given] if symbol in self.lots else given


class Bridge(Keeps, IBBridge):
    """Without a gateway until it is asked; of some symbols its stamps are naive, or of another zone.

    Its mode changes within each asking for quotes: with the first of its symbols, whoever else looks at it.
    """

    provider = "ib_bridge"
    naive = shifted = ""
    tokyo: frozenset[str] = frozenset()

    def _quote(self, symbol: str) -> dict[str, Any]:
        if symbol == min(self.symbols):
            self.mode = "delayed" if self.mode == "live" else "live"
        return super()._quote(symbol)

    def _candles(self, symbol: str, query: dict[str, str]) -> Reply:
        reply = super()._candles(symbol, query)
        body = json.loads(reply.body)
        for row in body["candles"] if symbol in (self.naive, self.shifted) else []:
            at = datetime.fromisoformat(row["timestamp"])
            if at.tzinfo:
                row["timestamp"] = _stamp(at, is_naive=symbol == self.naive)
        return Reply.json(body)

    def bars(self, symbol: str, *span: Any, last: int = 0) -> list[Bar]:
        if symbol not in self.tokyo:
            return super().bars(symbol, *span, last=last)
        length, start, end = span
        return _in_tokyo(symbol, length, start, end)[-last:]


def _stamp(at: datetime, *, is_naive: bool) -> str:
    return (at.replace(tzinfo=None) if is_naive else at + timedelta(hours=8)).isoformat()


def _in_tokyo(symbol: str, length: timedelta, start: datetime, end: datetime) -> list[Bar]:
    """Return bars of Tokyo's hours, those of lunch too, which the exchange does not have."""
    first = start.astimezone(TOKYO).date()
    days = [first + timedelta(days=n) for n in range((end - start).days + 2)]
    openings = [at for day in days if day.weekday() < 5 for at in _openings(day, length)]
    return [prices._bar(symbol, at, length, end) for at in openings if start <= at <= end]


def _openings(day: date, length: timedelta) -> list[datetime]:
    if length >= prices.DAY:
        return [prices.local_midnight(day)]
    opens, closes = (datetime.combine(day, clock, TOKYO).astimezone(UTC) for clock in HOURS)
    return [opens + n * length for n in range((closes - opens) // length)]


@dataclass
class Everything:
    """The vendor: three addresses for requests, one for the stream. `said`: each answer that was sent."""

    clock: Callable[[], datetime]
    polygon: Massive
    alpaca: Fallback
    bridge: Bridge
    stream: PolygonStream
    said: list[Said] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        addresses = {"IB_BRIDGE_URL": self.bridge.url, "PROVIDERS": "polygon,alpaca,ib_bridge"}
        rates = {"POLYGON_REQUESTS_PER_MINUTE": "10000", "ALPACA_REQUESTS_PER_MINUTE": "10000"}
        return {**self.polygon.settings, **self.alpaca.settings, **self.stream.settings, **addresses, **rates}


@contextmanager
def everything(
    clock: Callable[[], datetime], polygon: Sequence[str], alpaca: Sequence[str], bridge: Sequence[str]
) -> Iterator[Everything]:
    """Run it. The second source has the symbols of the first one, too."""
    with (
        Massive(symbols=polygon, page=400) as massive,
        Fallback(symbols=[*polygon, *alpaca]) as fallback,
        Bridge(symbols=bridge) as ib,
        PolygonStream() as stream,
    ):
        vendor = Everything(clock, massive, fallback, ib, stream)
        for part in (massive, fallback, ib):
            part.clock, part.said = clock, vendor.said
        massive.next_host = FOREIGN
        ib.connected = False
        yield vendor


def trouble(vendor: Everything, kind: int) -> None:
    """Have the next requests fail in one of the ways that vendors have."""
    massive, fallback, ib = vendor.polygon, vendor.alpaca, vendor.bridge
    doings: list[Callable[[], None]] = [
        lambda: massive.fail(faults.status(503), on="/v2/aggs/*", times=6),
        lambda: massive.fail(faults.status(429, retry_after="1"), on="/v2/*", times=3),
        lambda: massive.fail(faults.slow(1.5), on="/v2/aggs/*", times=4),
        lambda: massive.fail(faults.truncated, on="/v2/*", times=2),
        lambda: fallback.fail(faults.cut_off, times=2),
        lambda: fallback.fail(faults.status(500), times=3),
        lambda: ib.fail(faults.reset, on="/quotes/*", times=2),
        lambda: ib.fail(faults.web_page, on="/candles/*", times=1),
    ]
    doings[kind % len(doings)]()
