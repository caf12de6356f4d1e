"""Ask the providers which instruments there are: by words, or for some symbols.

What no provider has is absent; what could not be asked is unknown, with the reason. The two are told apart.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Q

from core import sanitize
from market import feeds
from market.imports import likeness, spelling
from market.models import Instrument
from market.providers.base import ProviderError
from market.providers.listings import Listing

logger = logging.getLogger(__name__)

MOST_ASKED = 100  # symbols at once: what is beyond is asked for by the nightly refresh
LONGEST_SEARCH = 40
MOST_STORED = 25
NOT_NOW = "not asked in time"


class State(StrEnum):
    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """What is known of a symbol. `provider`: who said so; `reason`: why it is absent or unknown.

    `given`: the symbol that was asked for, where another spelling of it was found.
    """

    symbol: str
    state: State
    listing: Listing | None = None
    provider: str = ""
    reason: str = ""
    given: str = ""


@dataclass(frozen=True)
class Found:
    """The listings that fit some words, and who said so. `reason`: why there are none."""

    listings: Sequence[Listing]
    provider: str = ""
    reason: str = ""
    is_known: bool = True


def search(text: str) -> Found:
    """Return what fits a symbol or words of a name, from the first provider that answers."""
    reasons = []
    for directory in feeds.directories():
        try:
            listings = directory.search(text)
        except ProviderError as failure:
            logger.warning("%s cannot be searched: %s", directory.name, failure)
            reasons.append(str(failure))
            continue
        listings = _with_exact(listings, text)
        reason = "" if listings else _not_found(text, directory.name)
        return Found(listings, directory.name, reason)
    return Found([], reason="; ".join(reasons) or nobody_to_ask(), is_known=False)


def searched(query: Mapping[str, str]) -> dict[str, Any]:
    """Return what a page with a search shows: the text, what is found, and what of it is stored already."""
    text = query.get("q", "").strip()[:LONGEST_SEARCH]
    if not feeds.directories():
        return {"search": text, "found": None, "cannot_search": nobody_to_ask()}
    if not text:
        return {"search": "", "found": None}
    found = search(text)
    symbols = [listing.symbol for listing in found.listings]
    here = set(Instrument.objects.filter(pk__in=symbols).values_list("symbol", flat=True))
    return {"search": text, "found": found, "stored": here}


def stored(text: str) -> list[Instrument]:
    """Return the instruments that fit a symbol, in any spelling, or words of a name, best first."""
    fits = Q(symbol__istartswith=text) | Q(name__icontains=text)
    with suppress(spelling.NoSymbol):
        fits |= Q(symbol=spelling.ours(text))
    rows = {row.symbol: row for row in Instrument.objects.filter(fits).order_by("symbol")[:MOST_STORED]}
    exact = [symbol for symbol in rows if symbol.casefold() == text.casefold()]
    return [rows[symbol] for symbol in dict.fromkeys([*exact, *rows])]


def _with_exact(listings: list[Listing], text: str) -> list[Listing]:
    """Put what the text spells as a symbol in front, also when it is delisted or spelled another way."""
    try:
        symbol = spelling.ours(text)
    except spelling.NoSymbol:
        return listings
    if any(listing.symbol == symbol for listing in listings):
        return listings
    answer = describe([symbol])[symbol]
    exact = [answer.listing] if answer.listing else []
    return exact + [listing for listing in listings if listing not in exact]


def describe(symbols: Sequence[str]) -> dict[str, Answer]:
    """Return what is known of each symbol, from the first provider that has it.

    A symbol that none has is tried as what it may be a slip of: BRKB is found as BRK.B.
    """
    asked = list(dict.fromkeys(symbols))[:MOST_ASKED]
    answers = ask(asked)
    meant = {symbol: spelling.looks_like(symbol) for symbol, answer in answers.items() if is_absent(answer)}
    others = ask(list(dict.fromkeys(other for row in meant.values() for other in row)))
    for symbol, row in meant.items():
        found = next((others[other] for other in row if others[other].listing), None)
        if found is not None:
            answers[symbol] = Answer(found.symbol, State.FOUND, found.listing, found.provider, given=symbol)
    left = [symbol for symbol in dict.fromkeys(symbols) if symbol not in answers]
    return answers | {symbol: Answer(symbol, State.UNKNOWN, reason=NOT_NOW) for symbol in left}


def is_absent(answer: Answer) -> bool:
    return answer.state is State.ABSENT


def ask(symbols: Sequence[str]) -> dict[str, Answer]:
    """Return each provider's word in turn, the next one for what those before it do not have."""
    answers = {symbol: Answer(symbol, State.UNKNOWN, reason=nobody_to_ask()) for symbol in symbols}
    for directory in feeds.directories():
        open_ones = [symbol for symbol, answer in answers.items() if answer.listing is None]
        if not open_ones:
            break
        listings = directory.describe(open_ones)
        for symbol in open_ones:
            if symbol in listings.found:
                found = listings.found[symbol]
                answers[symbol] = Answer(symbol, State.FOUND, found, directory.name)
            elif symbol in listings.absent:
                answers[symbol] = Answer(
                    symbol, State.ABSENT, provider=directory.name, reason=_not_found(symbol, directory.name)
                )
            elif not is_absent(answers[symbol]):
                reason = sanitize.plain(listings.failed.get(symbol, NOT_NOW), 300)
                answers[symbol] = Answer(symbol, State.UNKNOWN, reason=reason)
    return answers


def nobody_to_ask() -> str:
    """Return that none of the providers can be asked what it lists."""
    titles = " and ".join(feeds.without_directory())
    if not titles:
        return "No provider is set up that could be asked"
    return f"{titles} cannot be asked which instruments there are"


def _not_found(text: str, provider: str) -> str:
    known = Instrument.objects.values_list("symbol", flat=True)
    return f"{feeds.title(provider)} does not have it. {likeness.describe(text, list(known))}".strip()
