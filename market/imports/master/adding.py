"""Add instruments with what the providers say of them: what each symbol would become, and making it so."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.conf import settings

from core import sanitize
from market import feeds
from market.imports.exchanges import CODES, ROUND_THE_CLOCK, Exchange
from market.imports.master import lookup
from market.imports.master.lookup import Answer, State
from market.imports.watchlist import PAIR, Entry
from market.models import ALWAYS_OPEN, Installation, Instrument
from market.providers.listings import Kind, Listing, Status

LONGEST_NAME = 100
CURRENCY = re.compile(r"[A-Z]{3}")
# What a person may enter of an instrument beside its symbol, and what only a provider says.
BY_A_PERSON = ("name", "exchange", "kind", "calendar", "currency", "tick_size", "lot_size")
BY_A_PROVIDER = ("status", "delisted_on", "borrowable", "listed_name", "details_from", "details_at")
SMALLEST_TICK, LARGEST_TICK = Decimal("0.000001"), Decimal(1000)  # that a row can hold


class Verdict(StrEnum):
    STORED = "here already"
    NEW = "new"
    HISTORY = "delisted: added for its history only, not watched"
    BY_HAND = "added as it stands, without a provider's word"
    REFUSED = "not added"


@dataclass(frozen=True)
class Candidate:
    """A symbol and what would become of it. `reason`: why, in words; empty for what goes without saying."""

    entry: Entry
    answer: Answer
    stored: Instrument | None
    exchange: Exchange
    verdict: Verdict
    reason: str = ""

    @property
    def symbol(self) -> str:
        return self.answer.symbol

    @property
    def listing(self) -> Listing | None:
        return self.answer.listing

    @property
    def name(self) -> str:
        stored = self.stored.name if self.stored else ""
        listed = self.listing.name if self.listing else ""
        return stored or sanitize.plain(listed or self.entry.name, LONGEST_NAME)

    @property
    def place(self) -> str:
        """Where it is listed, as far as is known."""
        return (
            (self.stored and self.stored.exchange)
            or (self.listing and self.listing.exchange)
            or self.entry.place
        )

    @property
    def kind(self) -> str:
        if self.stored:
            return self.stored.kind
        return self.listing.kind if self.listing else Kind.UNKNOWN

    @property
    def becomes(self) -> str:
        """What adding it does, in words."""
        if self.verdict is not Verdict.STORED or self.stored is None:
            return self.verdict
        if self.stored.watched:
            return "watched already"
        return "known, delisted" if self.stored.status == Status.DELISTED else "known, watched again"

    def instrument(self, at: datetime) -> Instrument:
        """Return the row of a new one; a delisted one is not watched."""
        given = facts(self.listing, self.answer.provider, at) if self.listing else {}
        listed = self.listing.currency if self.listing else ""
        currency = listed if CURRENCY.fullmatch(listed) else self.exchange.currency
        return Instrument(
            symbol=self.symbol,
            calendar=self.exchange.calendar,
            currency=currency,
            watched=self.verdict is not Verdict.HISTORY,
            **{"name": self.name} | given,
        )

    def details(self, given: Collection[str], at: datetime) -> dict[str, Any]:
        """Return the fields that a provider's word fills in: all but those that a person has `given`.

        Empty where no provider has it as it is written.
        """
        if self.listing is None or self.answer.given:
            return {}
        row = self.instrument(at)
        names = [name for name in (*BY_A_PERSON, *BY_A_PROVIDER) if name not in given]
        unwatched = {"watched": False} if self.verdict is Verdict.HISTORY else {}
        return {name: getattr(row, name) for name in names} | unwatched

    @property
    def is_added(self) -> bool:
        return self.verdict is not Verdict.REFUSED

    @property
    def remark(self) -> str:
        """What a person should know of its adding, in words; empty for what goes without saying."""
        if self.verdict is Verdict.NEW and not self.reason:
            return ""
        return f"{self.symbol}: {self.verdict}. {self.reason}".strip()


def candidate(symbol: str) -> Candidate:
    """Return what would become of one symbol, in our spelling, whose user may add any."""
    (only,) = candidates([Entry(symbol)], may_add_unlisted=True)
    return only


def candidates(entries: Sequence[Entry], *, may_add_unlisted: bool) -> list[Candidate]:
    """Return what would become of each entry; the providers are asked of those that are not stored.

    `may_add_unlisted`: whether one that the providers say they do not have may be added.
    """
    stored = Instrument.objects.in_bulk([entry.symbol for entry in entries])
    answers = lookup.describe([entry.symbol for entry in entries if entry.symbol not in stored])
    meant = Instrument.objects.in_bulk([answer.symbol for answer in answers.values()])
    return list(_candidates(entries, answers, stored | meant, may_add_unlisted))


def _candidates(
    entries: Iterable[Entry], answers: dict[str, Answer], stored: dict[str, Instrument], unlisted: bool
) -> Iterator[Candidate]:
    for entry in entries:
        answer = answers.get(entry.symbol, Answer(entry.symbol, State.FOUND))
        row = stored.get(answer.symbol)
        if row is None and (reason := _other_listing(entry, answer.listing, answer.provider)):
            answer = Answer(entry.symbol, State.UNKNOWN, reason=reason)
        exchange = _exchange(entry, answer.listing)
        verdict, reason = _verdict(answer, row, unlisted)
        if row is not None and (other := _other_stored(entry, row)):
            verdict, reason = Verdict.REFUSED, other
        if answer.state is State.UNKNOWN and entry.meant:
            reason = f"{reason}. Or is it {' or '.join(entry.meant)}?"
        yield Candidate(entry, answer, row, exchange, verdict, reason)


def _verdict(answer: Answer, stored: Instrument | None, unlisted: bool) -> tuple[Verdict, str]:
    slip = f"{answer.given} is {answer.symbol}." if answer.given else ""
    if stored is not None:
        return Verdict.STORED, slip
    if answer.listing is not None:
        is_gone = answer.listing.status is Status.DELISTED
        return (
            Verdict.HISTORY if is_gone else Verdict.NEW
        ), f"{slip} {_when_delisted(answer.listing)}".strip()
    if answer.state is State.UNKNOWN or unlisted:
        return Verdict.BY_HAND, answer.reason
    return Verdict.REFUSED, f"{answer.reason} An operator may add it by hand in admin."


def _when_delisted(listing: Listing) -> str:
    return f"Delisted on {listing.delisted_on}." if listing.delisted_on else ""


def _other_listing(entry: Entry, listing: Listing | None, provider: str) -> str:
    """Return that a provider has another share under this symbol than the list; empty when it does not."""
    if listing is None or entry.exchange is None or not entry.place:
        return ""
    listed = CODES.get(listing.exchange)
    if listed is None or listed.calendar == entry.exchange.calendar:
        return ""
    other = f"{feeds.title(provider)} has another {entry.symbol}, at {listing.exchange}"
    return f"{other}; the list says {entry.place}."


def _other_stored(entry: Entry, stored: Instrument) -> str:
    """Return that a symbol is stored for another share than the list has; empty when it is not."""
    if not entry.place or entry.exchange is None or stored.calendar == ALWAYS_OPEN:
        return ""
    if entry.exchange.calendar == stored.calendar or entry.exchange.currency == stored.currency:
        return ""
    other = f"{stored.symbol} is here already, in {stored.currency} by the calendar {stored.calendar}"
    return f"{other}; the list says {entry.place}. Symbols are unique here."


def _exchange(entry: Entry, listing: Listing | None) -> Exchange:
    """Return where it trades; simulated ones never close, wherever the real ones trade."""
    usual = Exchange(str(Instrument._meta.get_field("calendar").default), "USD")
    exchange = (_listed_at(listing) if listing else None) or entry.exchange or usual
    simulated = settings.DATA_KIND == Installation.Data.SIMULATED
    return replace(exchange, calendar=ALWAYS_OPEN) if simulated else exchange


def _listed_at(listing: Listing) -> Exchange | None:
    if listing.kind is Kind.CRYPTO and (pair := PAIR.fullmatch(listing.symbol)):
        return Exchange(ROUND_THE_CLOCK, pair[2])
    return CODES.get(listing.exchange)


def facts(listing: Listing, provider: str, at: datetime) -> dict[str, Any]:
    """Return what a listing says beside names, as fields of an instrument."""
    given: dict[str, Any] = {
        "listed_name": sanitize.plain(listing.name, LONGEST_NAME),
        "exchange": sanitize.plain(listing.exchange, 16),
        "kind": listing.kind.value,
        "status": listing.status.value,
        "delisted_on": listing.delisted_on,
        "borrowable": listing.borrowable,
        "details_from": provider,
        "details_at": at,
    }
    if listing.tick_size is not None and SMALLEST_TICK <= listing.tick_size <= LARGEST_TICK:
        given["tick_size"] = listing.tick_size
    if listing.lot_size is not None:
        given["lot_size"] = listing.lot_size
    return given
