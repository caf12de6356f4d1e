"""Changes of symbol, followed: what was filed under the old symbol is filed under the new one. Once.

Orders, fills and positions included, in one transaction: nobody sees a half of it. What the chain of events
and people's notes said then is left as it was said. Another company that has the old symbol since keeps what
is its own.
"""

import logging
from datetime import date, datetime, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from psycopg.errors import UniqueViolation

from core import locks
from market import faults, store
from market.models import CorporateAction, Fault, Instrument, SymbolChange
from market.store import renaming

logger = logging.getLogger(__name__)

# A provider may go on under the old symbol for some days; with bars after that, it is another company's.
REUSED_AFTER = timedelta(days=15)
STRAGGLERS = timedelta(days=30)


class RenameRefused(ValueError):
    """The change of symbol was not followed. The message says why and what to do."""


def follow_due(at: datetime) -> list[SymbolChange]:
    """Follow the recorded changes whose day has come, and file what a cycle of before has written since.

    One that fails is remembered and tried again; the others go on. A symbol without bars from before the
    change may be that of a company which has taken it since: nothing of it is filed elsewhere.
    """
    isolation = faults.Isolation(Fault.Work.RENAME, at)
    followed = []
    for fact in _due(at):
        if not isolation.is_paused(fact.symbol) and renaming.is_seen_before(fact.symbol, fact.ex_date):
            with isolation.of(fact.symbol):
                followed.append(follow(fact.symbol, fact.new_symbol, fact.ex_date, fact.source, at))
    for change in SymbolChange.objects.filter(followed_at__gte=at - STRAGGLERS, is_shared=False):
        if not isolation.is_paused(change.old):
            with isolation.of(change.old):
                _file_stragglers(change)
    return followed


def _due(at: datetime) -> QuerySet[CorporateAction]:
    changes = SymbolChange.objects.filter(old=OuterRef("symbol"), since=OuterRef("ex_date"))
    facts: QuerySet[CorporateAction] = CorporateAction.objects.current().filter(
        ~Exists(changes),
        Exists(Instrument.objects.filter(pk=OuterRef("symbol"))),
        kind=CorporateAction.Kind.SYMBOL_CHANGE,
        ex_date__lte=at.date(),
    )
    return facts.order_by("ex_date", "pk")


def _file_stragglers(change: SymbolChange) -> None:
    if not Instrument.objects.filter(pk=change.old).exists():
        renaming.move(change)


def follow(
    old: str, new: str, since: date, source: str, at: datetime, *, by: User | None = None
) -> SymbolChange:
    """File all of the old symbol under the new one, or what was before the change if another has it since.

    Once: what is followed already is returned as it is. Raises RenameRefused.
    """
    if old == new:
        raise RenameRefused(f"{old} is the new symbol, too: there is nothing to follow.")
    try:
        with transaction.atomic():
            return _follow(old, new, since, source, at, by)
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise RenameRefused(
            f"{old} is not filed under {new}: both have decisions of the same moment, which stay apart."
            f" ({str(error).splitlines()[0]})"
        ) from error


def _follow(old: str, new: str, since: date, source: str, at: datetime, by: User | None) -> SymbolChange:
    locks.transaction("market.symbol_changes")
    if change := SymbolChange.objects.filter(old=old, since=since).first():
        return change
    known = sorted(Instrument.objects.filter(pk__in=[old, new]).values_list("symbol", flat=True))
    if old not in known:
        raise RenameRefused(f"{old} is no instrument here: there is nothing to file under {new}.")
    store.lock(known)
    change = SymbolChange.objects.create(
        old=old,
        new=new,
        since=since,
        is_shared=renaming.is_seen_after(old, since + REUSED_AFTER),
        source=source,
        followed_at=at,
        followed_by=by,
    )
    renaming.move_instrument(change)
    rows = renaming.move(change)
    if by:
        instrument = Instrument.objects.filter(pk=new)
        LogEntry.objects.log_actions(by.pk, instrument, CHANGE, f"{change}: {rows} rows.")
    logger.info("%s: %s rows filed under it", change, rows)
    return change
