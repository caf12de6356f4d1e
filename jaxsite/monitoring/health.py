"""Is Jax doing its work? Each check says in words what is wrong and what to do about it."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from approvals import execution, gate
from approvals.brokers import registry as registry_of_brokers
from jaxsite import queries
from jaxsite.monitoring import queues, services
from jaxsite.queries import HealthFacts, health_facts
from market import faults, feeds, worker
from market.doctor import CLOCKS_DIFFER
from market.ingestion.crosscheck import counted_in_lots
from market.ingestion.lateness import late_bars
from market.ingestion.streaming import report as streamed
from market.models import Disagreement, ProviderStatus
from market.providers import registry
from market.queries.freshness import stale_symbols
from market.quotes import pairs
from signals.models import StrategyConfig

logger = logging.getLogger(__name__)

SHOWN_SYMBOLS = 5
LOST_AFTER = timedelta(minutes=5)
LATE_STATEMENT, OLD_STATEMENT = timedelta(hours=6), timedelta(days=6)


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Check:
    name: str
    status: Status
    message: str
    details: tuple[str, ...] = ()  # for the status page, not for everybody

    @property
    def title(self) -> str:
        """The name as people read it."""
        return self.name.replace("_", " ")


Look = Callable[[], Iterable[Check]]


def examine(at: datetime, needed: str = "") -> list[Check]:
    """Return all checks, or the database's alone when it does not answer: the others are read from it.

    The silence of the service `needed` is not only a degradation: the caller is there for it.
    """
    try:
        ping()
        return run_checks(at, needed)
    except Error as error:
        return database_down(error)


def run_checks(at: datetime, needed: str = "") -> list[Check]:
    """Return all checks: at most eleven queries. Raises what the database raises."""
    facts = health_facts(at, LOST_AFTER, _broker_name())
    looks: dict[str, Look] = {
        "clock": lambda: _clock(facts, at),
        "data": lambda: [_data(facts)],
        "worker": lambda: [_worker(facts, at)],
        "processes": lambda: _services(at, needed),
        "queue": lambda: _queues(facts, at),
        "scans": lambda: [_scans(facts, at)],
        "strategies": lambda: [_strategies()],
        "trading": lambda: [_trading(facts, at)],
        "broker": lambda: [_broker(at)],
        "statement": lambda: _statement(facts, at),
        "dividends": lambda: _dividends(facts),
        "quotes": lambda: [_quotes(facts, at)],
        "exchange_rates": lambda: _exchange_rates(facts, at),
        "stream": lambda: [_stream(at)],
        "bars": lambda: [_bars(at)],
        "providers": lambda: _providers(at),
        "symbols": lambda: [_symbols(facts)],
        "cross_check": lambda: [_cross_check(facts)],
    }
    checks = [Check("database", Status.HEALTHY, "It answers.")]
    for name, look in looks.items():
        checks += _guarded(name, look)
    return checks


def _guarded(name: str, look: Look) -> list[Check]:
    """Return what a check says. One that breaks keeps no other from being made."""
    try:
        return list(look())
    except faults.CONTENT:
        logger.exception("%s cannot be checked", name)
        return [Check(name, Status.DEGRADED, "It cannot be checked: why is in the log of the web server.")]


def database_down(error: Error) -> list[Check]:
    # The reason names hosts and users: it is for the log, not for the public.
    logger.error("The database fails its health check: %s", error)
    return [Check("database", Status.UNHEALTHY, _advice(error))]


def worst(checks: Iterable[Check]) -> Status:
    return max((check.status for check in checks), key=list(Status).index)


def ping() -> None:
    """Raise OperationalError when the database does not answer.

    Over a connection of its own: an old one to a server that hangs would wait for ever, a new one gives up.
    """
    _pings.ask()


class Pings:
    """One at a time in a process, whoever asks: no more than one connection beside those of the threads."""

    APART = 0.02  # seconds between two, in which the server ends the connection of the first

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.began = -math.inf
        self.error: Error | None = None

    def ask(self) -> None:
        """Ask the database, or wait for an answer to a question that began after this call."""
        called = time.monotonic()
        with self.lock:
            if self.began < called:
                time.sleep(max(0.0, self.began + self.APART - time.monotonic()))
                self.began, self.error = time.monotonic(), None
                self.error = _error_of_a_new_connection()
            error = self.error
        if error:
            raise error


_pings = Pings()


def _error_of_a_new_connection() -> Error | None:
    fresh = connection.copy()
    try:
        with fresh.cursor() as cursor:
            cursor.execute(queries.ANSWER)
    except Error as error:
        return error
    finally:
        fresh.close()
    return None


def _advice(error: Error) -> str:
    if isinstance(error, OperationalError | InterfaceError):
        return "It does not answer. Check that PostgreSQL runs and that DATABASE_URL is right; see the log."
    return "It answers, but its tables are not as expected. Run: python manage.py migrate"


def _data(facts: HealthFacts) -> Check:
    if facts.data is None:
        return Check("data", Status.HEALTHY, "Empty so far: the first cycle decides, simulated or real.")
    if facts.data != settings.DATA_KIND:
        return Check(
            "data",
            Status.DEGRADED,
            f"The database holds {facts.data} data, the settings ask for {settings.DATA_KIND}. "
            f"Set DATA={facts.data}, or point DATABASE_URL at another database.",
        )
    return Check("data", Status.HEALTHY, f"The market data is {facts.data}.")


def _clock(facts: HealthFacts, at: datetime) -> Iterator[Check]:
    """Yield what is wrong with the clock, or was: what was stored while it was ahead counts nowhere."""
    last, latest = facts.last_run_at, facts.latest_run_at
    if last is not None and last > at + CLOCKS_DIFFER:
        clocks = f"The worker's clock says {last:%Y-%m-%d %H:%M} UTC, this one {at:%Y-%m-%d %H:%M}."
        yield Check("clock", Status.DEGRADED, f"{clocks} Set it: timedatectl set-ntp true")
    elif latest is not None and latest > at + CLOCKS_DIFFER:
        message = (
            f"It was ahead once, until {latest:%Y-%m-%d %H:%M} UTC. What was stored then is passed over."
        )
        yield Check("clock", Status.HEALTHY, message)


def _worker(facts: HealthFacts, at: datetime) -> Check:
    newest = facts.cycle_at
    advice = "Check that it runs (python manage.py qcluster) and read its log."
    if newest is None:
        message = f"No cycle has finished yet. The worker runs the first one as soon as it starts. {advice}"
        return Check("worker", Status.DEGRADED, message)
    ago = f"The last cycle finished {int((at - newest).total_seconds())} s ago."
    if worker.is_down(newest, at):
        return Check("worker", Status.DEGRADED, f"{ago} The worker seems to be down. {advice}")
    return Check("worker", Status.HEALTHY, ago)


def _services(at: datetime, needed: str) -> Iterator[Check]:
    """Yield how each service does. What `needed` names is what the caller would start again."""
    for service in services.read():
        name, text = f"process_{service.name}", service.text(at)
        if not service.needs_attention(at):
            yield Check(name, Status.HEALTHY, text)
            continue
        is_down = service.name == needed and not service.is_alive(at)
        status = Status.UNHEALTHY if is_down else Status.DEGRADED
        yield Check(name, status, f"{text} {services.advice(service)}")


def _queues(facts: HealthFacts, at: datetime) -> Iterator[Check]:
    for queue in queues.queues(dict(zip(facts.queues, facts.oldest_tasks, strict=True)), at):
        status = Status.DEGRADED if queue.advice else Status.HEALTHY
        yield Check(f"queue_{queue.service}", status, f"{queue} {queue.advice}".strip())


def _scans(facts: HealthFacts, at: datetime) -> Check:
    newest = facts.scan_at
    advice = "Check that the worker runs (python manage.py qcluster) and read its log."
    if newest is None:
        return Check("scans", Status.DEGRADED, f"No scan has finished yet. {advice}")
    ago = f"The last scan was {int((at - newest).total_seconds())} s ago."
    if at - newest > timedelta(seconds=2 * settings.SCAN_INTERVAL_SECONDS + 60):
        return Check("scans", Status.DEGRADED, f"{ago} No new signals are raised. {advice}")
    return Check("scans", Status.HEALTHY, ago)


def _strategies() -> Check:
    """Whether a strategy fails. What it failed with is not for everybody: it is on the signals page."""
    failing = [
        f"{config} fails since {config.failing_since:%Y-%m-%d %H:%M} UTC"
        for config in StrategyConfig.objects.failing()
    ]
    if not failing:
        return Check("strategies", Status.HEALTHY, "None fails.")
    advice = "The others go on; why is on the signals page."
    return Check("strategies", Status.DEGRADED, f"{', '.join(failing)}. {advice}")


def _trading(facts: HealthFacts, at: datetime) -> Check:
    """Whether orders can be sent. Reasons that people gave are not for everybody: they are in admin."""
    advice = "Check that the worker runs (python manage.py qcluster) and read its log."
    if facts.halted_at:
        message = f"Trading is halted since {facts.halted_at:%Y-%m-%d %H:%M} UTC."
        advice = "A person resumes it: python manage.py resume"
    elif facts.broker_checked_at is None:
        message = "The broker has not been asked yet."
    elif not gate.is_recent(facts.broker_checked_at, at):
        message = f"The broker has not been asked since {facts.broker_checked_at:%H:%M:%S} UTC."
    elif facts.broker_good_since is None:
        message, advice = (
            "The broker is away.",
            "Nothing is approved or sent until it answers; why is in admin.",
        )
    elif facts.lost_orders:
        message = f"What became of {facts.lost_orders} orders is not known."
        advice = "Look at the broker's own page."
    elif facts.quarantined_rows:
        message = f"Rows of the broker that could not be recorded: {facts.quarantined_rows}."
        advice = "Orders can be sent. What does not fit, and why, is in admin, under quarantined broker rows."
    elif facts.drifts:
        message = f"Symbols of which the account holds other shares than Jax traded: {facts.drifts}."
        advice = "Orders in all others can be sent. The positions page says which, and takes the answer."
    else:
        return Check("trading", Status.HEALTHY, "Orders can be sent.")
    return Check("trading", Status.DEGRADED, f"{message} {advice}")


def _broker(at: datetime) -> Check:
    """How the connection to the broker does. Whether orders can be sent is what `trading` says."""
    connection = execution.describe_connection(at)
    status = Status.DEGRADED if connection.advice else Status.HEALTHY
    return Check("broker", status, f"{connection.text} {connection.advice}".strip())


def _broker_name() -> str:
    try:
        return registry_of_brokers.spec_of(settings.BROKER).name
    except registry_of_brokers.UnknownBroker:  # manage.py check says so
        return ""


def _statement(facts: HealthFacts, at: datetime) -> Iterator[Check]:
    """Yield whether the broker's statements are compared, and how many things differ; nothing before that.

    Figures of the account are not for everybody: the status page shows them to those who may see it.
    """
    until = facts.stated_until
    since = f"since {until:%Y-%m-%d %H:%M} UTC" if until else "so far"
    if facts.statement_failing_since and at - facts.statement_failing_since > LATE_STATEMENT:
        message = (
            f"The broker's statement is not compared {since}. It is tried again by itself; why is in admin."
        )
        yield Check("statement", Status.DEGRADED, message)
    elif facts.statement_differences:
        many = len(facts.statement_differences)
        message = f"Jax's book and the broker's statement differ: {many}. What, and what to do, is in admin."
        shown = facts.statement_differences[:SHOWN_SYMBOLS]
        yield Check("statement", Status.DEGRADED, message, (*shown, *["..."] * (many > len(shown))))
    elif until and at - until > OLD_STATEMENT:
        message = f"The broker's statement is not compared {since}: upload the newest, or have it fetched."
        yield Check("statement", Status.DEGRADED, message)
    elif until:
        yield Check(
            "statement", Status.HEALTHY, f"It agrees with Jax's book until {until:%Y-%m-%d %H:%M} UTC."
        )


def _dividends(facts: HealthFacts) -> Iterator[Check]:
    """Yield how many dividends on paper are not paid because no rate of their currency is known."""
    if facts.waiting_dividends:
        text = f"Dividends on paper that are due and wait for an exchange rate: {facts.waiting_dividends}."
        yield Check("dividends", Status.DEGRADED, f"{text} Why, and where to give one, is in admin.")


def _quotes(facts: HealthFacts, at: datetime) -> Check:
    stale = stale_symbols(at)
    if facts.calendars_without_sessions and facts.data:
        return Check(
            "quotes",
            Status.DEGRADED,
            "Whether they are fresh is not known: no trading sessions are stored for "
            f"{', '.join(facts.calendars_without_sessions)}. "
            "The worker fetches them; its log says what keeps it from that.",
        )
    if not stale:
        return Check("quotes", Status.HEALTHY, "Every watched instrument that trades now has a fresh quote.")
    shown = ", ".join(stale[:SHOWN_SYMBOLS]) + (" and others" if len(stale) > SHOWN_SYMBOLS else "")
    return Check(
        "quotes",
        Status.DEGRADED,
        f"{len(stale)} in session without a quote from the last {settings.STALE_QUOTE_SECONDS} s: {shown}. "
        "Look at the newest ingestion run for what failed, or run: python manage.py doctor",
    )


def _exchange_rates(facts: HealthFacts, at: datetime) -> Iterator[Check]:
    """Yield which needed rates are missing; one that never came is news, one that stopped a degradation."""
    missing = pairs.missing(at) if facts.currency_pairs else []
    if missing:
        shown = ", ".join(str(each.pair) for each in missing[:SHOWN_SYMBOLS])
        more = " and others" if len(missing) > SHOWN_SYMBOLS else ""
        advice = "What is in these currencies is not counted with the rest: see exchange rates in admin."
        status = Status.DEGRADED if any(each.quote for each in missing) else Status.HEALTHY
        yield Check("exchange_rates", status, f"No rate that can be used: {shown}{more}. {advice}")


def _stream(at: datetime) -> Check:
    """How the stream does. What a vendor said is for everybody who may see this page: no key is in it."""
    report = streamed.read(at)
    status = Status.DEGRADED if report.advice else Status.HEALTHY
    return Check("stream", status, f"{report.text} {report.advice}".strip())


def _bars(at: datetime) -> Check:
    late = {timeframe: symbols for timeframe, symbols in late_bars(at).items() if symbols}
    if not late:
        return Check("bars", Status.HEALTHY, "None is late.")
    counts = ", ".join(f"{timeframe} of {len(symbols)} instruments" for timeframe, symbols in late.items())
    advice = "Strategies wait for them. Look at the newest ingestion run, or run: python manage.py doctor"
    return Check("bars", Status.DEGRADED, f"The newest are late: {counts}. {advice}")


def _symbols(facts: HealthFacts) -> Check:
    """Whether single symbols, calendars or signals fail. What they failed with is on their pages."""
    if not facts.failing:
        return Check("symbols", Status.HEALTHY, "None fails by itself.")
    shown = ", ".join(facts.failing[:SHOWN_SYMBOLS])
    more = " and others" if len(facts.failing) > SHOWN_SYMBOLS else ""
    advice = "The others go on. Why is on the instrument's page, and all of them: python manage.py doctor"
    return Check("symbols", Status.DEGRADED, f"Nothing comes for {shown}{more}. {advice}")


def _cross_check(facts: HealthFacts) -> Check:
    """How often a second provider differs: to look at, not a degradation."""
    if not facts.disagreements:
        return Check("cross_check", Status.HEALTHY, "No second provider differs.")
    text = f"{facts.disagreements} figures of the last sessions differ from a second provider's: see admin."
    lots = counted_in_lots(Disagreement.objects.filter(note__contains="lots"))
    more = "".join(f" The volume of {source} looks like lots of 100 shares." for source in lots)
    return Check("cross_check", Status.HEALTHY, text + more)


def _providers(at: datetime) -> Iterator[Check]:
    rows = list(ProviderStatus.objects.all())
    names = [provider.name for provider in feeds.enabled()]
    if not names:
        advice = f"Set {registry.how_to_get_real_prices()}."
        yield Check("providers", Status.DEGRADED, f"No provider is switched on. {advice}")
    for name in names:
        cooling = [row for row in rows if row.provider == name and row.cools_off(at)]
        pauses = "; ".join(
            f"{row.kind} until {row.cool_off_until:%H:%M:%S} UTC after {row.consecutive_failures} failures"
            for row in cooling
        )
        status = Status.DEGRADED if cooling else Status.HEALTHY
        message = f"Left alone for a while: {pauses}. It is tried again by itself; why is in admin."
        yield Check(f"provider_{name}", status, message if cooling else "It may be asked.")
