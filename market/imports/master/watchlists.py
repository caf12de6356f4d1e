"""Edit the named watchlists: each act touches one entry or one name, so that two editors lose nothing.

What a list has is watched; an instrument that is watched for lists only is no longer when it leaves the last
one. Every change is a log entry of its list.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from market.imports.master.adding import Candidate, Verdict
from market.imports.master.order import Move, arrange, moved
from market.models import Instrument, Watchlist, WatchlistEntry
from market.providers.listings import Status

MOST_ENTRIES = 1_000
LONGEST_NAME, LONGEST_GROUP, LONGEST_NOTE = 60, 60, 500


class EditRefused(ValueError):
    """The change was not made. The message says why and what to do."""


class ChangedMeanwhile(EditRefused):
    """Another user has changed what was to be changed. `now`: what it is."""

    def __init__(self, message: str, now: "Watchlist | WatchlistEntry") -> None:
        super().__init__(message)
        self.now = now


@dataclass(frozen=True)
class Added:
    """What adding several came to: symbols by what became of them."""

    added: Sequence[str]
    already: Sequence[str]
    refused: Sequence[str]

    def __str__(self) -> str:
        rows = (
            ("Added", self.added),
            ("In the list already", self.already),
            ("Not added", self.refused),
        )
        return " ".join(f"{words}: {', '.join(symbols)}." for words, symbols in rows if symbols)


def create(
    name: str, *, by: User, at: datetime, with_watched: bool = False, owner: User | None = None
) -> Watchlist:
    """Make a list, empty or of all that is watched now. Raises EditRefused for a name that is taken.

    `owner`: who looks after it, where that is another user.
    """
    with transaction.atomic():
        watchlist = Watchlist(name=_name(name), created_by=owner or by, created_at=at)
        _save(watchlist)
        watched = Instrument.objects.watched().order_by("symbol")[:MOST_ENTRIES] if with_watched else []
        WatchlistEntry.objects.bulk_create(
            WatchlistEntry(watchlist=watchlist, instrument=row, position=position)
            for position, row in enumerate(watched, 1)
        )
        _log(watchlist, by, ADDITION, {"added": {}})
    return watchlist


def rename(watchlist: Watchlist, name: str, *, by: User, seen: str | None = None) -> None:
    """Raises EditRefused; ChangedMeanwhile when it is not called as the user has `seen` it."""
    name = _name(name)
    with transaction.atomic():
        _lock(watchlist)
        watchlist.refresh_from_db(fields=["name"])
        if seen is not None and watchlist.name not in (seen, name):
            now = f"Someone else has called the list {watchlist.name} meanwhile."
            raise ChangedMeanwhile(f"{now} Rename it again if you mean it.", watchlist)
        watchlist.name = name
        _save(watchlist, ["name"])
        _log(watchlist, by, CHANGE, {"changed": {"fields": ["Name"]}})


def hand_over(watchlist: Watchlist, owner: User | None, *, by: User) -> None:
    """Set who looks after a list; others edit it as before. Raises EditRefused."""
    with transaction.atomic():
        _lock(watchlist)
        watchlist.created_by = owner
        watchlist.save(update_fields=["created_by"])
        _log(watchlist, by, CHANGE, {"changed": {"fields": ["Owner"]}})


def delete(watchlist: Watchlist, *, by: User) -> None:
    """Delete a list. Its instruments stay; those that were watched for it only are no longer."""
    with transaction.atomic():
        symbols = list(watchlist.entries.values_list("instrument_id", flat=True))
        _log(watchlist, by, DELETION, {"deleted": {"name": "watchlist", "object": watchlist.name}})
        watchlist.delete()
        _unwatch(symbols)


def add(watchlist: Watchlist, wanted: Sequence[Candidate], *, by: User, at: datetime) -> Added:
    """Add what may be added, in this order, at the end. Twice is the same as once."""
    fit = [candidate for candidate in wanted if candidate.is_added]
    with transaction.atomic():
        entries = _locked(watchlist)
        had = {entry.instrument_id for entry in entries}
        new = {candidate.symbol: candidate for candidate in fit if candidate.symbol not in had}
        if len(had) + len(new) > MOST_ENTRIES:
            raise EditRefused(f"A watchlist holds at most {MOST_ENTRIES:,} instruments: begin another one.")
        _create_instruments(list(new.values()), by, at)
        last = entries[-1].position if entries else 0
        made = WatchlistEntry.objects.bulk_create(
            WatchlistEntry(
                watchlist=watchlist,
                instrument_id=symbol,
                group=_line(candidate.entry.group, LONGEST_GROUP),
                note=_line(candidate.entry.note, LONGEST_NOTE),
                position=position,
            )
            for position, (symbol, candidate) in enumerate(new.items(), last + 1)
        )
        _renumber(arrange([*entries, *made]))
        _watch([symbol for symbol, candidate in new.items() if candidate.verdict is not Verdict.HISTORY])
        if new:
            _log(watchlist, by, CHANGE, *({"added": {"name": "entry", "object": symbol}} for symbol in new))
    already = [candidate.symbol for candidate in fit if candidate.symbol in had]
    refused = [candidate.symbol for candidate in wanted if not candidate.is_added]
    return Added(list(new), already, refused)


def remove(entry: WatchlistEntry, *, by: User) -> None:
    """Take an instrument out of its list. Twice is the same as once."""
    with transaction.atomic():
        deleted, _ = WatchlistEntry.objects.filter(pk=entry.pk).delete()
        if deleted:
            _unwatch([entry.instrument_id])
            _log(entry.watchlist, by, CHANGE, {"deleted": {"name": "entry", "object": entry.instrument_id}})


def write(entry: WatchlistEntry, *, group: str, note: str, seen: tuple[str, str], by: User) -> None:
    """Set group and note, where they are still those that were `seen`. Raises EditRefused.

    An entry that joins a group comes after those that are in it.
    """
    group, note = _line(group, LONGEST_GROUP), _line(note, LONGEST_NOTE)
    with transaction.atomic():
        entries = _locked(entry.watchlist)
        stored = next((row for row in entries if row.pk == entry.pk), None)
        if stored is None:
            raise EditRefused(f"{entry} was taken out of the list meanwhile.")
        if (stored.group, stored.note) != seen and (stored.group, stored.note) != (group, note):
            raise ChangedMeanwhile(_meanwhile(stored), stored)
        changed = [
            field for field, value in (("group", group), ("note", note)) if getattr(stored, field) != value
        ]
        if not changed:
            return
        stored.group, stored.note = group, note
        stored.save(update_fields=changed)
        _renumber(arrange(entries))
        fields = [field.capitalize() for field in changed]
        _log(
            entry.watchlist,
            by,
            CHANGE,
            {"changed": {"name": "entry", "object": entry.instrument_id, "fields": fields}},
        )


def _meanwhile(stored: WatchlistEntry) -> str:
    now = f"group “{stored.group}”, note “{stored.note}”"
    return f"Someone else has changed {stored} meanwhile: {now}. Save again to replace that."


def version_of(entry: WatchlistEntry) -> str:
    """Return what identifies group and note as they are: its place changes whenever another one moves."""
    written = "\0".join([str(entry.pk), entry.group, entry.note])
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def move(entry: WatchlistEntry, direction: Move, *, by: User) -> None:
    """Move an entry up or down in its group; at the end of it the whole group moves. Raises EditRefused."""
    with transaction.atomic():
        entries = arrange(_locked(entry.watchlist))
        index = next((index for index, row in enumerate(entries) if row.pk == entry.pk), None)
        if index is None:
            raise EditRefused(f"{entry} was taken out of the list meanwhile.")
        if _renumber(moved(entries, index, direction)):
            fields = {"name": "entry", "object": entry.instrument_id, "fields": ["Position"]}
            _log(entry.watchlist, by, CHANGE, {"changed": fields})


def place(watchlist: Watchlist, positions: Mapping[int, int], *, by: User) -> None:
    """Put entries, by primary key, at positions counted from 1; the others make room. Raises EditRefused.

    Groups stay together: an entry that is put before another group takes its own with it.
    """
    with transaction.atomic():
        stored = _locked(watchlist)
        placed = sorted((row for row in stored if row.pk in positions), key=lambda row: positions[row.pk])
        entries = [row for row in stored if row.pk not in positions]
        for row in placed:
            entries.insert(max(positions[row.pk] - 1, 0), row)
        if _renumber(arrange(entries)):
            _log(
                watchlist,
                by,
                CHANGE,
                *(
                    {"changed": {"name": "entry", "object": row.instrument_id, "fields": ["Position"]}}
                    for row in placed
                ),
            )


def _renumber(entries: Sequence[WatchlistEntry]) -> bool:
    """Store the order. Return whether it is another one than before."""
    changed = []
    for position, entry in enumerate(entries, 1):
        if entry.position != position:
            entry.position = position
            changed.append(entry)
    WatchlistEntry.objects.bulk_update(changed, ["position"])
    return bool(changed)


def _locked(watchlist: Watchlist) -> list[WatchlistEntry]:
    """Return the entries in order, with no one else at work on their list. Raises EditRefused."""
    _lock(watchlist)
    return list(watchlist.entries.order_by("position", "pk"))


def _lock(watchlist: Watchlist) -> None:
    if not Watchlist.objects.select_for_update().filter(pk=watchlist.pk).exists():
        raise EditRefused("The watchlist was deleted meanwhile.")


def _create_instruments(wanted: Sequence[Candidate], by: User, at: datetime) -> None:
    new = [candidate.instrument(at) for candidate in wanted if candidate.stored is None]
    for instrument in new:
        instrument.watched_for_lists = instrument.watched
    Instrument.objects.bulk_create(new, ignore_conflicts=True)
    if new:
        LogEntry.objects.log_actions(by.pk, new, ADDITION, [{"added": {}}])


def _watch(symbols: Sequence[str]) -> None:
    unwatched = Instrument.objects.filter(pk__in=symbols, watched=False).exclude(status=Status.DELISTED)
    unwatched.update(watched=True, watched_for_lists=True)


def _unwatch(symbols: Sequence[str]) -> None:
    """Stop watching what was watched for lists only and is in none any more."""
    in_one = WatchlistEntry.objects.filter(instrument=OuterRef("pk"))
    rows = Instrument.objects.filter(pk__in=symbols, watched_for_lists=True).exclude(Exists(in_one))
    rows.update(watched=False, watched_for_lists=False, watched_before_delisting=False)


def _line(text: str, most: int) -> str:
    """Return a text on one line, as a file of the list holds it."""
    return " ".join(text.split())[:most]


def _name(text: str) -> str:
    name = _line(text, LONGEST_NAME + 1)
    if not name or len(name) > LONGEST_NAME:
        raise EditRefused(f"A watchlist has a name of 1 to {LONGEST_NAME} characters.")
    return name


def _save(watchlist: Watchlist, fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            watchlist.save(update_fields=fields)
    except IntegrityError:
        raise EditRefused(f"There is a watchlist called {watchlist.name} already.") from None


def _log(watchlist: Watchlist, by: User, action: int, *messages: Mapping[str, Mapping[str, Any]]) -> None:
    LogEntry.objects.log_actions(by.pk, [watchlist], action, list(messages), single_object=True)
