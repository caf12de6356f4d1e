"""Invented quotes and bars, so that a newcomer sees life before any broker is connected. Round the clock.

A pure function of (seed, symbol, time): nothing is stored, and what was answered once is answered again. Bars
of every timeframe are made of the same minutes, and a quote lies inside its minute.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from core.http import Patience
from core.registry import Setting
from core.registry.kinds import Whole
from market.prices import Bars, Feed, Floats, QuoteTick, Timeframe
from market.providers import simulator_listings, simulator_rates
from market.providers.actions import Action, Actions, Kind
from market.providers.base import Candles, Pace, ProviderSpec, Quotes, Report
from market.providers.earnings import Earnings, ReportTime
from market.providers.facts import Answer
from market.providers.random_walk import (
    HIGH,
    LOW,
    NORMAL,
    PRICE,
    TIME,
    VOLUME,
    Hashes,
    Integers,
    Walks,
    drawn,
    hashed,
    keyed,
)
from market.providers.rates import Rates
from market.providers.streams.base import Clock, Stream
from market.providers.streams.invented import InventedStream

BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
MOST_BARS = 10_000  # in one answer for one symbol, the newest ones, as vendors do
AT_ONCE = 28_800  # minutes computed side by side: 20 days, a few MB
ONE_MISSING_IN = 1000
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MINUTES_A_DAY = 24 * 60
QUARTERLY, REPORTED = (3, 6, 9, 12), (1, 4, 7, 10)
FIRST_DIVIDEND = date(2020, 1, 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MONDAY = 4 * MINUTES_A_DAY  # 5 January 1970


class Simulator:
    """The provider `simulator`."""

    name = "simulator"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def report(self, at: datetime) -> Report:
        return Report(
            answers=True,
            entitlement="none needed: invented prices",
            delay="none",
            volume="invented, rises with volatility",
            hours="round the clock, every day",
            adjustment="none needed: no splits",
            clock_offset=timedelta(0),
            advice="Configure another provider to see real prices.",
        )

    def quotes(self, symbols: Sequence[str], at: datetime) -> Quotes:
        """Return the trade of the current second in every symbol, whatever its name."""
        as_of = at.astimezone(UTC).replace(microsecond=0)
        walks = Walks.of(self.seed, symbols)
        bits = hashed(
            keyed([f"{self.seed} {symbol} quote" for symbol in symbols]),
            np.full(len(symbols), (as_of - EPOCH) // SECOND),
        )
        price, volume = _trades(walks, as_of, bits)
        spread = np.where(drawn(bits, VOLUME) % 4, 0.01, 0.02)
        bid = np.round(price - np.where(drawn(bits, TIME) % 2, spread, 0), 2)
        ask = np.round(bid + spread, 2)
        sizes = 100 * (1 + np.stack([drawn(bits, HIGH), drawn(bits, LOW)]) % 20)
        columns = (symbols, price.tolist(), bid.tolist(), ask.tolist(), *sizes.tolist(), volume.tolist())
        ticks = [
            QuoteTick(symbol, price, as_of, bid, ask, bid_size, ask_size, volume, exchange="SIM")
            for symbol, price, bid, ask, bid_size, ask_size, volume in zip(*columns, strict=True)
        ]
        return Quotes(ticks=ticks, feed=Feed.SIMULATED)

    def candles(self, symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime) -> Candles:
        """Return bars of the minutes complete at `at`; above 1m the last bar may still be forming.

        About one bar in a thousand is missing. The newest 10,000 of each symbol, none before 1990.
        """
        bars = {symbol: self._bars(symbol, timeframe, since, at) for symbol in symbols}
        return Candles(bars=bars, feed=Feed.SIMULATED)

    def corporate_actions(
        self, symbols: Sequence[str], since: date, until: date, silent: Mapping[str, date]
    ) -> Actions:
        """Return invented dividends, four a year, of two symbols in three. Prices do not fall by them."""
        days = [date(year, month, 1) for year in range(since.year, until.year + 1) for month in QUARTERLY]
        dividends = (self._dividend(symbol, day) for symbol in symbols for day in days)
        return Actions([each for each in dividends if each and since <= each.ex_date <= until])

    def _dividend(self, symbol: str, first: date) -> Action | None:
        bits = int(keyed([f"{self.seed} {symbol} dividend"])[0])
        ex_date = first + timedelta(days=bits // 64 % 26)
        if bits % 3 == 0 or first < FIRST_DIVIDEND:
            return None
        return Action(
            symbol=symbol,
            kind=Kind.DIVIDEND,
            ex_date=ex_date,
            amount=Decimal(5 + bits // 4096 % 40) / 100,
            currency="USD",
            pay_date=ex_date + timedelta(days=14),
            record_date=ex_date,
            declared_date=ex_date - timedelta(days=21),
        )

    def earnings(self, symbols: Sequence[str], since: date, until: date) -> Answer[Earnings]:
        """Return invented reports, four a year, of two symbols in three; some symbols' are confirmed."""
        days = [date(year, month, 1) for year in range(since.year, until.year + 1) for month in REPORTED]
        reports = (self._report(symbol, day) for symbol in symbols for day in days)
        return Answer([each for each in reports if each and since <= each.date <= until])

    def _report(self, symbol: str, first: date) -> Earnings | None:
        bits = int(keyed([f"{self.seed} {symbol} earnings"])[0])
        if bits % 3 == 0 or first < FIRST_DIVIDEND:
            return None
        day = first + timedelta(days=bits // 64 % 26)
        return Earnings(
            symbol=symbol,
            date=day + timedelta(days=max(0, 2 * (day.weekday() - 4))),  # no weekends
            time=ReportTime.AFTER if bits // 4096 % 2 else ReportTime.BEFORE,
            is_confirmed=bool(bits // 8192 % 2),
        )

    def rates(self, pairs: Sequence[str], at: datetime) -> Rates:
        """Return invented rates of the pairs, of the size that they have."""
        return simulator_rates.rates(self.seed, pairs, at)

    def _bars(self, symbol: str, timeframe: Timeframe, since: datetime, at: datetime) -> Bars:
        now = (at - EPOCH) // MINUTE
        openings = _openings(timeframe, max(since, BEGINNING), now)
        step = max(AT_ONCE * MINUTE // timeframe.length, 1)
        walk = Walks.of(self.seed, [symbol])
        bars = Bars.join(
            _built(walk, openings[row : row + step], now) for row in range(0, len(openings), step)
        )
        key = keyed([f"{self.seed} {symbol} {timeframe}"])
        numbers = (bars.opened_at - np.datetime64(0, "us")).astype(np.int64)
        return bars[hashed(key, numbers) % ONE_MISSING_IN != 0]


def _trades(walks: Walks, as_of: datetime, bits: Hashes) -> tuple[Floats, Integers]:
    """Return the price at a moment inside its minute, and the shares traded since 00:00 UTC."""
    minute, seconds = divmod((as_of - EPOCH) // SECOND, 60)
    minutes = np.full(len(walks.keys), minute)
    midnights = minutes // MINUTES_A_DAY * MINUTES_A_DAY
    spans = walks.spans(minutes, 1)
    past = seconds / 60
    bend = spans.deviation * (past * (1 - past)) ** 0.5 * NORMAL[drawn(bits, PRICE)]
    price = spans.left + past * (spans.right - spans.left) + bend
    high, low = spans.extremes(hashed(walks.keys, minutes))
    share = spans.traded_left + past * (spans.traded_right - spans.traded_left)
    before = walks.traded(walks.spans(midnights, 1).traded_left, midnights)
    return _in_cents(np.clip(price, low, high)), walks.traded(share, minutes) - before


def _openings(timeframe: Timeframe, since: datetime, now: int) -> range:
    """Return when the newest bars with a complete minute open, from `since` on, in minutes since 1970."""
    length = timeframe.length // MINUTE
    grid = FIRST_MONDAY if timeframe is Timeframe.W1 else 0
    earliest = -((EPOCH - since) // MINUTE)
    first = grid + -((grid - earliest) // length) * length
    return range(first, now, length)[-MOST_BARS:]


def _built(walk: Walks, openings: range, now: int) -> Bars:
    """Return bars of one symbol out of their minutes; the last one as far as its minutes are complete."""
    first, last = openings[0], min(openings[-1] + openings.step, now)
    minutes = walk.minutes(first, last)
    starts = np.arange(0, last - first, openings.step)
    ends = np.append(starts[1:], last - first)
    return Bars.of(
        opened_at=np.array(openings, dtype="datetime64[m]"),
        open=_in_cents(minutes.price[starts]),
        high=_in_cents(np.maximum.reduceat(minutes.high, starts)),
        low=_in_cents(np.minimum.reduceat(minutes.low, starts)),
        close=_in_cents(minutes.price[ends]),
        volume=minutes.traded[ends] - minutes.traded[starts],
    )


def _in_cents(log_price: Floats) -> Floats:
    cents: Floats = np.rint(np.exp(log_price) * 100)
    return cents / 100


def _build(values: Mapping[str, Any], pace: Pace, patience: Patience | None = None) -> Simulator:
    return Simulator(seed=values["SIMULATOR_SEED"])


def _stream(values: Mapping[str, Any], clock: Clock) -> Stream:
    return InventedStream(Simulator(seed=values["SIMULATOR_SEED"]), clock)


SPEC = ProviderSpec(
    name=Simulator.name,
    title="Simulator",
    settings=(Setting("SIMULATOR_SEED", Whole(0, 1_000_000_000), default=1),),
    build=_build,
    stream=_stream,
    is_consolidated=True,
    is_simulated=True,
    directory=simulator_listings.build,
)
