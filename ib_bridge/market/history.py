"""Bars of the past, no faster than IB allows; the same question within 15 s has the same answer."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ib_async import BarData, BarDataList
from ib_async.wrapper import RequestError

from ib_bridge.gateway.contracts import Contracts, Instrument
from ib_bridge.gateway.link import Link
from ib_bridge.market.pace import Pace
from ib_bridge.numbers import finite

SAME_AGAIN = 15.0
LONGEST_WAIT = 10.0
ANSWER = 60.0
PACING = 162
A_YEAR = 365


class Paced(Exception):
    """IB allows no further request yet; `retry_after` in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("IB allows 60 historical requests in ten minutes.")
        self.retry_after = retry_after


class NoBars(Exception):
    """IB gave no bars for this contract; the message is its reason."""


@dataclass(frozen=True, slots=True)
class Timeframe:
    """`bar_size` as IB names it; `a_day`: bars of one session."""

    bar_size: str
    a_day: float

    @property
    def is_intraday(self) -> bool:
        return self.a_day > 1


TIMEFRAMES: Mapping[str, Timeframe] = {
    "1m": Timeframe("1 min", 390),
    "5m": Timeframe("5 mins", 78),
    "15m": Timeframe("15 mins", 26),
    "1h": Timeframe("1 hour", 7),
    "1d": Timeframe("1 day", 1),
    "1w": Timeframe("1 week", 0.2),
}
ALIASES: Mapping[str, str] = {"1": "1m", "5": "5m", "15": "15m", "60": "1h", "1D": "1d", "1W": "1w"}


def timeframe(name: str) -> Timeframe | None:
    return TIMEFRAMES.get(ALIASES.get(name, name))


def duration(bars: int, of: Timeframe) -> str:
    """Return how long back so many bars reach, as IB reads it."""
    days = math.ceil(math.ceil(bars / of.a_day) * 7 / 5) + 4
    return f"{days} D" if days <= A_YEAR else f"{math.ceil(days / A_YEAR)} Y"


class History:
    def __init__(self, link: Link, contracts: Contracts) -> None:
        self._link, self._contracts = link, contracts
        self._pace = Pace()
        self._answers: dict[tuple[object, ...], tuple[float, BarDataList]] = {}

    async def bars(
        self, instrument: Instrument, span: str, bar_size: str, what: str = "TRADES"
    ) -> list[dict[str, Any]]:
        """Return regular-hours bars, oldest first. Raises NotReady, NoContract, NoBars, Paced."""
        ib = self._link.ib
        contract = await self._contracts.contract(ib, instrument)
        question = (contract.conId, span, bar_size, what)
        found = self._answered(question)
        if found is None:
            await self._take_turn(contract.conId)
            asked = ib.reqHistoricalDataAsync(contract, "", span, bar_size, what, useRTH=True, formatDate=2)
            found = await self._answer(asked)
            self._answers[question] = (self._now(), found)
        return [_bar(bar) for bar in found]

    def _answered(self, question: tuple[object, ...]) -> BarDataList | None:
        """Return the answer of a moment ago: IB punishes the same question within 15 s."""
        now = self._now()
        self._answers = {key: kept for key, kept in self._answers.items() if now - kept[0] < SAME_AGAIN}
        kept = self._answers.get(question)
        return kept[1] if kept else None

    async def _take_turn(self, contract: int) -> None:
        while (wait := self._pace.wait(contract, self._now())) > 0:
            if wait > LONGEST_WAIT:
                raise Paced(wait)
            await asyncio.sleep(wait)

    async def _answer(self, asked: Any) -> BarDataList:
        try:
            bars: BarDataList = await asyncio.wait_for(asked, ANSWER)
        except RequestError as refusal:
            if refusal.code == PACING and "pacing" in refusal.message.lower():
                raise Paced(SAME_AGAIN) from None
            raise NoBars(f"{refusal.message} ({refusal.code})") from None
        return bars

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _bar(bar: BarData) -> dict[str, Any]:
    return {
        "timestamp": _stamp(bar.date),
        "open": finite(bar.open),
        "high": finite(bar.high),
        "low": finite(bar.low),
        "close": finite(bar.close),
        "volume": int(max(finite(bar.volume), 0)),
        "vwap": max(finite(bar.average), 0.0),
    }


def _stamp(at: date | datetime) -> str:
    return at.isoformat()
