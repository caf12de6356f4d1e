"""Delistings and mergers, followed: from its day on, nothing is fetched or decided of a share that is gone.

Its history stays readable. When the fact is withdrawn, or moved to a later day, it is as it was before.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from core import locks
from market.ingestion.renames import REUSED_AFTER
from market.models import CorporateAction, Instrument, SymbolChange
from market.providers.listings import Status
from market.store.renaming import is_seen_after

logger = logging.getLogger(__name__)


@transaction.atomic
def follow_due(at: datetime) -> list[str]:
    """Follow the recorded ends whose day has come, and undo those that no fact stands for any more.

    Return the symbols that changed. Twice is the same as once.
    """
    locks.transaction("market.delistings")
    ends = _ends(at)
    followed = Instrument.objects.filter(delisting_followed=True)
    undone = [_undo(instrument) for instrument in followed.exclude(pk__in=ends).select_for_update()]
    listed = Instrument.objects.filter(pk__in=ends).select_for_update()
    changed = [symbol for instrument in listed if (symbol := _follow(instrument, ends[instrument.pk]))]
    return undone + changed


def _ends(at: datetime) -> dict[str, CorporateAction]:
    """Return the newest end of each symbol that stands: the ones before were those of other companies."""
    facts = CorporateAction.objects.current().filter(kind__in=CorporateAction.ENDS, ex_date__lte=at.date())
    renamed = list(SymbolChange.objects.values_list("new", "since"))
    return {fact.symbol: fact for fact in facts.order_by("ex_date", "pk") if not _is_rename(fact, renamed)}


def _is_rename(fact: CorporateAction, renamed: Sequence[tuple[str, date]]) -> bool:
    """Return whether only the old symbol ended: what was recorded of it is filed under the new one since."""
    return any(new == fact.symbol and abs(since - fact.ex_date) <= REUSED_AFTER for new, since in renamed)


def _follow(instrument: Instrument, fact: CorporateAction) -> str:
    """Return the symbol when that changes anything: one with later bars is listed still or used again."""
    if instrument.delisting_followed:
        return _move(instrument, fact)
    if is_seen_after(instrument.pk, fact.ex_date + REUSED_AFTER):
        return ""
    Instrument.objects.filter(pk=instrument.pk).update(
        status=Status.DELISTED.value,
        delisted_on=fact.ex_date,
        delisting_followed=True,
        watched_before_delisting=instrument.watched,
        watched=False,
    )
    logger.warning("%s by %s: it is no longer fetched or scanned", fact, fact.source)
    return instrument.pk


def _move(instrument: Instrument, fact: CorporateAction) -> str:
    if instrument.delisted_on == fact.ex_date:
        return ""
    Instrument.objects.filter(pk=instrument.pk).update(status=Status.DELISTED.value, delisted_on=fact.ex_date)
    return instrument.pk


def _undo(instrument: Instrument) -> str:
    """Make it what it was; whether it is listed is not known until a provider is asked for its details."""
    Instrument.objects.filter(pk=instrument.pk).update(
        status=Status.UNKNOWN.value,
        delisted_on=None,
        delisting_followed=False,
        watched=instrument.watched or instrument.watched_before_delisting,
        watched_before_delisting=False,
    )
    logger.warning("%s: its delisting does not stand any more, it is as before", instrument)
    return instrument.pk
