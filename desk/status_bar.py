"""The status bar on top of every page: whether its data can be trusted, and whether one can act on it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from approvals import gate, positions
from approvals.brokers import registry
from core import formatting
from market import worker
from market.models import ALWAYS_OPEN
from market.prices import Feed
from market.queries.hours import WatchedCalendar, watched_calendars

# From the best to the worst that a watchlist can have: the bar shows its worst.
FEEDS = (Feed.LIVE, Feed.DELAYED, Feed.SIMULATED)


@dataclass(frozen=True)
class Item:
    """One fact. `tone` is good, none, warn or bad. `why` says what to do when it is bad."""

    name: str
    tone: str
    text: str
    why: str = ""
    since: datetime | None = None
    until: datetime | None = None
    calendar: str = ""


@dataclass(frozen=True)
class StatusBar:
    """What is true at an instant.

    `waiting`: how many signals can be decided on. `measured`: how many others are pending, which can only be
    measured.
    """

    items: list[Item]
    waiting: int
    measured: int
    state: gate.State

    @property
    def is_halted(self) -> bool:
        return bool(self.state.halted)

    @property
    def problems(self) -> list[Item]:
        return [item for item in self.items if item.why]


def load(
    at: datetime, longs: Collection[str] | None = None, pending: positions.SignalCounts | None = None
) -> StatusBar:
    """Return what is true at an instant. Three queries; more to read what is held, for SELLs without `longs`.

    `longs`: as in `positions.actionable`. `pending`: the pending signals, where they are counted already.
    """
    state = gate.state(at)
    counts = pending or positions.SignalCounts.load(at)
    waiting, calendars = counts.actionable(longs), watched_calendars(at)
    items = [
        _feed(calendars, state.feed),
        *_markets(calendars),
        _worker(state.newest_round, at),
        _broker(state.broker),
        _trading(state),
    ]
    return StatusBar(items, waiting, counts.total - waiting, state)


def _feed(calendars: Sequence[WatchedCalendar], closed: gate.Closed | None) -> Item:
    if closed:
        tone, text = ("warn", "back") if closed.is_back else ("bad", "down")
        return Item("Feed", tone, text, str(closed))
    feeds = [calendar.feeds for calendar in calendars]
    worst = next((feed for feed in reversed(FEEDS) if any(feed in delays for delays in feeds)), None)
    if worst is None:
        return Item("Feed", "warn", "no quotes yet", "The worker fetches the first ones within a minute.")
    if worst == Feed.DELAYED:
        delay = max(delays.get(worst, 0) for delays in feeds)
        return Item("Feed", "warn", f"delayed {formatting.ago(timedelta(seconds=delay))}")
    return Item("Feed", "good" if worst == Feed.LIVE else "warn", str(worst))


def _markets(calendars: Sequence[WatchedCalendar]) -> Iterator[Item]:
    """Yield one for each calendar, that of most instruments first. Those that never close only when alone."""
    closing = [hours for hours in calendars if hours.calendar != ALWAYS_OPEN]
    for hours in closing or calendars:
        yield _market("Market" if len(closing) < 2 else hours.calendar, hours)


def _market(name: str, hours: WatchedCalendar) -> Item:
    if hours.calendar == ALWAYS_OPEN:
        return Item(name, "good", "open round the clock")
    if hours.closes_at:
        return Item(name, "good", "open, closes", until=hours.closes_at, calendar=hours.calendar)
    if hours.is_break:
        return Item(name, "none", "lunch until", until=hours.opens_at, calendar=hours.calendar)
    if hours.opens_at:
        return Item(name, "none", "closed, opens", until=hours.opens_at, calendar=hours.calendar)
    why = f"No sessions of {hours.calendar} are stored: the worker fetches them."
    return Item(name, "warn", "hours not known", why)


def _worker(newest: datetime | None, at: datetime) -> Item:
    advice = "Check that it runs (python manage.py qcluster) and read its log."
    if newest is None:
        return Item("Worker", "warn", "not seen yet", f"No cycle has finished yet. {advice}")
    if worker.is_down(newest, at):
        return Item("Worker", "bad", "silent for", f"The worker seems to be down. {advice}", since=newest)
    return Item("Worker", "good", "alive,", since=newest)


def _broker(closed: gate.Closed | None) -> Item:
    name = registry.spec_of(settings.BROKER).title
    if closed is None:
        return Item("Broker", "good", name)
    tone, text = ("warn", "back") if closed.is_back else ("bad", "away")
    return Item("Broker", tone, f"{name}, {text}", str(closed))


def _trading(state: gate.State) -> Item:
    """Return whether anything can be approved: not while the feed or the broker is away, either."""
    if state.halted:
        return Item("Trading", "bad", "halted", state.halted)
    return Item("Trading", "warn", "waits") if state.obstacle else Item("Trading", "good", "on")
