"""Ask a provider, find out which of the symbols it fails on, and keep its record."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from market import feeds
from market.ingestion import blame
from market.ingestion.run import Cycle
from market.models import CandleProgress, Quote
from market.providers.base import Candles, Provider, ProviderError, Quotes

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", Quotes, Candles)
# What an answer of an unforeseen shape raises while it is read.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
PERMANENT_PAUSE = timedelta(hours=1)
MOST_PARTS = 24  # of an ask that fails: enough to find one symbol among a thousand


@dataclass(frozen=True)
class Trouble:
    """Why nothing came. `is_general`: whatever symbol were asked for. `apart`: each was asked by itself."""

    error: str
    is_general: bool = False
    apart: bool = False
    pause: timedelta | None = None


def ask(
    current: Cycle,
    provider: Provider,
    names: Mapping[str, str],
    question: Callable[[Sequence[str]], Answer],
    part: str = "",
) -> Iterator[Answer]:
    """Ask one provider and keep its record; yield what it answers, in parts when one symbol fails for all.

    `names`: what each asked symbol is called in the cycle's own record. A provider that is at fault is not
    asked again in this cycle.
    """
    parts = [current.askable(provider.name, list(names), part)]
    asked = 0
    while parts and provider.name not in current.dead:
        if not (symbols := parts.pop()):
            continue
        outcome, asked = _ask_once(current, provider, symbols, question), asked + 1
        if isinstance(outcome, Trouble):
            can_be_parted = len(symbols) > 1 and not (outcome.is_general or outcome.apart)
            if can_be_parted and asked < MOST_PARTS:
                middle = len(symbols) // 2
                parts += [symbols[middle:], symbols[:middle]]
            else:
                _fail(current, provider, {symbol: names[symbol] for symbol in symbols}, outcome, part)
        else:
            _keep(current, provider, names, outcome, part)
            yield outcome


def _ask_once(
    current: Cycle, provider: Provider, symbols: Sequence[str], question: Callable[[Sequence[str]], Answer]
) -> Answer | Trouble:
    begun = time.monotonic()
    try:
        return question(symbols)
    except ProviderError as refusal:
        pause = PERMANENT_PAUSE if refusal.permanent else refusal.retry_after
        return Trouble(str(refusal), refusal.is_general, refusal.apart, pause)
    except UNREADABLE as failure:
        logger.exception("%s gave an answer we cannot read", provider.name)
        return Trouble(f"an answer we cannot read ({type(failure).__name__}: {failure})")
    finally:
        current.note(provider.name, asked=len(symbols), seconds=time.monotonic() - begun)


def _fail(current: Cycle, provider: Provider, names: Mapping[str, str], trouble: Trouble, part: str) -> None:
    """Note that nothing came for some symbols, and whose fault that is."""
    current.failures |= dict.fromkeys(names.values(), f"{provider.name}: {trouble.error}")
    current.note(provider.name, failed=len(names), error=trouble.error)
    if len(names) > 1 and not (trouble.is_general or trouble.apart):
        return  # which of them it fails on takes more asks than one cycle has
    doubted = current.doubted.setdefault(provider.name, set())
    doubted |= names.keys()
    if blame.is_providers(
        doubted,
        proven=set() if trouble.is_general else _proven(current),
        is_general=trouble.is_general,
        has_answered=provider.name in current.answered,
    ):
        logger.warning("%s: %s", provider.name, trouble.error)
        current.dead.add(provider.name)
        current.acquit(provider.name)
        feeds.status(provider.name, current.work).failed(current.now, trouble.error, pause=trouble.pause)
    else:
        current.blame(provider.name, dict.fromkeys(names, trouble.error), part)


def _proven(current: Cycle) -> set[str]:
    """Return the symbols that were answered for before, without those that fail by themselves."""
    rows = Quote.objects.all() if current.work == current.work.QUOTES else CandleProgress.objects.all()
    failing = {subject for _, _, subject, _ in current.known_faults}
    return set(rows.values_list("symbol", flat=True)) - failing


def _keep(
    current: Cycle, provider: Provider, names: Mapping[str, str], answer: Quotes | Candles, part: str
) -> None:
    """Note what an answer says of each symbol."""
    feeds.status(provider.name, current.work).succeeded(current.now)
    current.waiting |= {names[symbol] for symbol in answer.declined if symbol in names}
    failed = {symbol: why for symbol, why in answer.failed.items() if symbol in names}
    current.failures |= {names[symbol]: f"{provider.name}: {why}" for symbol, why in failed.items()}
    current.note(provider.name, failed=len(failed))
    current.blame(
        provider.name,
        {symbol: why for symbol, why in failed.items() if symbol not in answer.blameless},
        part,
    )
    came = {tick.symbol for tick in answer.ticks} if isinstance(answer, Quotes) else set(answer.bars)
    if came & names.keys():
        current.answered.add(provider.name)
        current.clear(provider.name, came & names.keys(), part)
