"""What a provider says of an instrument beside prices: name, exchange, kind, whether it is still listed."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from core.http import Patience

MOST_FOUND = 20
# Somebody waits for the answer: a directory that is slow is one that does not answer.
PATIENCE = Patience(connect=2.0, read=5.0, answer=8.0, fetch=8.0, attempts=1)


class Kind(StrEnum):
    SHARE = "share"
    ADR = "ADR"
    ETF = "ETF"
    FUND = "fund"
    INDEX = "index"
    CURRENCY_PAIR = "currency pair"
    CRYPTO = "crypto"
    FUTURE = "future"
    OTHER = "other"  # preferred shares, warrants, units, rights, notes
    UNKNOWN = "unknown"


class Status(StrEnum):
    ACTIVE = "active"
    DELISTED = "delisted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument as a provider lists it; empty or None is what it does not say.

    `symbol`: as it is written here. `exchange`: its market identifier code (ISO 10383), or the provider's
    name for a venue that has none.
    """

    symbol: str
    name: str = ""
    exchange: str = ""
    currency: str = ""
    kind: Kind = Kind.UNKNOWN
    status: Status = Status.UNKNOWN
    delisted_on: date | None = None
    tick_size: Decimal | None = None
    lot_size: int | None = None
    borrowable: bool | None = None


@dataclass(frozen=True)
class Listings:
    """An answer about some symbols. `absent`: those that the provider says it does not have.

    `failed`: why by symbol; `declined`: those that the pace did not allow to ask. Of neither it is known
    whether they exist.
    """

    found: dict[str, Listing] = field(default_factory=dict)
    absent: Set[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    declined: Sequence[str] = ()


class Directory(Protocol):
    """What a provider lists."""

    name: str

    def search(self, text: str) -> list[Listing]:
        """Return what fits a symbol or words of a name, best first. Raises ProviderError."""

    def describe(self, symbols: Sequence[str]) -> Listings:
        """Return what it says of these symbols, in ours. Never raises: what went wrong is in the answer."""


class BuildDirectory(Protocol):
    def __call__(self, values: Mapping[str, Any], pace: Any, patience: Patience = PATIENCE) -> Directory:
        """Return the directory. `values`: those of the settings of its provider's spec."""


def best(listings: Iterable[Listing], text: str) -> list[Listing]:
    """Return those whose symbol or name fits the text, best first: AAPL and Apple Inc. for `apple`."""
    wanted = " ".join(text.upper().split())
    words = wanted.split()
    ranked = [
        (rank, listing.status is Status.DELISTED, listing.symbol, listing)
        for listing in listings
        if words and (rank := _rank(listing, wanted, words)) is not None
    ]
    return [listing for *_, listing in sorted(ranked, key=lambda row: row[:3])[:MOST_FOUND]]


def _rank(listing: Listing, wanted: str, words: Sequence[str]) -> int | None:
    name = listing.name.upper()
    if listing.symbol == wanted:
        return 0
    if re.match(rf"{re.escape(wanted)}\b", name):
        return 1
    if listing.symbol.startswith(wanted):
        return 2
    if all(re.search(rf"\b{re.escape(word)}", name) for word in words):
        return 3
    return 4 if all(word in name for word in words) else None
