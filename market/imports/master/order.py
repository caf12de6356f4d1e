"""The order of a watchlist: entries stand group by group, and move inside them."""

from collections.abc import Sequence
from enum import StrEnum

from market.models import WatchlistEntry


class Move(StrEnum):
    UP = "up"
    DOWN = "down"


def arrange(entries: Sequence[WatchlistEntry]) -> list[WatchlistEntry]:
    """Return the entries group by group, the groups by their first entry."""
    groups = list(dict.fromkeys(entry.group for entry in entries))
    return [entry for group in groups for entry in entries if entry.group == group]


def moved(entries: list[WatchlistEntry], index: int, direction: Move) -> list[WatchlistEntry]:
    """Return the entries with one moved up or down in its group; at the end of it the whole group moves."""
    step = -1 if direction is Move.UP else 1
    other = index + step
    if not 0 <= other < len(entries):
        return entries
    if entries[index].group == entries[other].group:
        entries[index], entries[other] = entries[other], entries[index]
        return entries
    return _with_groups_swapped(entries, entries[index].group, entries[other].group)


def _with_groups_swapped(entries: Sequence[WatchlistEntry], one: str, other: str) -> list[WatchlistEntry]:
    groups = list(dict.fromkeys(entry.group for entry in entries))
    first, second = groups.index(one), groups.index(other)
    groups[first], groups[second] = groups[second], groups[first]
    return [entry for group in groups for entry in entries if entry.group == group]
