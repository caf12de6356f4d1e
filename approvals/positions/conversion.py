"""Money of several currencies in the account's, at the stored rates; Unknown where one is not firm."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from approvals.positions.account import Unknown
from market.quotes.rates import NoRate, Rates


def rates_into(currency: str, currencies: Mapping[str, str], at: datetime) -> dict[str, Decimal]:
    """Return what money in each symbol's currency is worth in this one. One query where there are several.

    Raises Unknown for what has no firm rate, and for a symbol that is not known here.
    """
    for symbol in sorted(currencies):
        if not currencies[symbol]:
            raise Unknown(
                f"The account holds {symbol}, which Jax does not know. Add it to the instruments, so that "
                "its price and currency are known."
            )
    known = Rates.load({*currencies.values(), currency}, at)
    return {symbol: _rate(symbol, own, currency, known) for symbol, own in sorted(currencies.items())}


def _rate(symbol: str, currency: str, into: str, known: Rates) -> Decimal:
    try:
        return known.firm(currency, into).value
    except NoRate as refusal:
        held_in = f"{symbol} is held in {currency}, the account is in {into}"
        raise Unknown(f"{held_in}: nothing can be sized. {refusal}") from refusal
