"""IB Bridge: an Interactive Brokers account over HTTP, one request for each symbol."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import numpy as np

from core.http import Client, Patience, Request
from core.registry import Setting
from core.registry.kinds import KEY, Endpoint, Url, Whole
from market.prices import Bars, Feed, Instants, QuoteTick, Timeframe
from market.providers import wire
from market.providers.base import (
    Candles,
    Limit,
    OldNames,
    OwnProcess,
    Pace,
    ProviderError,
    ProviderSpec,
    Quotes,
    Report,
    RequestRate,
    Watchlist,
)

# IB counts 50 messages in a second and 60 historical requests in 10 minutes. The little more keeps us inside
# its windows although requests do not travel equally fast.
MESSAGES = Limit("messages", 50, 1.1)
HISTORY = Limit("history", 60, 605.0)
SAME_AGAIN = 16.0  # seconds before an identical historical request
# Quotes send no historical requests: of the messages alone, candles leave them some.
CANDLE_MESSAGES = replace(MESSAGES, count=MESSAGES.count - 10)
QUOTES_ABREAST, HISTORY_ABREAST = 50, 8
# The bridge gives up on its gateway after 75 s. The gateway may be away for hours.
RECONNECT = Limit("connect", 1, 300.0)
MOST_BARS = 1000
SESSION_HOURS = 8.5  # no exchange that IB serves has longer regular hours by much
DELAY = timedelta(minutes=15)
A_DAY = np.timedelta64(1, "D")
DATE_LENGTH = len("2024-07-03")
NEW_YORK, CLOSE = ZoneInfo("America/New_York"), time(16)
HEALTH = Request("/health", counted=False)
CONNECT = Request("/connect", counted=False, body="{}")
ZONE_ADVICE = (
    'its times have no zone, so they may be those of any: set "Send instrument-specific attributes for'
    " dual-mode API client in\" to UTC format in the gateway's API settings"
)
CANDLE_KEYS = ("open", "high", "low", "close", "volume", "vwap")


@dataclass(frozen=True)
class Mode:
    """What `market_data_mode` means. Frozen: the last prices before the close."""

    feed: Feed
    delay: timedelta = timedelta(0)
    frozen: bool = False

    def worse(self, other: "Mode") -> "Mode":
        """Return what two modes have of delay and of age."""
        late = self if self.delay >= other.delay else other
        return replace(late, frozen=self.frozen or other.frozen)


MODES = {
    "live": Mode(Feed.LIVE),
    "frozen": Mode(Feed.LIVE, frozen=True),
    "delayed": Mode(Feed.DELAYED, DELAY),
    "delayed-frozen": Mode(Feed.DELAYED, DELAY, frozen=True),
}
# Never more than we know: a price that may be late is called late.
UNKNOWN = Mode(Feed.DELAYED, DELAY)


class Unreadable(ValueError):
    """An answer that does not give what was asked, and why."""


class Untraded(Unreadable):
    """An answer without a price, as before the first trade of a day."""


class IBBridge:
    name = "ib_bridge"

    def __init__(
        self, base_url: str, *, pace: Pace, token: str = "", patience: Patience | None = None
    ) -> None:
        self._client = Client(
            "IB Bridge",
            base_url,
            headers={"Authorization": f"Bearer {token}"} if token else None,
            connections=QUOTES_ABREAST,
            window=(MESSAGES.count, MESSAGES.seconds),
            patience=patience,
        )
        self._pace = pace

    def quotes(self, symbols: Sequence[str], at: datetime) -> Quotes:
        before = self._mode()
        requests = {symbol: Request(f"/quotes/{_path(symbol)}") for symbol in symbols}
        fetched = self._client.fetch(requests, partial(self._pace.reserve, [MESSAGES]))
        if (failure := wire.why_nothing(fetched)) is not None:
            raise wire.no_answer(failure, of_each=fetched)
        mode = self._mode_since(before)
        for answer in fetched.answers.values():
            mode = mode.worse(_told(answer.body, mode))
        ticks, failed = [], {symbol: str(why) for symbol, why in fetched.failed.items()}
        blameless = wire.refused_for_all(fetched)
        for symbol, answer in fetched.answers.items():
            try:
                ticks.append(_tick(symbol, answer.body, mode))
            except Unreadable as reason:
                failed[symbol] = str(reason)
                if isinstance(reason, Untraded):
                    blameless.add(symbol)
        left = fetched.declined
        return Quotes(ticks, mode.feed, mode.delay, failed, left, clocked=True, blameless=blameless)

    def candles(self, symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime) -> Candles:
        before = self._mode()
        allowed = [symbol for symbol in symbols[: HISTORY.count] if self._may_repeat(symbol, timeframe)]
        limit = min(wire.most_bars(timeframe, since, at, SESSION_HOURS), MOST_BARS)
        query = {"limit": str(limit), "timeframe": timeframe.value}
        fetched = self._client.fetch(
            {symbol: Request(f"/candles/{_path(symbol)}", query) for symbol in allowed},
            partial(self._pace.reserve, [HISTORY, CANDLE_MESSAGES]),
            abreast=HISTORY_ABREAST,
            attempts=1,  # IB punishes the same historical request within 15 seconds
        )
        if (failure := wire.why_nothing(fetched)) is not None:
            raise wire.no_answer(failure, of_each=fetched)
        bars, failed = {}, {symbol: str(why) for symbol, why in fetched.failed.items()}
        for symbol, answer in fetched.answers.items():
            try:
                bars[symbol] = wire.opened_since(_bars(answer.body, timeframe), since)
            except Unreadable as reason:
                failed[symbol] = str(reason)
        declined = [symbol for symbol in symbols if symbol not in bars and symbol not in failed]
        mode = self._mode_since(before)
        blameless = wire.refused_for_all(fetched)
        return Candles(bars, mode.feed, mode.delay, failed, declined, blameless, regular_only=True)

    def report(self, at: datetime) -> Report:
        began = self._client.clock()
        fetched = self._client.fetch({"health": HEALTH})
        if "health" not in fetched.answers:
            return Report(answers=False, advice=f"{fetched.failed['health']}. Is IB Bridge running there?")
        answer = fetched.answers["health"]
        offset = wire.clock_offset(answer, at + timedelta(seconds=answer.received - began))
        if answer.body.get("connected") is not True:
            return Report(False, clock_offset=offset, advice=_disconnected(answer.body))
        mode = MODES.get(str(answer.body.get("market_data_mode")))
        return Report(
            answers=True,
            entitlement=_entitlement(answer.body, mode),
            delay="15 minutes" if mode is None or mode.delay else "none",
            volume="consolidated",
            hours="regular only",
            adjustment="splits",
            clock_offset=offset,
            advice=_advice(mode),
        )

    def _mode(self) -> Mode | None:
        """Return None when the bridge does not say it. Raises ProviderError when it has no gateway."""
        health, asked = self._health(), ""
        if health.get("connected") is not True and (asked := self._reconnect()):
            health = self._health()
        if health.get("connected") is not True:
            raise ProviderError(f"{_disconnected(health)} {asked}".strip())
        return MODES.get(str(health.get("market_data_mode")))

    def _health(self) -> dict[str, Any]:
        fetched = self._client.fetch({"health": HEALTH})
        if "health" not in fetched.answers:
            raise wire.error(fetched.failed["health"])
        return fetched.answers["health"].body

    def _reconnect(self) -> str:
        """Have the bridge connect to its gateway. Return what came of it, empty when it was asked lately."""
        slots = self._pace.reserve([RECONNECT], 1)
        if not slots or slots[0] >= 1.0:
            return ""
        fetched = self._client.fetch({"connect": CONNECT})
        if "connect" not in fetched.answers:
            return f"Asked to connect, it did not: {fetched.failed.get('connect', 'no answer')}"
        return f"Asked to connect, it says: {str(fetched.answers['connect'].body.get('message'))[:100]}"

    def _mode_since(self, before: Mode | None) -> Mode:
        """Return the worse of the mode before a round and that of now, as it may have changed in between.

        A bridge that has just started knows its mode once it has given a price: then that of now counts.
        """
        try:
            now = self._mode() or UNKNOWN
        except ProviderError:  # its gateway went away during the round
            now = UNKNOWN
        return now if before is None else before.worse(now)

    def _may_repeat(self, symbol: str, timeframe: Timeframe) -> bool:
        same = Limit(f"{symbol} {timeframe}"[-16:], 1, SAME_AGAIN)
        slots = self._pace.reserve([same], 1)
        return bool(slots) and slots[0] < 1.0


def _path(symbol: str) -> str:
    """Return the symbol as IB writes it, quoted: BRK.B is BRK B."""
    return quote(symbol.replace(".", " "), safe="")


def _tick(symbol: str, body: dict[str, Any], mode: Mode) -> QuoteTick:
    named = str(body.get("symbol", symbol)).replace(" ", ".")
    if named != symbol.replace(" ", "."):
        raise Unreadable(f"answered for {named[:20]}")
    price = wire.number(body.get("price"))
    if math.isnan(price) or price in (0.0, -1.0):
        raise Untraded("no last trade yet")
    stamp = wire.moment(body.get("timestamp"))
    if stamp is None:
        raise Unreadable(f"a time that is none: {str(body.get('timestamp'))[:40]}")
    return QuoteTick(
        symbol=symbol,
        price=price,
        as_of=_as_of(stamp, _told(body, mode)),
        bid=wire.given(body.get("bid")),
        ask=wire.given(body.get("ask")),
        bid_size=wire.share_count(body.get("bid_size")),
        ask_size=wire.share_count(body.get("ask_size")),
        volume=wire.share_count(body.get("volume")),
        exchange=str(body.get("exchange") or "")[:16],
        tells_halts=False,
    )


def _told(body: dict[str, Any], otherwise: Mode) -> Mode:
    """Return the mode of this very quote, which Jax's own bridge tells; the original has one for all."""
    return MODES.get(str(body.get("market_data_mode")), otherwise)


def _as_of(stamp: datetime, mode: Mode) -> datetime:
    """Return what the price is no newer than: the stamp is the bridge's clock, whatever the price's age."""
    at = stamp - mode.delay
    return min(at, _last_close(stamp)) if mode.frozen else at


def _last_close(at: datetime) -> datetime:
    """Return 16:00 in New York of the last weekday: a frozen price is that old at least, a holiday older."""
    close = datetime.combine(at.astimezone(NEW_YORK).date(), CLOSE, NEW_YORK)
    while close > at or close.weekday() >= 5:
        close -= timedelta(days=1)
    return close.astimezone(UTC)


def _bars(body: dict[str, Any], timeframe: Timeframe) -> Bars:
    if not isinstance(body.get("candles"), list):
        raise Unreadable("no candles in the answer")
    rows = wire.rows_of(body["candles"])
    stamps = [row.get("timestamp") for row in rows]
    opened_at = wire.instants(stamps) if timeframe.is_intraday else wire.dates(stamps)
    plain = any(isinstance(stamp, str) and len(stamp) <= DATE_LENGTH for stamp in stamps)
    if (timeframe.is_intraday and plain) or not _spaced(opened_at, timeframe):
        # The bridge answers a timeframe that it does not know with daily bars.
        raise Unreadable(f"answered with bars of another timeframe than {timeframe}")
    if timeframe.is_intraday and not all(map(wire.has_zone, stamps)):
        raise Unreadable(ZONE_ADVICE)
    return wire.bars(rows, opened_at, CANDLE_KEYS)


def _spaced(opened_at: Instants, timeframe: Timeframe) -> bool:
    """Return whether bars are one length apart or more.

    Weeks may begin a day late; intraday bars are not all whole days apart.
    """
    steps = np.diff(np.unique(opened_at[~np.isnat(opened_at)]))
    least = timedelta(days=5) if timeframe is Timeframe.W1 else timeframe.length
    whole_days = timeframe.is_intraday and len(steps) > 1 and not np.any(steps % A_DAY)
    return bool(np.all(steps >= np.timedelta64(least))) and not whole_days


def _entitlement(health: dict[str, Any], mode: Mode | None) -> str:
    account = "paper account" if health.get("paper_trading") is True else "account"
    mode_name = str(health.get("market_data_mode") or "unknown")[:20]
    return f"{account}, market data {mode_name}" + ("" if mode else " (taken as delayed)")


def _advice(mode: Mode | None) -> str:
    if mode is None:
        return "The bridge does not say whether prices are live; they are shown as 15 minutes late."
    if mode.delay:
        return "Prices are 15 minutes late: subscribe to market data in IB's Client Portal for live ones."
    return "Frozen: the prices of the last close; normal while the market is closed." if mode.frozen else ""


def _disconnected(health: dict[str, Any]) -> str:
    """Return what is wrong and what to click: in the words of Jax's own bridge, which knows."""
    if words := " ".join(str(health[name])[:300] for name in ("message", "advice") if health.get(name)):
        return words
    status = str(health.get("status", "unknown"))[:20]
    return (
        f"IB Bridge is not connected to IB Gateway (status {status}). The gateway restarts once a day and is "
        "away for minutes; Jax asks the bridge to connect again. If it stays away, log in to the gateway."
    )


def _build(values: Mapping[str, Any], pace: Pace, patience: Patience | None = None) -> IBBridge:
    token = values.get("IB_BRIDGE_TOKEN", "")
    return IBBridge(values["IB_BRIDGE_URL"], token=token, pace=pace, patience=patience)


def _own_address(values: Mapping[str, Any]) -> dict[str, str]:
    """Return where Jax's own bridge answers."""
    host, port = values["IB_BRIDGE_LISTEN"]
    return {"IB_BRIDGE_URL": f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"}


def _request_rate(values: Mapping[str, Any], watchlist: Watchlist) -> RequestRate:
    """Of historical requests, one for each bar of each instrument; quotes are under a far wider limit."""
    return RequestRate(watchlist.instruments * watchlist.bars_a_minute, HISTORY.rate())


SPEC = ProviderSpec(
    name=IBBridge.name,
    title="IB Bridge",
    settings=(
        Setting("IB_BRIDGE_URL", Url(), required=True),
        Setting("IB_BRIDGE_TOKEN", KEY, secret=True),
        Setting("IB_BRIDGE_LISTEN", Endpoint(), default=("127.0.0.1", 8092)),
        Setting("IB_GATEWAY", Endpoint(), default=()),
        Setting("IB_CLIENT_ID", Whole(0, 2_147_483_647), default=81),
    ),
    build=_build,
    request_rate=_request_rate,
    is_consolidated=True,
    is_bounded=False,
    process=OwnProcess("ib-bridge", switch="IB_GATEWAY", implies=_own_address),
    old_names=OldNames({"IB_BRIDGE_URL": ("url", "base_url")}, port=8092),
)
