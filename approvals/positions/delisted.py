"""What a delisted share is closed at on paper: the cash that is recorded for it, or its last price."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from market.models import Candle, CorporateAction, Instrument, Quote
from market.prices import Timeframe

WEEK = timedelta(days=7)  # a merger may come some days before the delisting
FINEST = Decimal("0.000001")


class Settlement(NamedTuple):
    """For one share, with why it is that much, in words."""

    price: Decimal
    reason: str


def settlement(instrument: Instrument, at: datetime) -> Settlement | None:
    """Return what a share is closed at; None for one that trades, or that no price is known of."""
    if not instrument.is_gone:
        return None
    on = instrument.delisted_on or at.date()
    facts = CorporateAction.objects.current().filter(
        symbol=instrument.pk,
        kind__in=CorporateAction.ENDS,
        ex_date__range=(on - WEEK, on),
        currency=instrument.currency,
        amount__gt=0,
        ratio=0,  # what new shares are worth beside the cash is for a person to say
    )
    fact = facts.order_by("kind", "-ex_date").first()  # a delisting before a merger: a person gave it
    price = fact.amount if fact else _last_price(instrument.pk)
    if price is None:
        return None
    source = f"recorded by {fact.source}" if fact else "the last price that is stored"
    reason = f"Settled at {price.normalize():f}, {source}: {instrument} was delisted on {on}."
    return Settlement(price.quantize(FINEST), reason)


def _last_price(symbol: str) -> Decimal | None:
    quote = Quote.objects.filter(symbol=symbol).first()
    if quote and quote.is_believed:
        return Decimal(f"{quote.price:.6f}")
    days = Candle.objects.filter(symbol=symbol, timeframe=Timeframe.D1, suspect=False)
    last = days.order_by("-opened_at").first()
    return Decimal(f"{last.close:.6f}") if last else None
