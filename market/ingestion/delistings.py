"""Delistings and mergers, followed: from its day on, nothing is fetched or decided of a share that is gone.

Its history stays readable. When the fact is withdrawn, or moved to a later day, it is as it was before.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime

from django.db.models import Q

from core import locks
from market import faults
from market.ingestion import gaps
from market.ingestion.renames import REUSED_AFTER
from market.models import CorporateAction, Fault, Instrument, SymbolChange
from market.providers.listings import Status
from market.store.renaming import is_seen_after

logger = logging.getLogger(__name__)


def follow_due(at: datetime) -> list[str]:
    """Follow the recorded ends whose day has come, and undo those that no fact stands for any more.

    Return the symbols that changed. Twice is the same as once. One that fails is remembered and tried again;
    the others go on.
    """
    isolation, ends = faults.Isolation(Fault.Work.DELIST, at), _ends(at)
    concerned = Instrument.objects.filter(Q(pk__in=ends) | Q(delisting_followed=True)).order_by("pk")
    changed = []
    for instrument in concerned:
        symbol = instrument.pk
        if _is_followed(instrument, ends.get(symbol)) or isolation.is_paused(symbol):
            continue
        with isolation.of(symbol):
            locks.transaction("market.delistings")
            changed += _follow(symbol, _ends(at, symbol).get(symbol))
    return changed


def _ends(at: datetime, symbol: str = "") -> dict[str, CorporateAction]:
    """Return the newest end of each symbol, or of one: the ones before were those of other companies."""
    facts = CorporateAction.objects.current().filter(kind__in=CorporateAction.ENDS, ex_date__lte=at.date())
    facts = facts.filter(symbol=symbol) if symbol else facts
    renamed = list(SymbolChange.objects.values_list("new", "since"))
    return {fact.symbol: fact for fact in facts.order_by("ex_date", "pk") if not _is_rename(fact, renamed)}


def _is_rename(fact: CorporateAction, renamed: Sequence[tuple[str, date]]) -> bool:
    """Return whether only the old symbol ended: what was recorded of it is filed under the new one since."""
    return any(new == fact.symbol and abs(since - fact.ex_date) <= REUSED_AFTER for new, since in renamed)


def _is_followed(instrument: Instrument, fact: CorporateAction | None) -> bool:
    return bool(fact and instrument.delisting_followed and instrument.delisted_on == fact.ex_date)


def _follow(symbol: str, fact: CorporateAction | None) -> list[str]:
    """Return the symbol when that changes anything: one with later bars is listed still or used again."""
    instrument = Instrument.objects.select_for_update().get(pk=symbol)
    if fact is None:
        return _undo(instrument) if instrument.delisting_followed else []
    if _is_followed(instrument, fact):
        return []
    ended = {"status": Status.DELISTED.value, "delisted_on": fact.ex_date}
    if not instrument.delisting_followed:
        if is_seen_after(symbol, fact.ex_date + REUSED_AFTER):
            return []
        before = {"watched_before_delisting": instrument.watched, "watched": False}
        ended |= before | {"delisting_followed": True}
        logger.warning("%s by %s: it is no longer fetched or scanned", fact, fact.source)
    Instrument.objects.filter(pk=symbol).update(**ended)
    gaps.end(instrument, fact.ex_date)
    return [symbol]


def _undo(instrument: Instrument) -> list[str]:
    """Make it what it was; whether it is listed is not known until a provider is asked for its details."""
    Instrument.objects.filter(pk=instrument.pk).update(
        status=Status.UNKNOWN.value,
        delisted_on=None,
        delisting_followed=False,
        watched=instrument.watched or instrument.watched_before_delisting,
        watched_before_delisting=False,
    )
    logger.warning("%s: its delisting does not stand any more, it is as before", instrument)
    return [instrument.pk]
