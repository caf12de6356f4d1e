"""IB Bridge: an Interactive Brokers account over HTTP. The original has one request for each quote."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from core.http import Client, Failure, Fetched, Patience, Request
from core.registry import Setting
from core.registry.kinds import KEY, Endpoint, Url, Whole
from market.prices import Timeframe
from market.providers import ib_rows, wire
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
from market.providers.streams import ib_bridge as stream

# IB counts 50 messages in a second and 60 historical requests in 10 minutes. The little more keeps us inside
# its windows although requests do not travel equally fast.
MESSAGES = Limit("messages", 50, 1.1)
HISTORY = Limit("history", 60, 605.0)
SAME_AGAIN = 16.0  # seconds before an identical historical request
# Quotes send no historical requests: of the messages alone, candles leave them some.
CANDLE_MESSAGES = replace(MESSAGES, count=MESSAGES.count - 10)
QUOTES_ABREAST, HISTORY_ABREAST = 50, 8
TOGETHER = 40  # symbols in one request to our own bridge, which asks IB for as many side by side
# The bridge gives up on its gateway after 75 s. The gateway may be away for hours.
RECONNECT = Limit("connect", 1, 300.0)
MOST_BARS = 1000
SESSION_HOURS = 8.5  # no exchange that IB serves has longer regular hours by much
HEALTH = Request("/health", counted=False)
CONNECT = Request("/connect", counted=False, body="{}")


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
        self._is_ours = False  # as its health said last

    def quotes(self, symbols: Sequence[str], at: datetime) -> Quotes:
        before = self._mode()
        fetched = self._fetch_quotes(symbols)
        if (failure := wire.why_nothing(fetched)) is not None:
            raise wire.no_answer(failure, of_each=fetched)
        mode = self._mode_since(before)
        for answer in fetched.answers.values():
            mode = mode.worse(ib_rows.told(answer.body, mode))
        ticks, failed = [], {symbol: str(why) for symbol, why in fetched.failed.items()}
        blameless = wire.refused_for_all(fetched)
        for symbol, answer in fetched.answers.items():
            try:
                ticks.append(ib_rows.tick(symbol, answer.body, mode))
            except ib_rows.Unreadable as reason:
                failed[symbol] = str(reason)
                if isinstance(reason, ib_rows.Untraded):
                    blameless.add(symbol)
        left = fetched.declined
        return Quotes(ticks, mode.feed, mode.delay, failed, left, clocked=True, blameless=blameless)

    def _fetch_quotes(self, symbols: Sequence[str]) -> Fetched:
        """Ask for each symbol, or, of Jax's own bridge, for many in one request."""
        reserve = partial(self._pace.reserve, [MESSAGES])
        if not self._is_ours:
            return self._client.fetch({s: Request(f"/quotes/{_path(s)}") for s in symbols}, reserve)
        together = {",".join(chunk): chunk for chunk in wire.chunks(symbols, TOGETHER)}
        requests = {listed: Request("/quotes", {"symbols": listed}) for listed in together}
        return _apart(self._client.fetch(requests, reserve, abreast=2), together)

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
                bars[symbol] = wire.opened_since(ib_rows.bars(answer.body, timeframe), since)
            except ib_rows.Unreadable as reason:
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
        mode = ib_rows.MODES.get(str(answer.body.get("market_data_mode")))
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

    def _mode(self) -> ib_rows.Mode | None:
        """Return None when the bridge does not say it. Raises ProviderError when it has no gateway."""
        health, asked = self._health(), ""
        if health.get("connected") is not True and (asked := self._reconnect()):
            health = self._health()
        if health.get("connected") is not True:
            raise ProviderError(f"{_disconnected(health)} {asked}".strip())
        return ib_rows.MODES.get(str(health.get("market_data_mode")))

    def _health(self) -> dict[str, Any]:
        fetched = self._client.fetch({"health": HEALTH})
        if "health" not in fetched.answers:
            raise wire.error(fetched.failed["health"])
        health = fetched.answers["health"].body
        self._is_ours = "synced" in health
        return health

    def _reconnect(self) -> str:
        """Have the bridge connect to its gateway. Return what came of it, empty when it was asked lately."""
        slots = self._pace.reserve([RECONNECT], 1)
        if not slots or slots[0] >= 1.0:
            return ""
        fetched = self._client.fetch({"connect": CONNECT})
        if "connect" not in fetched.answers:
            return f"Asked to connect, it did not: {fetched.failed.get('connect', 'no answer')}"
        return f"Asked to connect, it says: {str(fetched.answers['connect'].body.get('message'))[:100]}"

    def _mode_since(self, before: ib_rows.Mode | None) -> ib_rows.Mode:
        """Return the worse of the mode before a round and that of now, as it may have changed in between.

        A bridge that has just started knows its mode once it has given a price: then that of now counts.
        """
        try:
            now = self._mode() or ib_rows.UNKNOWN
        except ProviderError:  # its gateway went away during the round
            now = ib_rows.UNKNOWN
        return now if before is None else before.worse(now)

    def _may_repeat(self, symbol: str, timeframe: Timeframe) -> bool:
        same = Limit(f"{symbol} {timeframe}"[-16:], 1, SAME_AGAIN)
        slots = self._pace.reserve([same], 1)
        return bool(slots) and slots[0] < 1.0


def _apart(fetched: Fetched, together: Mapping[str, Sequence[str]]) -> Fetched:
    """Return answers and failures by symbol of those to requests for several symbols, by what was asked."""
    apart = Fetched()
    for listed, answer in fetched.answers.items():
        quotes, failed = answer.body.get("quotes"), answer.body.get("failed")
        rows = wire.rows_of(quotes) if isinstance(quotes, list) else []
        by_symbol = {str(row.get("symbol")): row for row in rows}
        reasons = failed if isinstance(failed, dict) else {}
        for symbol in together[listed]:
            if symbol in by_symbol:
                apart.answers[symbol] = replace(answer, body=dict(by_symbol[symbol]))
            else:
                apart.failed[symbol] = Failure(str(reasons.get(symbol, "not in the answer"))[:200])
    for listed, failure in fetched.failed.items():
        apart.failed |= dict.fromkeys(together[listed], failure)
    apart.declined = [symbol for listed in fetched.declined for symbol in together[listed]]
    return apart


def _path(symbol: str) -> str:
    """Return the symbol as IB writes it, quoted: BRK.B is BRK B."""
    return quote(symbol.replace(".", " "), safe="")


def _entitlement(health: dict[str, Any], mode: ib_rows.Mode | None) -> str:
    account = "paper account" if health.get("paper_trading") is True else "account"
    mode_name = str(health.get("market_data_mode") or "unknown")[:20]
    return f"{account}, market data {mode_name}" + ("" if mode else " (taken as delayed)")


def _advice(mode: ib_rows.Mode | None) -> str:
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
    stream=stream.build,
    process=OwnProcess("ib-bridge", switch="IB_GATEWAY", implies=_own_address),
    old_names=OldNames({"IB_BRIDGE_URL": ("url", "base_url")}, port=8092),
)
