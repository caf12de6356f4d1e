"""The strip on top of every page: whether what one sees can be trusted, and whether one can act on it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from approvals import gate, positions
from approvals.brokers import registry
from core import formatting
from market.models import ALWAYS_OPEN
from market.prices import Feed
from signals.models import Signal

# The watchlist's feeds, the sessions around now of each of its calendars, and the orders that are held.
FACTS = """
SELECT
    (SELECT json_object_agg(feed, delay) FROM (
        SELECT feed, max(delay_seconds) AS delay FROM quotes JOIN instruments USING (symbol)
        WHERE watched GROUP BY feed
    ) AS feeds),
    (SELECT json_agg(row_to_json(hours) ORDER BY instruments DESC, calendar) FROM (
        SELECT calendar, instruments,
            (SELECT min(closes_at) FROM trading_sessions AS open WHERE open.calendar = watched.calendar
             AND NOT closed AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 2
             AND opens_at <= %(at)s AND closes_at > %(at)s) AS closes_at,
            (SELECT min(opens_at) FROM trading_sessions AS next WHERE next.calendar = watched.calendar
             AND NOT closed AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 15
             AND opens_at > %(at)s) AS opens_at
        FROM (
            SELECT calendar, count(*) AS instruments FROM instruments WHERE watched GROUP BY calendar
        ) AS watched
    ) AS hours),
    (SELECT count(*) FROM orders WHERE status = 'held')
"""
# From the best to the worst that a watchlist can have: its worst is what the strip says.
FEEDS = (Feed.LIVE, Feed.DELAYED, Feed.SIMULATED)


@dataclass(frozen=True)
class Item:
    """One fact of the strip. `tone` is good, none, warn or bad. `why` says what to do when it is bad."""

    name: str
    tone: str
    says: str
    why: str = ""
    since: datetime | None = None
    until: datetime | None = None
    calendar: str = ""


@dataclass(frozen=True)
class Strip:
    """What is true at an instant.

    `waiting`: how many signals can be decided on. `measured`: how many others are pending, which can only be
    measured. `held`: how many orders need a new look.
    """

    items: list[Item]
    waiting: int
    measured: int
    held: int
    state: gate.State

    @property
    def is_halted(self) -> bool:
        return bool(self.state.halted)

    @property
    def troubles(self) -> list[Item]:
        return [item for item in self.items if item.why]


def load(at: datetime, longs: Collection[str] | None = None) -> Strip:
    """Return what is true at an instant. `longs`: as in `positions.actionable`. At most eight queries."""
    state = gate.state(at)
    waiting, measured = positions.count_actionable(Signal.objects.pending(at), longs)
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"at": at})
        feeds, hours, held = cursor.fetchall()[0]
    items = [
        _feed(feeds or {}, state.feed),
        *_markets(hours or []),
        _worker(state.newest_round, at),
        _broker(state.broker),
        _trading(state),
    ]
    return Strip(items, waiting, measured, held, state)


def _feed(feeds: Mapping[str, int], closed: gate.Closed | None) -> Item:
    if closed:
        tone, says = ("warn", "back") if closed.is_back else ("bad", "down")
        return Item("Feed", tone, says, str(closed))
    worst = next((feed for feed in reversed(FEEDS) if feed in feeds), None)
    if worst is None:
        return Item("Feed", "warn", "no quotes yet", "The worker fetches the first ones within a minute.")
    if worst == Feed.DELAYED:
        return Item("Feed", "warn", f"delayed {formatting.ago(timedelta(seconds=feeds[worst]))}")
    return Item("Feed", "good" if worst == Feed.LIVE else "warn", str(worst))


def _markets(hours: list[dict[str, Any]]) -> Iterator[Item]:
    """One for each calendar, that of most instruments first. Those that never close only when alone."""
    some = [one for one in hours if one["calendar"] != ALWAYS_OPEN]
    for one in some or hours:
        name = "Market" if len(some) < 2 else one["calendar"]
        yield _market(name, one["calendar"], _instant(one["closes_at"]), _instant(one["opens_at"]))


def _market(name: str, calendar: str, closes_at: datetime | None, opens_at: datetime | None) -> Item:
    if calendar == ALWAYS_OPEN:
        return Item(name, "good", "open round the clock")
    if closes_at:
        return Item(name, "good", "open, closes", until=closes_at, calendar=calendar)
    if opens_at:
        return Item(name, "none", "closed, opens", until=opens_at, calendar=calendar)
    why = f"No sessions of {calendar} are stored: the worker fetches them."
    return Item(name, "warn", "hours not known", why)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _worker(newest: datetime | None, at: datetime) -> Item:
    advice = "Check that it runs (python manage.py qcluster) and read its log."
    if newest is None:
        return Item("Worker", "warn", "not seen yet", f"No cycle has finished yet. {advice}")
    if at - newest > 2 * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS):
        return Item("Worker", "bad", "silent for", f"The worker seems to be down. {advice}", since=newest)
    return Item("Worker", "good", "alive,", since=newest)


def _broker(closed: gate.Closed | None) -> Item:
    name = registry.spec_of(settings.BROKER).title
    if closed is None:
        return Item("Broker", "good", name)
    tone, says = ("warn", "back") if closed.is_back else ("bad", "away")
    return Item("Broker", tone, f"{name}, {says}", str(closed))


def _trading(state: gate.State) -> Item:
    """Whether anything can be approved: not while the feed or the broker is away, either."""
    if state.halted:
        return Item("Trading", "bad", "halted", state.halted)
    return Item("Trading", "warn", "waits") if state.obstacle else Item("Trading", "good", "on")
