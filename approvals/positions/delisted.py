"""What a delisted share is closed at: what is recorded for it, its last price, or what a person gives."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import prod
from typing import NamedTuple

from market.models import Candle, CorporateAction, Instrument, Quote, Split
from market.prices import Timeframe

MONTH = timedelta(days=30)  # a merger may come some days before the delisting
FINEST = Decimal("0.000001")


class Settlement(NamedTuple):
    """For one share, with why it is that much, in words, and the day that the price is of."""

    price: Decimal
    reason: str
    of: date


def settlement(instrument: Instrument, at: datetime) -> Settlement | None:
    """Return what a share is closed at; None for one that trades, or that no price is known of."""
    if not instrument.is_gone:
        return None
    on = instrument.delisted_on or at.date()
    facts = CorporateAction.objects.current().filter(
        symbol=instrument.pk, kind__in=CorporateAction.ENDS, ex_date__range=(on - MONTH, on)
    )
    worth = next(
        filter(None, (_recorded(fact, instrument) for fact in facts.order_by("kind", "-ex_date"))), None
    )
    last = worth or _last(instrument.pk)
    if last is None:
        return None
    price = last.price.quantize(FINEST)
    reason = f"Settled at {price.normalize():f}, {last.words}: {instrument} was delisted on {on}."
    return Settlement(price, reason, last.of)


class Worth(NamedTuple):
    """What a share is worth, where from in words, and of which day."""

    price: Decimal
    words: str
    of: date


def _recorded(fact: CorporateAction, instrument: Instrument) -> Worth | None:
    """Return what the end of a share brings for one; None where that is not known in its currency."""
    source = f"recorded by {fact.source}"
    if fact.kind == CorporateAction.Kind.WORTHLESS:
        return Worth(Decimal(0), f"as worthless, {source}", fact.ex_date)
    if fact.amount and fact.currency != instrument.currency:
        return None
    if fact.ratio:
        return _with_new_shares(fact, instrument, source)
    return Worth(fact.amount, source, fact.ex_date) if fact.amount else None


def _with_new_shares(fact: CorporateAction, instrument: Instrument, source: str) -> Worth | None:
    """Return the cash and what the new shares are worth by now: they count as sold, parts of one, too."""
    new = Instrument.objects.filter(pk=fact.new_symbol, currency=instrument.currency).first()
    last = _last_price(fact.new_symbol) if new else None
    if last is None:
        return None
    shares, (price, of) = fact.ratio * _shares_since(fact.new_symbol, fact.ex_date), last
    cash = f"{fact.amount.normalize():f} {fact.currency} and " if fact.amount else ""
    words = f"which is {cash}{shares.normalize():f} {new} at {price.normalize():f} of {of}, {source}"
    return Worth(fact.amount + shares * price, words, of)


def _last(symbol: str) -> Worth | None:
    last = _last_price(symbol)
    return Worth(last[0], f"the last price that is stored, of {last[1]}", last[1]) if last else None


def _last_price(symbol: str) -> tuple[Decimal, date] | None:
    """Return the last price that is not in doubt, for a share of today, with its day."""
    quote = Quote.objects.filter(symbol=symbol).first()
    if quote and quote.is_believed:
        of = quote.as_of.date()
        return Decimal(f"{quote.price:.6f}") / _shares_since(symbol, of), of
    days = Candle.objects.filter(symbol=symbol, timeframe=Timeframe.D1, suspect=False)
    last = days.order_by("-opened_at").first()
    return (Decimal(f"{last.close:.6f}"), last.opened_at.date()) if last else None


def _shares_since(symbol: str, day: date) -> Decimal:
    """Return how many shares of today one of a day is: bars are restated for splits, quotes are not."""
    ratios = Split.objects.filter(symbol=symbol, date__gt=day).values_list("ratio", flat=True)
    return prod((Decimal(str(ratio)) for ratio in ratios), start=Decimal(1))


# --- at a price that a person gives -----------------------------------------------------------------------


class ByHand(NamedTuple):
    """What a person closes a delisted share at: `price` in its currency, 0 for a worthless one.

    `on`: the day that it was settled; only for a broker that settles by itself and never said so.
    """

    price: Decimal
    on: date | None = None


def refusal(instrument: Instrument, by_hand: ByHand, notes: str, at: datetime) -> str:
    """Return why a price cannot be given like this, with what to do; empty when it can."""
    if not instrument.is_gone:
        return f"{instrument} trades: it is closed at the market, without a price."
    if not notes.strip():
        return "Say in the note why it is settled at this price."
    if by_hand.price < 0 or by_hand.price != by_hand.price.quantize(FINEST):
        return "The price is 0 or above, with six decimals at most."
    return _wrong_day(by_hand.on, at) if by_hand.on else ""


def _wrong_day(on: date, at: datetime) -> str:
    return f"{on} is still to come: record it when it has been settled." if on > at.date() else ""


def settled_at(on: date | None, at: datetime) -> datetime:
    """Return an instant of the day that it was settled: its end in UTC, after all trades of the day."""
    return min(at, datetime.combine(on, time(23, 59), UTC)) if on else at
