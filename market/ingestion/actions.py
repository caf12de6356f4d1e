"""Corporate actions as facts: asked of the providers each night, or recorded by a person.

What a source says of a symbol's day replaces what the same source said before; what another source had
recorded of that day stands, for two sources never pay one dividend twice. A person's word stands before any.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from core import locks
from market import feeds, store
from market.ingestion.asking import UNREADABLE
from market.models import CorporateAction, CorporateActionCheck, IngestionRun, Instrument
from market.prices import Timeframe, to_datetime
from market.providers.actions import Action, Actions, GivesActions
from market.providers.base import ProviderError

logger = logging.getLogger(__name__)

PERSON = "person"
EVERY = timedelta(hours=20)
SILENT = timedelta(days=8)
ALL_OF_THEM = date(1990, 1, 1)
LOOKED_BACK = timedelta(days=45)  # vendors correct a dividend up to its pay date
LOOKED_AHEAD = timedelta(days=180)
MAY_BE_TAKEN_BACK = timedelta(days=7)  # what is older and no longer given is beyond a plan's history
ASKED_AT_ONCE = 50
IN_ALL = 500  # symbols in one run: the next one comes within the hour
LONGEST_WHY = 500
CONTENT = (
    "amount",
    "currency",
    "ratio",
    "new_symbol",
    "pay_date",
    "record_date",
    "declared_date",
    "reference",
)

Fact = TypeVar("Fact", Action, CorporateAction)


class ActionRefused(ValueError):
    """The fact was not recorded. The message says why and what to do."""


class Day(NamedTuple):
    """What one source's facts stand for together: a share may pay two dividends on one day."""

    symbol: str
    kind: str
    ex_date: date


def fetch(at: datetime) -> int:
    """Ask for the actions of each fetched instrument whose last check is a night old. Return what changed."""
    due = _due(at)
    changed = 0
    for provider in feeds.ready(IngestionRun.Kind.CANDLES, at) if due else ():
        if isinstance(provider, GivesActions):
            changed += _fetch_from(provider, due, at)
    return changed


def _due(at: datetime) -> dict[str, date]:
    """Return since when the actions of each symbol are to be asked for; those never asked for come first."""
    checked = dict(CorporateActionCheck.objects.values_list("symbol", "checked_at"))
    symbols = Instrument.objects.fetched().values_list("symbol", flat=True)
    due = {
        symbol: checked[symbol].date() - LOOKED_BACK if symbol in checked else ALL_OF_THEM
        for symbol in symbols
        if symbol not in checked or at - checked[symbol] >= EVERY
    }
    oldest = sorted(due, key=lambda symbol: (due[symbol], symbol))[:IN_ALL]
    return {symbol: due[symbol] for symbol in oldest}


def _fetch_from(provider: GivesActions, due: dict[str, date], at: datetime) -> int:
    """Ask one provider, and take what it answered for out of `due`."""
    changed = 0
    by_start: dict[date, list[str]] = defaultdict(list)
    for symbol, since in due.items():
        by_start[since].append(symbol)
    for since, symbols in sorted(by_start.items()):
        for start in range(0, len(symbols), ASKED_AT_ONCE):
            part = symbols[start : start + ASKED_AT_ONCE]
            until = at.date() + LOOKED_AHEAD
            try:
                answer = provider.corporate_actions(part, since, until, _silent(part, at))
            except (ProviderError, *UNREADABLE) as failure:
                logger.warning("%s gives no corporate actions: %s", provider.name, failure)
                return changed
            answered = set(part) - answer.failed.keys() - set(answer.declined)
            changed += _keep(provider.name, answer, answered, since, at)
            for symbol in answered:
                del due[symbol]
            if answer.declined:  # by the pace: the rest comes with a later run
                return changed
    return changed


def _silent(symbols: Collection[str], at: datetime) -> dict[str, date]:
    """Return those that have no daily bars any more, with the date of the last one."""
    newest = store.newest(list(symbols), Timeframe.D1)
    seen = {symbol: to_datetime(opened_at) for symbol, opened_at in newest.items() if opened_at is not None}
    return {symbol: last.date() for symbol, last in seen.items() if at - last > SILENT}


def _keep(source: str, answer: Actions, answered: Collection[str], since: date, at: datetime) -> int:
    for reason in answer.refused:
        logger.warning("a corporate action that %s gives is refused: %s", source, reason)
    for symbol, reason in answer.failed.items():
        logger.warning("%s gives no corporate actions of %s: %s", source, symbol, reason)
    changed = record(answer.actions, source, answered, since, at)
    CorporateActionCheck.objects.bulk_create(
        [CorporateActionCheck(symbol=symbol, checked_at=at, provider=source) for symbol in sorted(answered)],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=["checked_at", "provider"],
    )
    return changed


@transaction.atomic
def record(
    actions: Iterable[Action], source: str, symbols: Collection[str], since: date, at: datetime
) -> int:
    """Store what a source says of these symbols since a date, and end what it no longer says.

    Return how many facts are new. The same again changes nothing.
    """
    locks.transaction("market.corporate_actions")
    given = _by_day(action for action in actions if action.symbol in symbols)
    stored: dict[Day, list[CorporateAction]] = defaultdict(list)
    facts = CorporateAction.objects.filter(symbol__in=symbols)
    for fact in facts.current():
        stored[_day(fact)].append(fact)
    gone = _taken_back(stored, given, source, max(since, at.date() - MAY_BE_TAKEN_BACK))
    rejected = {(_day(fact), _terms(fact)) for fact in facts.exclude(ended_by=None)}
    new: list[CorporateAction] = []
    for day, of_day in given.items():
        current = stored.get(day, [])
        if {fact.source for fact in current} - {source}:
            continue
        wanted = [action for action in of_day if (day, _terms(action)) not in rejected]
        gone += _without(current, wanted)
        new += [_fact(action, source, at) for action in _without(wanted, current)]
    CorporateAction.objects.filter(pk__in=[fact.pk for fact in gone]).end(at)
    CorporateAction.objects.bulk_create(new)
    return len(new)


def _by_day(actions: Iterable[Action]) -> dict[Day, list[Action]]:
    """Return them by day, each once: vendors list some dividends twice, under two ids."""
    days: dict[Day, dict[tuple[Any, ...], Action]] = defaultdict(dict)
    for action in actions:
        days[Day(action.symbol, action.kind.value, action.ex_date)].setdefault(_terms(action), action)
    return {day: list(of_day.values()) for day, of_day in days.items()}


def _without(facts: Sequence[Fact], others: Sequence[Action | CorporateAction]) -> list[Fact]:
    """Return the facts that are not word for word among others."""
    there = {_content(other) for other in others}
    return [fact for fact in facts if _content(fact) not in there]


def _taken_back(
    stored: Mapping[Day, Sequence[CorporateAction]],
    given: Mapping[Day, Sequence[Action]],
    source: str,
    since: date,
) -> list[CorporateAction]:
    """Return the source's facts of days that it no longer names: moved to another day, or called off.

    A vendor's id names one action for good: under another date, the old one is gone, however long ago it was.
    """
    moved = {action.reference for of_day in given.values() for action in of_day if action.reference}
    return [
        fact
        for day, facts in stored.items()
        for fact in facts
        if fact.source == source and day not in given and (day.ex_date >= since or fact.reference in moved)
    ]


def _day(fact: CorporateAction) -> Day:
    return Day(fact.symbol, fact.kind, fact.ex_date)


def _terms(action: Action | CorporateAction) -> tuple[Any, ...]:
    return action.amount, action.ratio, action.new_symbol


def _content(action: Action | CorporateAction) -> tuple[Any, ...]:
    return tuple(getattr(action, name) for name in CONTENT)


def _fact(action: Action, source: str, at: datetime, **by: Any) -> CorporateAction:
    content = {name: getattr(action, name) for name in CONTENT}
    return CorporateAction(
        symbol=action.symbol,
        kind=action.kind.value,
        ex_date=action.ex_date,
        source=source,
        recorded_at=at,
        **content,
        **by,
    )


# --- by a person --------------------------------------------------------------------------------------------


@transaction.atomic
def enter(actions: Sequence[Action], source: str, *, by: User | None, why: str, at: datetime) -> int:
    """Record a person's or a file's facts. They stand before what a provider says of the same days.

    Return how many are new: what is recorded so already is left as it is. Raises ActionRefused.
    """
    locks.transaction("market.corporate_actions")
    _refuse(actions, why)
    new: list[CorporateAction] = []
    for day, of_day in _by_day(actions).items():
        rows = CorporateAction.objects.current().filter(symbol=day.symbol, kind=day.kind, ex_date=day.ex_date)
        # A provider's id is not known to a person.
        if {_content(fact)[:-1] for fact in rows} == {_content(action)[:-1] for action in of_day}:
            continue
        rows.update(ended_at=at, ended_by=by)
        new += [_fact(action, source, at, recorded_by=by, why=why) for action in of_day]
    CorporateAction.objects.bulk_create(new)
    if new and by:
        LogEntry.objects.log_actions(by.pk, new, ADDITION, f"Recorded. {why}"[:LONGEST_WHY])
    return len(new)


def _refuse(actions: Sequence[Action], why: str) -> None:
    if not why.strip() or len(why) > LONGEST_WHY:
        raise ActionRefused(f"Say why, in at most {LONGEST_WHY} characters.")
    for action in actions:
        if action.problem:
            raise ActionRefused(f"{action.symbol} on {action.ex_date}: {action.problem}.")
    symbols = {action.symbol for action in actions}
    known = set(Instrument.objects.filter(pk__in=symbols).values_list("symbol", flat=True))
    if unknown := sorted(symbols - known):
        raise ActionRefused(f"{', '.join(unknown)}: no such instrument. Add it to the watchlist first.")


@transaction.atomic
def withdraw(fact: CorporateAction, *, by: User, why: str, at: datetime) -> None:
    """End a fact that is wrong. A source that gives it again is not believed. Raises ActionRefused."""
    if not why.strip() or len(why) > LONGEST_WHY:
        raise ActionRefused(f"Say why, in at most {LONGEST_WHY} characters.")
    current = CorporateAction.objects.filter(pk=fact.pk).current()
    if not current.update(ended_at=at, ended_by=by):
        raise ActionRefused(f"{fact} was replaced or withdrawn already.")
    LogEntry.objects.log_actions(by.pk, [fact], CHANGE, f"Withdrawn. {why}"[:LONGEST_WHY])
