"""What must be stored, computed again in plain Python from what the vendor has sent, with nothing of ours."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
NOT_LAST = {2, 5, 7, 10, 20, 21, 22, 29, 33, 37, 52, 53}
FAR = 0.15  # all that the tape moves is below 0.3 percent, or a tenth and more
NAMES = {"minute": "15m", "day": "1d", "15Min": "15m", "1Day": "1d"}


@dataclass
class State:
    """The newest price of a share and what is known of it."""

    price: float | None = None
    bid: float | None = None
    ask: float | None = None
    doubtful: float | None = None
    is_halted: bool = False
    at: float = 0.0

    def columns(self) -> dict[str, Any]:
        return {
            "price": self.price,
            "bid": self.bid,
            "ask": self.ask,
            "doubtful_price": self.doubtful,
            "is_halted": self.is_halted,
        }


def newest(
    beats: Iterable[Sequence[Mapping[str, Any]]], symbols: Iterable[str], now: float
) -> dict[str, State]:
    """Return what the messages say of each share: by the time of its trades, not by their order."""
    states = {symbol: State() for symbol in symbols}
    for messages in beats:
        trades: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for message in messages:
            state = states.get(str(message.get("sym", message.get("T"))))
            if state is None:
                continue
            if message["ev"] == "Q":
                state.bid, state.ask = message["bp"], message["ap"]
            elif message["ev"] == "LULD":
                state.is_halted = 17 in message["i"]
            elif is_trade(message, now):
                trades[message["sym"]].append((message["t"], message["p"]))
        for symbol, told in trades.items():
            for at, price in sorted(set(told)):
                trade(states[symbol], at, price)
    return states


def is_trade(message: Mapping[str, Any], now: float) -> bool:
    """Return whether it sets the last price: a price, at a time of today that is not ahead."""
    price, stamp = message["p"], message["t"]
    is_number = isinstance(price, float) and 0 < price < 1e9
    is_today = isinstance(stamp, int) and now - 86_400 < stamp / 1000 < now + 20
    return is_number and is_today and not NOT_LAST & {*message["c"]}


def trade(state: State, at: float, price: float) -> None:
    if at < state.at:
        return
    is_doubtful = (
        state.price is not None
        and is_far(price, state.price)
        and is_far(price, (state.bid or 0) / 2 + (state.ask or 0) / 2)
        and (state.doubtful is None or at == state.at or is_far(price, state.doubtful))
    )
    if is_doubtful:
        state.doubtful = price
    else:
        state.price, state.doubtful = price, None
    state.at = at


def is_far(price: float, other: float) -> bool:
    return abs(price / other - 1) > FAR if other else True


class Row(NamedTuple):
    """A bar as a vendor wrote it."""

    provider: str
    symbol: str
    timeframe: str
    opened_at: datetime
    prices: tuple[float, ...]  # open, high, low, close, volume


def bars(said: Iterable[Any]) -> Iterator[Row]:
    """Return each bar of each answer, in the order of sending."""
    for answer in said:
        if answer.provider == "polygon" and "/v2/aggs/" in answer.path:
            _, _, _, _, symbol, _, _, unit, *_ = answer.path.split("/")
            for row in answer.body.get("results", []):
                at = datetime.fromtimestamp(row["t"] / 1000, UTC)
                yield Row("polygon", symbol, NAMES[unit], _day(at, NAMES[unit]), _prices(row, "ohlcv"))
        elif answer.provider == "alpaca" and answer.path == "/v2/stocks/bars":
            timeframe = NAMES[answer.query["timeframe"]]
            for symbol, rows in answer.body["bars"].items():
                for row in rows:
                    at = datetime.fromisoformat(row["t"])
                    yield Row("alpaca", symbol, timeframe, _day(at, timeframe), _prices(row, "ohlcv"))
        elif answer.provider == "ib_bridge" and answer.path.startswith("/candles/"):
            timeframe = answer.query["timeframe"]
            for row in answer.body["candles"]:
                at = datetime.fromisoformat(row["timestamp"])
                names = ("open", "high", "low", "close", "volume")
                at = at.replace(tzinfo=at.tzinfo or UTC)
                yield Row("ib_bridge", answer.path.split("/")[2], timeframe, at, _prices(row, names))


def _day(at: datetime, timeframe: str) -> datetime:
    """Return the opening of a bar; that of a day is written as its date in New York."""
    if timeframe != "1d":
        return at
    return datetime.combine(at.astimezone(NEW_YORK).date(), datetime.min.time(), UTC)


def _prices(row: Mapping[str, Any], names: Iterable[str]) -> tuple[float, ...]:
    return tuple(float(row[name]) for name in names)
