"""The stored market data, as the paper broker sees it at an instant."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max, OuterRef, Q, Subquery, Sum

from approvals.brokers.paper import Bar, Dividend, ExchangeRate, Listing, Night, Quotes, Restating, Settlement
from approvals.positions import delisted
from approvals.queries.paper import paper_quotes
from market import sessions
from market.models import Candle, CorporateAction, Instrument, Quote, Split
from market.prices import INSTANT, Bars, Instants, Timeframe, to_datetime, to_instant
from market.providers import registry
from market.quality import evidence
from market.quality.evidence import Prices
from market.quotes import rates
from market.sessions import Sessions

FINEST_FIRST = [Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.D1]
STORED_LATELY = timedelta(days=10)
WEEK = timedelta(days=7)


@dataclass
class Stored:
    """The rows that were there at `at`."""

    at: datetime
    _instruments: dict[str, Instrument | None] = field(default_factory=dict)
    _quotes: dict[str, tuple[datetime, Quotes]] = field(default_factory=dict)
    _sessions: dict[str, tuple[datetime, Sessions]] = field(default_factory=dict)
    _splits: dict[str, list[Split]] = field(default_factory=dict)
    _rates: dict[tuple[str, str], ExchangeRate | str] = field(default_factory=dict)

    def listing(self, symbol: str) -> Listing | None:
        row = self._instrument(symbol)
        if row is None:
            return None
        lag = timedelta(seconds=settings.STALE_QUOTE_SECONDS + (row.delay_seconds or 0))
        end = delisted.settlement(row, self.at)
        return Listing(
            row.currency,
            row.tick_size,
            lag,
            is_restating=row.split_pending_since is not None,
            settlement=end and Settlement(end.price, end.reason),
            is_halted=bool(row.halt) and not row.is_gone,
        )

    def _instrument(self, symbol: str) -> Any:  # an Instrument with `delay_seconds` and `halt`
        """With the delay that its newest quote's feed has stated, and its halt."""
        if symbol not in self._instruments:
            self._load_instruments([symbol])
        return self._instruments[symbol]

    def _load_instruments(self, symbols: Collection[str]) -> None:
        quote = Quote.objects.filter(symbol=OuterRef("symbol"))
        quoted = {name: Subquery(quote.values(name)) for name in ("delay_seconds", "halt")}
        rows = Instrument.objects.annotate(**quoted).in_bulk(symbols)
        self._instruments |= {symbol: rows.get(symbol) for symbol in symbols}

    def quotes(self, symbol: str, since: datetime) -> Quotes:
        """Return the quotes later than `since`: orders of one symbol share what the oldest of them needs."""
        loaded = self._quotes.get(symbol)
        if loaded is None or loaded[0] > since:
            loaded = self._quotes[symbol] = (since, self._stored_quotes(symbol, since))
        return loaded[1][loaded[1].as_of > to_instant(since)]

    def _stored_quotes(self, symbol: str, since: datetime) -> Quotes:
        stale = timedelta(seconds=settings.STALE_QUOTE_SECONDS)
        quotes = paper_quotes(symbol, since, self.at, registry.CONSOLIDATED, stale)
        as_of = np.array(quotes.stamps, dtype=np.int64).view(INSTANT)
        return Quotes(
            as_of,
            self._known(symbol, since).cover(as_of),
            *(np.array(column, dtype=np.float64) for column in quotes[1:]),
        )

    def bars(self, symbol: str, since: datetime, until: datetime) -> Sequence[Bar]:
        midnight = datetime.combine(since.date(), time(), UTC)
        rows = Candle.objects.filter(
            Q(timeframe=Timeframe.D1, opened_at__gte=midnight)
            | Q(timeframe__in=FINEST_FIRST[:-1], opened_at__gte=since),
            symbol=symbol,
            opened_at__lt=until,
            is_final=True,
            session=Candle.Session.REGULAR,
        ).order_by("opened_at")
        ranked: list[tuple[datetime, int, Bar]] = []
        for rank, timeframe in enumerate(FINEST_FIRST):
            of_timeframe = [row for row in rows if row.timeframe == timeframe]
            ranked += [(bar.closed_at, rank, bar) for bar in self._bars(symbol, timeframe, of_timeframe)]
        return _one_after_the_other(ranked, since, until)

    def _bars(self, symbol: str, timeframe: Timeframe, rows: list[Candle]) -> list[Bar]:
        if not rows:
            return []
        sessions = self._known(symbol, rows[0].opened_at)
        stamps = np.array([to_instant(row.opened_at) for row in rows], dtype=INSTANT)
        opens = stamps if timeframe.is_intraday else _session_opens(sessions, stamps)
        closes = sessions.closes_of(timeframe, stamps)
        is_opening = np.isin(opens, sessions.opens).tolist()
        plain = _without_doubt(rows)
        return [
            self._bar(row, plain.get(row.opened_at), to_datetime(opened), to_datetime(closed), is_first)
            for row, opened, closed, is_first in zip(rows, opens, closes, is_opening, strict=True)
        ]

    def _bar(
        self, row: Candle, plain: Prices | None, opened_at: datetime, closed_at: datetime, is_opening: bool
    ) -> Bar:
        """Stored history stands on today's basis: every split since is taken back."""
        later = [split.ratio for split in self._splits_of(row.symbol) if split.date > row.opened_at.date()]
        ratio = float(np.prod(later))
        second = plain and Bar(opened_at, closed_at, *_scaled(plain, ratio))
        prices = _scaled((row.open, row.high, row.low, row.close), ratio)
        volume = math.nan if row.volume is None else float(row.volume) / ratio
        return Bar(opened_at, closed_at, *prices, volume, is_opening, plain=second)

    def bar_end(self, symbol: str, at: datetime) -> datetime | None:
        stored = Candle.objects.filter(
            symbol=symbol,
            opened_at__gt=at - STORED_LATELY,
            opened_at__lte=at,
            session=Candle.Session.REGULAR,
        )
        for timeframe in FINEST_FIRST:
            if stored.filter(timeframe=timeframe).exists():
                return self._end(symbol, timeframe, at)
        return None

    def _end(self, symbol: str, timeframe: Timeframe, at: datetime) -> datetime:
        sessions = self._known(symbol, at)
        if timeframe.is_intraday:
            at = _in_session(sessions, at)
            opened_at, closes_at = sessions.stretch(at) or (at, at)
            bars = (at - opened_at) // timeframe.length + 1
            return min(opened_at + bars * timeframe.length, closes_at)
        following = np.flatnonzero(sessions.closes > to_instant(at))
        return to_datetime(sessions.closes[following[0]]) if len(following) else at

    def restatings(self, symbol: str, since: datetime) -> Sequence[Restating]:
        restatings = []
        for split in self._splits_of(symbol):
            if split.date >= since.date() - WEEK:
                opened_at = self._opens(symbol, split.date)
                ratio = Fraction(split.ratio).limit_denominator(1_000)
                restatings += [Restating(opened_at, ratio)] if opened_at else []
        return [split for split in restatings if since < split.at <= self.at]

    def nights(self, symbol: str, since: datetime) -> Sequence[Night]:
        known = self._known(symbol, since)
        closes, days = known.closes, known.dates
        rows = np.flatnonzero((closes[:-1] >= to_instant(since)) & (closes[:-1] <= to_instant(self.at)))
        return [
            Night(days[row].item(), to_datetime(closes[row]), int((days[row + 1] - days[row]).astype(int)))
            for row in rows
        ]

    def dividends(self, symbols: Mapping[str, datetime]) -> Sequence[Dividend]:
        """Two of one day and currency are paid together, on the later day; without one on the ex-date."""
        facts = CorporateAction.objects.dividends().filter(symbol__in=symbols, ex_date__lte=self.at.date())
        days = facts.order_by("symbol", "ex_date", "currency").values_list("symbol", "ex_date", "currency")
        rows = list(days.annotate(Sum("amount"), Max("pay_date")))
        self._load_instruments({symbol for symbol, *_ in rows})
        dividends = []
        for symbol, ex_date, currency, amount, pay_date in rows:
            if ex_date >= symbols[symbol].date() and self._instrument(symbol) is not None:
                ex_at = self._opens(symbol, ex_date)
                due_at = self._opens(symbol, max(pay_date or ex_date, ex_date))
                if ex_at and due_at and ex_at > symbols[symbol]:
                    dividends.append(Dividend(symbol, ex_date, ex_at, due_at, amount, currency))
        return dividends

    def exchange_rate(self, currency: str, into: str) -> ExchangeRate | str:
        if (currency, into) not in self._rates:
            self._rates[currency, into] = self._exchange_rate(currency, into)
        return self._rates[currency, into]

    def _exchange_rate(self, currency: str, into: str) -> ExchangeRate | str:
        try:
            rate = rates.Rates.load([currency, into], self.at).firm(currency, into)
        except rates.NoRate as refusal:
            return str(refusal)
        return ExchangeRate(rate.value, rate.as_of, " and ".join(rate.providers))

    def _opens(self, symbol: str, day: date) -> datetime | None:
        """Return when the session of a day opens, or the first one after it, of those that are known."""
        sessions = self._known(symbol, datetime.combine(day, time(), UTC))
        opens = sessions.opens[sessions.dates >= np.datetime64(day)]
        return to_datetime(opens[0]) if len(opens) else None

    def price(self, symbol: str) -> tuple[datetime, Decimal] | None:
        row = Quote.objects.filter(symbol=symbol).first()
        return (row.as_of, Decimal(f"{row.price:.6f}")) if row and row.is_believed else None

    def _splits_of(self, symbol: str) -> list[Split]:
        if symbol not in self._splits:
            self._splits[symbol] = list(Split.objects.filter(symbol=symbol).order_by("date"))
        return self._splits[symbol]

    def _known(self, symbol: str, since: datetime) -> Sessions:
        """Return the sessions of the symbol's exchange from a week before `since` on."""
        calendar = self._instrument(symbol).calendar
        loaded = self._sessions.get(calendar)
        if loaded is None or loaded[0] > since:
            loaded_sessions = sessions.load(calendar, since=since - WEEK, until=self.at + WEEK)
            loaded = self._sessions[calendar] = (since, loaded_sessions)
        return loaded[1]


def _in_session(sessions: Sessions, at: datetime) -> datetime:
    """Return the instant while the exchange is open, else when it opens next."""
    stretch = sessions.stretch(at)
    is_open = stretch is not None and at < stretch[1]
    return at if is_open else sessions.next_open(at) or at


def _scaled(prices: Prices, ratio: float) -> Prices:
    open_, high, low, close = prices
    return open_ * ratio, high * ratio, low * ratio, close * ratio


def _without_doubt(rows: list[Candle]) -> dict[datetime, Prices]:
    """Return how the bars in doubt among these of one timeframe read without their doubted prices."""
    if not any(row.suspect for row in rows):
        return {}
    first = rows[0]
    believed = Candle.objects.filter(
        symbol=first.symbol,
        timeframe=first.timeframe,
        opened_at__lt=first.opened_at,
        is_final=True,
        suspect=False,
        session=Candle.Session.REGULAR,
    ).order_by("-opened_at")[:1]
    line = [*believed, *rows]
    columns = zip(*((row.open, row.high, row.low, row.close, row.volume) for row in line), strict=True)
    bars = Bars.of([to_instant(row.opened_at) for row in line], *(list(column) for column in columns))
    bars.suspect[:] = [row.suspect for row in line]
    plain = evidence.without_doubt(bars, np.zeros(1, dtype=np.intp))
    prices = zip(plain.open, plain.high, plain.low, plain.close, strict=True)
    return {
        row.opened_at: (float(open_), float(high), float(low), float(close))
        for row, (open_, high, low, close) in zip(line, prices, strict=True)
        if row.suspect
    }


def _session_opens(sessions: Sessions, days: Instants) -> Instants:
    rows = np.searchsorted(sessions.dates, days.astype("datetime64[D]"))
    return sessions.opens[np.minimum(rows, len(sessions.opens) - 1)]


def _one_after_the_other(
    bars: list[tuple[datetime, int, Bar]], since: datetime, until: datetime
) -> list[Bar]:
    """Bars that do not overlap, from `since` on: of two that close together the finer one."""
    chosen: list[Bar] = []
    for closed_at, _, bar in sorted(bars, key=lambda ranked: ranked[:2]):
        if bar.opened_at >= since and closed_at <= until:
            chosen.append(bar)
            since = closed_at
    return chosen
