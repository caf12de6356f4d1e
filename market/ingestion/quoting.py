"""How a provider's quotes become the newest ones: the same whether they were asked for or pushed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from core.halves import by_halves
from market import faults
from market.ingestion import pipeline
from market.prices import QuoteTick
from market.providers.base import Quotes
from market.quality import Rejections
from market.quality.quotes import fit_quotes


@dataclass
class StoredQuotes:
    """What became of quotes: `unfit` ones were refused, with others the database had its trouble."""

    symbols: set[str] = field(default_factory=set)
    unfit: set[str] = field(default_factory=set)
    failed: dict[str, Exception] = field(default_factory=dict)
    rejections: Rejections = field(default_factory=Rejections)


def store_quotes(
    answer: Quotes, requested: Collection[str], *, provider: str, at: datetime, apart: timedelta | None = None
) -> StoredQuotes:
    """Judge and store the ticks of an answer. A symbol whose tick cannot be stored keeps no other.

    `apart`: how far apart the quotes of the history are at least.
    """
    outcome = StoredQuotes()
    by_symbol: dict[str, list[QuoteTick]] = defaultdict(list)
    for tick in answer.ticks:
        by_symbol[tick.symbol].append(tick)

    def store_some(symbols: Sequence[str]) -> set[str]:
        ticks = [tick for symbol in symbols for tick in by_symbol[symbol]]
        rejections = Rejections(provider, answer.feed)
        fit = fit_quotes(ticks, requested, at, rejections)
        fit = pipeline.cap_to_sessions(fit) if answer.clocked else fit
        with transaction.atomic():
            pipeline.record_quotes(fit, answer, provider=provider, at=at, apart=apart)
        outcome.rejections.join(rejections)
        return {tick.symbol for tick in fit}

    halved = by_halves(list(by_symbol), store_some, faults.CONTENT)
    outcome.symbols = {symbol for part in halved.results for symbol in part}
    outcome.failed = dict(halved.failed)
    outcome.unfit = by_symbol.keys() & set(requested) - outcome.symbols - outcome.failed.keys()
    return outcome
