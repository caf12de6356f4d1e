"""What one reader of the stream is told: of its symbols the newest quotes, whatever came between.

Only the newest is kept, and one message is under way at a time: slow readers take no more room than others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ib_bridge.conditions import COMPETING
from ib_bridge.gateway.contracts import Instrument, NoContract
from ib_bridge.gateway.link import Link
from ib_bridge.market.lines import Lines

# Of the lines that IB gives. The others are for quotes that are asked for, as many as are asked side by side.
MOST = 50
BEYOND = f"IB gives about a hundred symbols at once: the first {MOST} that were asked for are streamed"
TOLD = (
    "price",
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "volume",
    "halted",
    "market_data_mode",
    "last_trade_at",
)
FARM_DOWN = 2103

Message = dict[str, Any]


class Reader:
    """`wanted`: the symbols, the most important first."""

    def __init__(self, link: Link, lines: Lines) -> None:
        self._link, self._lines = link, lines
        self._wanted: list[Instrument] = []
        self._left_out: dict[str, str] = {}
        self._sent: dict[Instrument, tuple[object, ...]] = {}
        self._subscribed: Message | None = None

    def want(self, symbols: Sequence[str]) -> None:
        """Stream these symbols from now on, and no others."""
        instruments = [Instrument(symbol) for symbol in dict.fromkeys(symbols)]
        taken = sum(len(wanted) for reader, wanted in self._lines.streamed.items() if reader is not self)
        room = max(MOST - taken, 0)
        self._wanted, beyond = instruments[:room], instruments[room:]
        self._left_out = {instrument.symbol: BEYOND for instrument in beyond}
        self._sent = {key: told for key, told in self._sent.items() if key in self._wanted}
        self._lines.streamed[self] = self._wanted

    def end(self) -> None:
        self._lines.streamed.pop(self, None)

    async def open_lines(self) -> None:
        """Open the lines that are not open. Raises NotReady, TimeoutError and ConnectionError."""
        for instrument in list(self._wanted):
            try:
                await self._lines.line(instrument)
                why = self._lines.why_none(instrument)
            except NoContract as reason:
                why = str(reason)
            if why and instrument in self._wanted:
                self._wanted.remove(instrument)
                self._left_out[instrument.symbol] = why

    def state(self) -> Message:
        """Return how the connection to the gateway stands."""
        link, told = self._link, self._link.status.as_json()
        facts = {name: told[name] for name in ("state", "message", "advice", "since")}
        is_ready = link.status.is_ready
        return {"kind": "state", "connected": is_ready, "connection": link.connections, **facts}

    def subscribed(self) -> Message | None:
        """Return what is streamed and what is not, when that has changed."""
        symbols = [instrument.symbol for instrument in self._wanted]
        message = {"kind": "subscribed", "symbols": symbols, "left_out": dict(self._left_out)}
        is_new, self._subscribed = message != self._subscribed, message
        return message if is_new else None

    def quotes(self) -> Message | None:
        """Return the quotes that have changed since they were told last; None when none has."""
        changed = []
        for instrument in self._wanted:
            quote = self._lines.newest(instrument)
            told = None if quote is None else tuple(quote[name] for name in TOLD)
            if quote is not None and told is not None and told != self._sent.get(instrument):
                self._sent[instrument] = told
                changed.append(quote)
        return {"kind": "quotes", "quotes": changed} if changed else None

    def alive(self) -> Message:
        """Return the symbols of which nothing came because nothing happened, as far as is known."""
        codes: Mapping[int, object] = {notice.code: notice for notice in self._link.status.notices()}
        is_down = not self._link.status.is_ready or COMPETING in codes or FARM_DOWN in codes
        return {"kind": "alive", "symbols": [] if is_down else [each.symbol for each in self._wanted]}
