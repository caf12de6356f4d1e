"""Currencies: their codes, parts of them that shares are priced in, their pairs, and the size of a rate.

No Django or database.
"""

import math
import re

PIVOT = "USD"  # most currencies are quoted against it
# A pair is written with the one of these that comes first in front: EUR/USD, but USD/JPY.
LEADING = ("EUR", "GBP", "AUD", "NZD", PIVOT)
# Shares are priced in parts of some currencies: pence, cents, agorot, fils. Of which, and how many make one.
PARTS = {
    "GBX": ("GBP", 100),
    "ILA": ("ILS", 100),
    "KWF": ("KWD", 1000),
    "USX": ("USD", 100),
    "ZAC": ("ZAR", 100),
}
# Vendors write the parts with a small letter, which is the only difference to the whole currency.
SPELLINGS = {"GBp": "GBX", "ILa": "ILA", "KWf": "KWF", "USc": "USX", "USx": "USX", "ZAc": "ZAC"}
CODE = re.compile(r"[A-Z]{3}\Z")
# What a dollar is worth, to see a rate that is upside down or for a hundred units: of the size of the
# European Central Bank's reference rates at the end of 2024. Those that lose their value fast are left out.
TYPICAL: dict[str, float] = {
    "AUD": 1.6,
    "BRL": 6.2,
    "CAD": 1.44,
    "CHF": 0.91,
    "CNH": 7.3,
    "CNY": 7.3,
    "CZK": 24.2,
    "DKK": 7.2,
    "EUR": 0.96,
    "GBP": 0.8,
    "HKD": 7.8,
    "HUF": 396.0,
    "IDR": 16100.0,
    "ILS": 3.65,
    "INR": 85.6,
    "ISK": 138.0,
    "JPY": 157.0,
    "KRW": 1475.0,
    "KWD": 0.31,
    "MXN": 20.7,
    "MYR": 4.5,
    "NOK": 11.4,
    "NZD": 1.78,
    "PHP": 58.0,
    "PLN": 4.1,
    "RON": 4.8,
    "SAR": 3.75,
    "SEK": 11.0,
    "SGD": 1.36,
    "THB": 34.2,
    "TWD": 32.8,
    "USD": 1.0,
    "ZAR": 18.8,
}
MOST_OFF = 5.0  # times: none of these moved so far in decades
MOST_AT_ONCE = 3.0  # times the last one
APART, EQUAL = 0.05, 0.02  # as logarithms


def code(text: object) -> str:
    """Return a currency's code as it is written here: GBX for the GBp of vendors, which is no pound."""
    written = str(text or "").strip()
    return SPELLINGS.get(written, written.upper())[:3]


def is_code(text: str) -> bool:
    """Return whether it can be a currency's code."""
    return CODE.match(text) is not None


def whole(currency: str) -> tuple[str, int]:
    """Return the currency that this one is a part of, and how many of it make one: GBP and 100 for GBX."""
    return PARTS.get(currency, (currency, 1))


def pair(one: str, other: str) -> str:
    """Return two currencies as the pair that the market quotes."""
    first, second = sorted((one, other), key=lambda each: (_rank(each), each))
    return f"{first}/{second}"


def _rank(currency: str) -> int:
    return LEADING.index(currency) if currency in LEADING else len(LEADING)


def is_off_scale(symbol: str, price: float) -> bool:
    """Return whether the price of a pair cannot be its rate. False where its size is not known."""
    base, _, term = symbol.partition("/")
    if base not in TYPICAL or term not in TYPICAL:
        return False
    return abs(math.log(price * TYPICAL[base] / TYPICAL[term])) > math.log(MOST_OFF)


def is_other_unit(price: float, last: float) -> bool:
    """Return whether a rate is upside down or of another unit, beside the last one that was believed.

    Rates near one are told from their inverse by nothing else.
    """
    moved = abs(math.log(price / last))
    is_inverse = moved > APART and abs(math.log(price * last)) < EQUAL
    return is_inverse or moved > math.log(MOST_AT_ONCE)
