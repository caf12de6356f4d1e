"""Rates of currencies: quotes of pairs like EUR/USD, fetched where needed, or watched by a person."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from market.models import Quote
from market.providers.currencies import PIVOT, is_off_scale, pair, whole
from market.quotes import forex, is_ahead

MOST_AGE = timedelta(
    minutes=15
)  # while currencies trade: three times the interval at which rates are fetched
MOST_APART = Decimal("0.02")  # of two ways to a rate, before both are doubtful


class NoRate(Exception):
    """There is no rate that could be used. The message says why, and what brings one."""


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth in another.

    `as_of` and `age` of the oldest quote that it is made of, `pairs` and `providers` of all; the age counts
    while currencies trade. `doubt`: why no money should move at it; empty for a firm one. A currency in
    itself needs none: it is of the moment asked for.
    """

    value: Decimal
    as_of: datetime
    age: timedelta
    pairs: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def is_doubtful(self) -> bool:
        return bool(self.doubt)

    def times(self, other: "Rate") -> "Rate":
        """Return the rate by way of a third currency."""
        older = max(self, other, key=lambda rate: rate.age)
        return Rate(
            self.value * other.value,
            older.as_of,
            older.age,
            self.pairs + other.pairs,
            tuple(dict.fromkeys(self.providers + other.providers)),
            self.doubt or other.doubt,
        )


def rate(currency: str, into: str, at: datetime) -> Rate | None:
    """Return what one unit of a currency is worth in another; None where that is not known. One query."""
    try:
        return Rates.load([currency, into], at).between(currency, into)
    except NoRate:
        return None


@dataclass(frozen=True)
class Rates:
    """The quotes of the pairs of some currencies. Those too old, from the future or absurd are not used."""

    quotes: Mapping[str, Quote]
    at: datetime

    @classmethod
    def load(cls, currencies: Collection[str], at: datetime) -> "Rates":
        """Read the pairs of these currencies: one query, none for a single one."""
        wholes = {whole(currency)[0] for currency in currencies}
        names = wholes | {PIVOT}
        pairs = [f"{one}/{other}" for one in names for other in names if one != other]
        return cls(Quote.objects.in_bulk(pairs) if len(wholes) > 1 else {}, at)

    def firm(self, currency: str, into: str) -> Rate:
        """Return a rate that money may move at. Raises NoRate for a doubtful one, too."""
        rate = self.between(currency, into)
        if rate.is_doubtful:
            raise NoRate(f"The rate of {currency} in {into} is doubtful: {rate.doubt}.")
        return rate

    def between(self, currency: str, into: str) -> Rate:
        """Return what one unit of a currency is worth in another. Raises NoRate.

        By their own pair or its inverse, the younger of the two; otherwise through the dollar. Where two ways
        differ much, it is doubtful.
        """
        (have, per_have), (want, per_want) = whole(currency), whole(into)
        factor = Decimal(per_want) / Decimal(per_have)
        if have == want:
            return Rate(factor, self.at, timedelta(0))
        ways = [*self._direct(have, want), *self._through_pivot(have, want)]
        if not ways:
            raise NoRate(self._why_none(have, want))
        chosen = replace(ways[0], doubt=ways[0].doubt or _disagreement(ways))
        return replace(chosen, value=chosen.value * factor)

    def _direct(self, have: str, want: str) -> list[Rate]:
        rates = [*self._of(f"{have}/{want}", inverse=False), *self._of(f"{want}/{have}", inverse=True)]
        return sorted(rates, key=lambda rate: rate.age)

    def _through_pivot(self, have: str, want: str) -> list[Rate]:
        if PIVOT in (have, want):
            return []
        first, second = self._direct(have, PIVOT), self._direct(PIVOT, want)
        return [first[0].times(second[0])] if first and second else []

    def _of(self, symbol: str, *, inverse: bool) -> Iterator[Rate]:
        quote = self.quotes.get(symbol)
        if quote is None or unusable_because(quote, self.at):
            return
        value = 1 / middle(quote) if inverse else middle(quote)
        doubt = f"the newest price of {symbol} is not believed" if quote.doubt else ""
        yield Rate(value, quote.as_of, age(quote, self.at), (symbol,), (quote.provider,), doubt)

    def _why_none(self, have: str, want: str) -> str:
        near = [symbol for symbol in self.quotes if have in symbol.split("/") or want in symbol.split("/")]
        reasons = [why for symbol in sorted(near) if (why := unusable_because(self.quotes[symbol], self.at))]
        why_none = "; ".join(reasons) or "no pair is quoted"
        advice = f"It is fetched where a provider gives rates; otherwise watch {pair(have, want)}"
        return f"No rate of {have} in {want}: {why_none}. {advice}, or both currencies against {PIVOT}."


def age(quote: Quote, at: datetime) -> timedelta:
    """Return how old a pair's quote is beyond its feed's delay, while currencies traded."""
    return max(forex.traded(quote.as_of, at) - timedelta(seconds=quote.delay_seconds), timedelta(0))


def unusable_because(quote: Quote, at: datetime) -> str:
    """Return why a pair's quote says nothing about its rate; empty when it does."""
    if not quote.is_believed:
        return f"the price of {quote.symbol} is doubtful"
    if is_ahead(quote, at):
        return f"the quote of {quote.symbol} is from the future"
    if is_off_scale(quote.symbol, quote.price):
        return f"{quote.price:g} is no rate of {quote.symbol}"
    return f"the quote of {quote.symbol} is too old" if age(quote, at) > MOST_AGE else ""


def middle(quote: Quote) -> Decimal:
    """Return the middle of the book, or the price where the book says nothing."""
    if quote.bid is None or quote.ask is None or quote.book == Quote.Book.CROSSED:
        return Decimal(str(quote.price))
    return (Decimal(str(quote.bid)) + Decimal(str(quote.ask))) / 2


def _disagreement(ways: list[Rate]) -> str:
    values = [way.value for way in ways]
    if max(values) - min(values) <= MOST_APART * min(values):
        return ""
    named = sorted({symbol for way in ways for symbol in way.pairs})
    return f"{', '.join(named)} do not agree"
