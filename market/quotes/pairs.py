"""The pairs whose rates are needed, each with its rate, how old that is, and why there is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from market.models import CurrencyPair, Quote
from market.quotes import rates

NOT_YET = "the providers were not asked yet"


@dataclass(frozen=True)
class PairRate:
    """A needed pair and its newest quote. `age`: while currencies traded; None without a quote."""

    pair: CurrencyPair
    quote: Quote | None
    age: timedelta | None
    why_none: str

    @property
    def age_seconds(self) -> float | None:
        return None if self.age is None else self.age.total_seconds()

    @property
    def is_usable(self) -> bool:
        return not self.why_none

    def __str__(self) -> str:
        reasons = [reason for reason in (self.why_none, self.pair.problem) if reason]
        return f"{self.pair}: {'; '.join(reasons)}" if reasons else str(self.pair)


def with_rates(pairs: Iterable[CurrencyPair], at: datetime) -> list[PairRate]:
    """Return the pairs with their rates. One query, none without pairs."""
    listed = list(pairs)
    quotes = Quote.objects.in_bulk([pair.symbol for pair in listed])
    return [_with_rate(pair, quotes.get(pair.symbol), at) for pair in listed]


def missing(at: datetime) -> list[PairRate]:
    """Return those that lack a rate for longer than a first one takes. Two queries, one without pairs."""
    listed = with_rates(CurrencyPair.objects.filter(needed_since__lte=at - rates.MOST_AGE), at)
    return [each for each in listed if not each.is_usable]


def _with_rate(pair: CurrencyPair, quote: Quote | None, at: datetime) -> PairRate:
    if quote is None:
        return PairRate(pair, None, None, "no rate came" if pair.asked_at else NOT_YET)
    return PairRate(pair, quote, rates.age(quote, at), rates.unusable_because(quote, at))
