"""What every provider of market data answers and how it describes itself. No Django, clock or database."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.http import Patience
from core.registry import Spec
from market.prices import Bars, Feed, QuoteTick, Timeframe
from market.providers.listings import BuildDirectory
from market.providers.streams.base import BuildStream


class ProviderError(Exception):
    """A provider did not give the data. If `permanent`, asking again will not help until someone acts.

    `retry_after`: how long the provider asked us to stay away, when it said so. `is_general`: it would have
    failed whatever was asked for; otherwise one symbol may be what it fails on. `failed`: why by symbol, when
    each was asked for by itself; the others were not asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        is_general: bool = True,
        failed: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.is_general = is_general
        self.failed: Mapping[str, str] = failed or {}
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True)
class Limit:
    """At most `count` requests in any window of `seconds`, over all workers of all hosts."""

    name: str
    count: int
    seconds: float

    def rate(self, spare: int = 0) -> float:
        """Return how many requests in a minute it allows to work that leaves `spare` for others."""
        return 60 * max(self.count - spare, 1) / self.seconds


class Pace(Protocol):
    """Hands out the moments at which requests may be sent. Database-backed in the house, plain in tests."""

    def reserve(self, limits: Sequence[Limit], wanted: int, *, spare: int = 0) -> list[float]:
        """Reserve up to `wanted` requests under every limit. Return the seconds until each one granted.

        Fewer than `wanted` come back when the rest could not be sent within a few seconds. `spare` requests
        of each limit are left for others (quotes never wait behind candles).
        """


class Unpaced:
    """No limit at all: for the simulator and for tests."""

    def reserve(self, limits: Sequence[Limit], wanted: int, *, spare: int = 0) -> list[float]:
        return [0.0] * wanted


@dataclass(frozen=True)
class Quotes:
    """An answer to `quotes`: what came, what did not and why, and what the pace did not allow to ask yet.

    `delay` is the feed's stated delay: a delayed feed's newest quote is that old when it is fresh. `clocked`:
    `as_of` is the provider's clock when it was asked, not the time of a trade. `blameless`: those
    of `failed` whose own fault it is not: no price yet, or whatever else was asked would have failed.
    `together`: those that failed in one request with others, one of which may be why; each batch is asked for
    again in halves.
    """

    ticks: list[QuoteTick]
    feed: Feed
    delay: timedelta = timedelta(0)
    failed: dict[str, str] = field(default_factory=dict)
    declined: list[str] = field(default_factory=list)
    clocked: bool = False
    blameless: Set[str] = frozenset()
    together: Set[str] = frozenset()


@dataclass(frozen=True)
class Candles:
    """An answer to `candles`: bars by symbol, oldest first, straight from the provider (not yet judged).

    A symbol with no bars in the span is in `bars` with empty Bars: the provider answered, there were none.
    `partial`: those of `bars` whose older bars are missing because a later page failed, and why. What came
    is kept, and all of it asked for again. `regular_only`: the vendor gives trading hours only, and a bar
    outside them has a stamp of another zone.
    """

    bars: dict[str, Bars]
    feed: Feed
    delay: timedelta = timedelta(0)
    failed: dict[str, str] = field(default_factory=dict)
    declined: list[str] = field(default_factory=list)
    blameless: Set[str] = frozenset()
    together: Set[str] = frozenset()
    partial: Mapping[str, str] = field(default_factory=dict)
    regular_only: bool = False


@dataclass(frozen=True)
class Report:
    """What `doctor` shows of a provider, each in a few words; empty when not known."""

    answers: bool
    entitlement: str = ""
    delay: str = ""
    volume: str = ""
    hours: str = ""
    adjustment: str = ""
    clock_offset: timedelta | None = None
    advice: str = ""


class Provider(Protocol):
    name: str

    def quotes(self, symbols: Sequence[str], at: datetime) -> Quotes:
        """Return the newest quote of each symbol. Raises ProviderError when it gives nothing at all."""

    def candles(self, symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime) -> Candles:
        """Return split-adjusted bars opened at or after `since`, for each symbol, up to `at`.

        Where the vendor caps an answer it is the newest bars that come. Raises ProviderError when it gives
        nothing at all.
        """

    def report(self, at: datetime) -> Report:
        """Ask the provider about itself. Never raises: what goes wrong is in the report."""


@dataclass(frozen=True)
class Watchlist:
    """How much a provider is asked for.

    `timeframes`: those that are fetched; `quotes_every`: seconds between two cycles of quotes;
    `asked_at_once`: instruments, at most, whose bars are asked for together.
    """

    instruments: int
    timeframes: Sequence[Timeframe]
    quotes_every: float
    asked_at_once: int

    @property
    def bars_a_minute(self) -> float:
        """Bars of one instrument that close in a minute of its session."""
        return sum(timedelta(minutes=1) / timeframe.length for timeframe in self.timeframes)

    @property
    def quotes_a_minute(self) -> float:
        """Cycles of quotes in a minute."""
        return 60 / self.quotes_every


@dataclass(frozen=True)
class RequestRate:
    """Requests in a minute: what a watchlist needs, and what the provider allows."""

    needed: float
    allowed: float


class Build(Protocol):
    def __call__(self, values: Mapping[str, Any], pace: Pace, patience: Patience | None = None) -> Provider:
        """Return the provider. `values`: those of its spec's settings; `patience`: None for the usual one."""


@dataclass(frozen=True)
class OldNames:
    """Where the configuration file of an older installation has a provider's settings.

    `keys`: by setting, the names in the provider's section, of which the first with a value counts; the very
    first is also what a section of plain text means. `port`: of an address that is given as a host.
    `address`: what an address must contain to be that of market data.
    """

    keys: Mapping[str, tuple[str, ...]]
    port: int | None = None
    address: str = ""


@dataclass(frozen=True)
class OwnProcess:
    """A process of Jax's between it and the vendor, by its name in the Procfile.

    `switch`: the setting that names what it connects to; with it, it runs. `implies`: what its settings say
    of the provider's other ones, where those are not set.
    """

    name: str
    switch: str
    implies: Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ProviderSpec(Spec):
    """A provider's presence. `is_consolidated`: its book is the whole market's, not that of one exchange.
    `is_bounded`: it gives the bars up to a moment; otherwise always the newest ones.

    `request_rate`: by its settings and a watchlist; None for a provider without a limit. `directory`: builds
    what looks up what it lists; None for one that cannot be asked.
    `process`: of one behind a process of Jax's own. `stream`: of one that pushes quotes, too; with a
    `process`, only while that runs.
    """

    build: Build
    request_rate: Callable[[Mapping[str, Any], Watchlist], RequestRate] | None = None
    is_consolidated: bool
    is_bounded: bool = True
    is_simulated: bool = False
    old_names: OldNames | None = None
    directory: BuildDirectory | None = None
    stream: BuildStream | None = None
    process: OwnProcess | None = None
