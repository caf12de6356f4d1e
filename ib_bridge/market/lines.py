"""Quotes: IB streams about a hundred symbols at once; the ones asked for last are kept."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from ib_async import IB, Ticker
from ib_async.wrapper import RequestError

from ib_bridge.gateway.contracts import Contracts, Instrument
from ib_bridge.gateway.link import Link, NotReady
from ib_bridge.market.history import History, NoBars, Paced
from ib_bridge.market.units import Unit, unit
from ib_bridge.numbers import finite

logger = logging.getLogger("ib_bridge")

MOST = 95  # of the hundred lines that IB gives; the rest is left to TWS
ABREAST = 40
FIRST_PRICE = 4.0  # seconds
NONE = -1.0  # as IB itself writes a price that there is not
MODES: Mapping[int, str] = {1: "live", 2: "frozen", 3: "delayed", 4: "delayed-frozen"}
WORST_FIRST = ("delayed-frozen", "delayed", "frozen", "live")
NO_DATA = (200, 354, 10168)  # of a line: no such contract, not subscribed


class NoData(Exception):
    """IB gives no quotes of this symbol; the message says why."""


class Lines:
    def __init__(self, link: Link, contracts: Contracts, history: History) -> None:
        self._link, self._contracts, self._history = link, contracts, history
        self._lines: OrderedDict[Instrument, Ticker] = OrderedDict()
        self._connection = 0
        self._abreast = asyncio.Semaphore(ABREAST)
        self._unit = Unit.UNKNOWN
        self._units: asyncio.Future[None] | None = None
        self.streamed: dict[object, Collection[Instrument]] = {}  # by reader; their lines are not given away

    @property
    def mode(self) -> str:
        """Return the worst mode of the lines that are open; unknown when none has said it."""
        modes = {mode_of(ticker) for ticker in self._lines.values()}
        return next((mode for mode in WORST_FIRST if mode in modes), "unknown")

    async def quote(self, instrument: Instrument) -> dict[str, Any]:
        """Return the newest quote. Raises NotReady, NoContract, NoData."""
        async with self._abreast:
            ticker = await self.line(instrument)
            await self._first_price(ticker)
        if (error := self._link.data_errors.get(self._request(ticker))) is not None and error[0] in NO_DATA:
            raise NoData(f"{error[1]} ({error[0]})")
        self._ask_for_units(instrument, ticker)
        return self.as_json(instrument, ticker)

    async def line(self, instrument: Instrument) -> Ticker:
        """Return the ticker of a line, opened when there is none; the line used longest ago makes room."""
        ib = self._link.ib
        self._forget_old_connection()
        if instrument not in self._lines:
            contract = await self._contracts.contract(ib, instrument)
            while len(self._lines) >= MOST:
                self._make_room(ib)
            self._lines[instrument] = ib.reqMktData(contract, "233")
        self._lines.move_to_end(instrument)
        return self._lines[instrument]

    def as_json(self, instrument: Instrument, ticker: Ticker) -> dict[str, Any]:
        now = self._link.clock()
        return {
            "symbol": instrument.symbol,
            "price": finite(ticker.last),
            "bid": _price(ticker.bid),
            "ask": _price(ticker.ask),
            "bid_size": self._shares(ticker.bidSize),
            "ask_size": self._shares(ticker.askSize),
            "volume": self._shares(ticker.volume),
            "timestamp": now.replace(tzinfo=None).isoformat(),
            "exchange": ticker.lastExchange or "SMART",
            "market_data_mode": mode_of(ticker),
            "last_trade_at": _moment(traded_at(ticker)),
            "halted": ticker.halted > 0,
            "volume_unit": self._unit,
        }

    def _shares(self, count: float) -> int:
        return -1 if not math.isfinite(count) or count < 0 else int(count * self._unit.factor)

    def _forget_old_connection(self) -> None:
        if self._connection != self._link.connections:
            self._connection = self._link.connections
            self._lines.clear()
            self._contracts.forget()
            self._unit = Unit.UNKNOWN

    def newest(self, instrument: Instrument) -> dict[str, Any] | None:
        """Return the quote of a line that is open, as it stands; None without one, or without a price."""
        ticker = self._lines.get(instrument) if self._connection == self._link.connections else None
        return None if ticker is None or not ticker.last > 0 else self.as_json(instrument, ticker)

    def why_none(self, instrument: Instrument) -> str:
        """Return why IB gives no quotes of an instrument whose line is open; empty when it gives some."""
        ticker = self._lines.get(instrument)
        error = None if ticker is None else self._link.data_errors.get(self._request(ticker))
        return f"{error[1]} ({error[0]})" if error is not None and error[0] in NO_DATA else ""

    def _make_room(self, ib: IB) -> None:
        """Close the line that was used longest ago and that nobody streams."""
        kept = {instrument for wanted in self.streamed.values() for instrument in wanted}
        oldest = next(instrument for instrument in self._lines if instrument not in kept)
        self._close(ib, oldest, self._lines.pop(oldest))

    def _close(self, ib: IB, instrument: Instrument, ticker: Ticker) -> None:
        if ticker.contract is not None:
            ib.cancelMktData(ticker.contract)

    async def _first_price(self, ticker: Ticker) -> None:
        """Wait for a last price, an error or the end of patience: before its first trade a share has none."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + FIRST_PRICE
        while not ticker.last > 0 and self._request(ticker) not in self._link.data_errors:
            left = ends - loop.time()
            if left <= 0 or not self._link.status.is_ready:
                return
            await self._link.ticks.wait(left)

    def _request(self, ticker: Ticker) -> int:
        requests: dict[Ticker, int] = self._link.recorder.ticker2ReqId["mktData"]
        return requests.get(ticker, 0)

    def _ask_for_units(self, instrument: Instrument, ticker: Ticker) -> None:
        """Find out once in a connection whether volumes are in shares or lots."""
        is_asked = self._units is not None and not self._units.done()
        if self._unit is Unit.UNKNOWN and not is_asked and ticker.volume > 0 and instrument.currency == "USD":
            self._units = asyncio.ensure_future(self._find_units(instrument, ticker))

    async def _find_units(self, instrument: Instrument, ticker: Ticker) -> None:
        try:
            bars = await self._history.bars(instrument, "1 D", "1 day")
        except (NoBars, Paced, NotReady, TimeoutError, ConnectionError, RequestError):
            return
        self._unit = unit(ticker.volume, bars[-1]["volume"] if bars else 0)
        logger.info("Volumes of US shares come in %s.", self._unit)


def mode_of(ticker: Ticker) -> str:
    return MODES.get(ticker.marketDataType, "unknown") if ticker.last > 0 or ticker.bid > 0 else "unknown"


def traded_at(ticker: Ticker) -> datetime | None:
    """Return when the last price was traded, as far as IB says it."""
    return ticker.rtTime or ticker.lastTimestamp or ticker.delayedLastTimestamp


def _price(value: float) -> float:
    return value if math.isfinite(value) and value > 0 else NONE


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
