"""Rates of currencies: quotes of pairs like EUR/USD, which are instruments as any other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from market import sessions
from market.models import Instrument, Quote
from market.quotes import is_ahead, is_too_old
from market.sessions import Sessions

PIVOT = "USD"  # most currencies are quoted against it
NEAR = timedelta(days=15)  # reaches over the longest holidays
# Shares are priced in a hundredth of some currencies: pence, agorot, cents.
HUNDREDTHS = {"GBX": "GBP", "ILA": "ILS", "ZAC": "ZAR"}


class NoRate(Exception):
    """There is no rate that could be used. The message says why, and what brings one."""


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth in another.

    `as_of` and `age` of the oldest quote that it is made of, `pairs` and `providers` of all.
    A currency in itself needs none: it is of the moment asked for.
    """

    value: float
    as_of: datetime
    age: timedelta
    pairs: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()

    def times(self, other: "Rate") -> "Rate":
        """Return the rate by way of a third currency."""
        older = max(self, other, key=lambda rate: rate.age)
        providers = tuple(dict.fromkeys(self.providers + other.providers))
        return Rate(self.value * other.value, older.as_of, older.age, self.pairs + other.pairs, providers)


def rate(currency: str, into: str, at: datetime) -> Rate:
    """Return what one unit of a currency is worth in another: by their pair, its inverse, or through USD.

    Quotes that are stale, from the future or doubtful are not used. Raises NoRate. Three queries at most.
    """
    (have, per_have), (want, per_want) = _whole(currency), _whole(into)
    factor = per_want / per_have
    if have == want:
        return Rate(factor, at, timedelta(0))
    pairs = _Pairs.load([have, want], at)
    of_whole = pairs.direct(have, want) or pairs.through_pivot(have, want)
    if of_whole is None:
        raise NoRate(
            f"No rate of {have} in {want}: {'; '.join(pairs.why_not(have, want))}."
            f" Watch {have}/{want} (calendar 24/5), or both currencies against {PIVOT}."
        )
    return Rate(of_whole.value * factor, of_whole.as_of, of_whole.age, of_whole.pairs, of_whole.providers)


def _whole(currency: str) -> tuple[str, float]:
    """Return the currency that this one is a part of, and how many of it make one: GBP and 100 for GBX."""
    return (HUNDREDTHS[currency], 100.0) if currency in HUNDREDTHS else (currency, 1.0)


@dataclass(frozen=True)
class _Pairs:
    """The quotes of the pairs that may be needed, with the sessions that they trade in."""

    quotes: Mapping[str, tuple[Quote, Sessions]]
    at: datetime

    @classmethod
    def load(cls, currencies: list[str], at: datetime) -> "_Pairs":
        names = [*currencies, PIVOT]
        pairs = [f"{one}/{other}" for one in names for other in names if one != other]
        calendars = dict(Instrument.objects.filter(symbol__in=pairs).values_list("symbol", "calendar"))
        quotes = Quote.objects.in_bulk(list(calendars))
        hours = sessions.load_all(set(calendars.values()), at - NEAR, at + NEAR) if quotes else {}
        return cls({symbol: (quote, hours[calendars[symbol]]) for symbol, quote in quotes.items()}, at)

    def direct(self, have: str, want: str) -> Rate | None:
        """Return the rate by the pair or by its inverse, the younger of the two."""
        rates = [*self._of(f"{have}/{want}", inverse=False), *self._of(f"{want}/{have}", inverse=True)]
        return min(rates, key=lambda rate: rate.age, default=None)

    def through_pivot(self, have: str, want: str) -> Rate | None:
        first, second = self.direct(have, PIVOT), self.direct(PIVOT, want)
        return first.times(second) if first and second else None

    def _of(self, pair: str, *, inverse: bool) -> Iterator[Rate]:
        if pair in self.quotes and not self._unusable_because(pair):
            quote, _ = self.quotes[pair]
            value = 1 / _middle(quote) if inverse else _middle(quote)
            age = max(quote.age(self.at), timedelta(0))
            yield Rate(value, quote.as_of, age, (pair,), (quote.provider,))

    def _unusable_because(self, pair: str) -> str:
        quote, hours = self.quotes[pair]
        if quote.doubt:
            return f"the price of {pair} is doubtful"
        if is_ahead(quote, self.at):
            return f"the quote of {pair} is from the future"
        return f"the quote of {pair} is too old" if is_too_old(quote, hours.traded_until(self.at)) else ""

    def why_not(self, have: str, want: str) -> list[str]:
        """Return what is wrong with the quotes that there are."""
        near = [pair for pair in self.quotes if have in pair.split("/") or want in pair.split("/")]
        return [why for pair in sorted(near) if (why := self._unusable_because(pair))] or [
            "no pair is quoted"
        ]


def _middle(quote: Quote) -> float:
    """Return the middle of the book, or the price where the book says nothing."""
    if quote.bid is None or quote.ask is None or quote.book == Quote.Book.CROSSED:
        return quote.price
    return (quote.bid + quote.ask) / 2
