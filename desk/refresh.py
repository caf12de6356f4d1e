"""What keeps a page that stays open up to date: the one mechanism of all pages.

`templates/base.html` writes the address and the version of what it shows into the page; `refresh.js` asks for
that address again with this version in a header at every beat. The answer is 204 while it is still the page's
version, else the page without its frame. To have the server push instead, change these three and no page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from approvals import positions
from approvals.queries.newest import newest

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

SEEN = "Jax-Seen"  # the version on the screen; sent with every refresh and with nothing else
BY_ITSELF = "Jax-Beat"  # sent with whatever an open page asks by itself, refreshes and fragments alike
NOW = "Jax-Now"  # as of when the answer is, by the server's clock
QUICK = 2  # seconds: how often a page asks while an analyst works on what it shows
LOOK_AGAIN = 30  # seconds: what no other part of the version tells (gaps, outcomes, staleness) is never older


@dataclass(frozen=True)
class Version:
    """What pages are made of: it changes with quotes, signals, opinions, decisions, orders, fills, halts."""

    interval: int
    parts: tuple[object, ...] = ()
    pending: positions.SignalCounts | None = None

    @classmethod
    def load(cls, at: datetime) -> "Version":
        """One query."""
        row = newest(at)
        pending = positions.SignalCounts(row.buys, row.sells, row.signal_at)
        parts = (row.quotes_at, row.fill, row.event, row.held_orders, row.open_opinions)
        return cls(_interval(at), (*parts, pending.total, pending.newest_at), pending)

    @classmethod
    def of_the_clock(cls, at: datetime) -> "Version":
        """Return the version of a page that is as old as its interval, whatever happens in it. No query."""
        return cls(_interval(at))

    def __str__(self) -> str:
        return " ".join(map(str, (self.interval, *self.parts)))


def _interval(at: datetime) -> int:
    return int(at.timestamp()) // LOOK_AGAIN


def is_refresh(request: HttpRequest) -> bool:
    """Return whether an open page asks for itself: no visit of a person."""
    return SEEN in request.headers


def is_by_itself(request: HttpRequest) -> bool:
    """Return whether no person asked, but the clock of an open page."""
    return BY_ITSELF in request.headers


def version_of(request: HttpRequest) -> Version | None:
    """Return what the page is of; None for the answer to a form."""
    return cast(Version | None, getattr(request, "version", None))


def pending_of(request: HttpRequest) -> positions.SignalCounts | None:
    """Return the pending signals as the version has counted them, so that the status bar need not."""
    version = version_of(request)
    return version.pending if version else None


def refreshed(view: View[P], load: Callable[[datetime], Version]) -> View[P]:
    """Answer 204 while the page on the screen is still what the view would show."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method != "GET":
            return view(request, *args, **kwargs)
        # Before the view reads anything: what comes meanwhile is then shown by the next refresh.
        at = timezone.now()
        version = load(at)
        request.version = version  # type: ignore[attr-defined]  # for `version_of`
        if request.headers.get(SEEN) == str(version):
            answer = HttpResponse(status=204)
        else:
            answer = view(request, *args, **kwargs)
        answer.headers[NOW] = at.isoformat()
        return answer

    return cast(View[P], wrapped)
