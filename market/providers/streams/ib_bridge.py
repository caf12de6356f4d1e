"""The stream of Jax's own IB Bridge: quotes as they change, four times a second at most (docs/ib-bridge.md).

What IB gives late is left to the poll, which tells its age; so is what is beyond the lines that IB gives.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from market.prices import Feed
from market.providers import ib_rows, wire
from market.providers.streams.base import Clock, Stream, StreamError, Updates
from market.providers.streams.websocket import WebsocketStream

LATE = "IB gives its prices late or of the last close: they come by requests"
ADVICE = "Set IB_BRIDGE_TOKEN to the same text here and where the bridge runs."
NO_SYMBOL = "not a symbol that was asked for"


class Dialogue:
    def __init__(self, updates: Updates) -> None:
        self.is_ready = False
        self._updates = updates
        self._asked: list[str] = []
        self._given: set[str] = set()
        self._left_out: dict[str, str] = {}
        self._late: set[str] = set()

    def take(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        match message.get("kind"):
            case "state":
                self._note_state(message)
            case "subscribed":
                self._left_out = {str(symbol): str(why)[:200] for symbol, why in message["left_out"].items()}
                self._given = {str(symbol) for symbol in message["symbols"]}
                self._tell()
            case "quotes":
                for row in wire.rows_of(message["quotes"]):
                    self._quote(dict(row))
            case "alive":
                for symbol in self._given.intersection(message["symbols"]) - self._late:
                    self._updates.passed_over(symbol)
        return ()

    def ask_for(self, symbols: Sequence[str]) -> Sequence[dict[str, Any]]:
        if [*symbols] == self._asked:
            return ()
        self._asked = [*symbols]
        return [{"symbols": self._asked}]

    def _note_state(self, message: dict[str, Any]) -> None:
        if message.get("connected") is not True:
            words = f"{message.get('message')} {message.get('advice') or ''}".strip()
            raise StreamError(f"IB Bridge: {words[:300]}")
        self.is_ready = True

    def _tell(self) -> None:
        late = dict.fromkeys(self._late & self._given, LATE)
        self._updates.subscribed(self._given - self._late, self._left_out | late)

    def _quote(self, row: dict[str, Any]) -> None:
        symbol = str(row.get("symbol"))
        if symbol not in self._given:
            self._updates.unreadable(NO_SYMBOL)
            return
        mode = ib_rows.told(row, ib_rows.UNKNOWN)
        if (is_late := bool(mode.delay or mode.frozen)) != (symbol in self._late):
            self._late ^= {symbol}
            self._tell()
        if not is_late:
            tick = ib_rows.tick(symbol, row, mode)
            self._updates.tick(ib_rows.at_the_trade(tick, row))


def build(values: Mapping[str, Any], clock: Clock) -> Stream:
    token, url = values["IB_BRIDGE_TOKEN"], str(values["IB_BRIDGE_URL"]).rstrip("/")
    return WebsocketStream(
        "IB Bridge",
        f"ws{url.removeprefix('http')}/v1/stream",
        Feed.LIVE,
        timedelta(0),
        Dialogue,
        advice=ADVICE,
        secrets=[token] if token else [],
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )
