"""The connection to the broker in words: which account, what it is worth, what is held and works there.

`describe_account` asks the broker, for `manage.py broker` and the doctor. `describe_connection` reads what is
stored, for pages and probes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from approvals import gate
from approvals.brokers import registry
from approvals.brokers.base import Account, BrokerError, Holding, Report
from approvals.execution import brokerage, listening
from approvals.models import BrokerStream
from approvals.queries.broker import BrokerFacts, broker_facts
from core.redaction import redact, secret_values
from market.doctor import Finding

SHOWN = 20
BY_POLL = "Changes are seen at the comparison of each minute"
NOT_RUNNING = "Start it: make run, your supervisor, or python manage.py stream"
State = BrokerStream.State


@dataclass(frozen=True)
class Connection:
    """How the connection to the broker does. `advice`: what to do; empty where nothing is wrong.

    `is_listened_to`: whether what changes is heard of at once.
    """

    broker: str
    text: str
    advice: str
    is_listened_to: bool
    facts: BrokerFacts


def describe_account(at: datetime) -> list[str]:
    """Return lines about the account. Raises BrokerError and RealMoney."""
    broker, spec = brokerage.configured(at), registry.spec_of(settings.BROKER)
    account = broker.account()  # where its number is checked
    kind = "paper" if broker.is_paper else "REAL MONEY"
    return [
        f"{spec.title}, account {account.account_id or 'without a number'} ({kind})",
        f"Takes orders: {f'no. {account.is_blocked}' if account.is_blocked else 'yes'}",
        _worth(account),
        *_held(broker.broker.holdings()),  # as the broker says, foreign and parts of shares included
        _working(broker.broker.orders()),
        describe_stream(at),
    ]


def describe_stream(at: datetime) -> str:
    """Return how what changes at the broker is heard of. One query."""
    text, advice = _stream(broker_facts(registry.spec_of(settings.BROKER).name, at), at)
    return f"{text} {advice}".strip()


def describe_connection(at: datetime) -> Connection:
    """Return how the connection does, from what is stored. One query. Raises UnknownBroker."""
    spec = registry.spec_of(settings.BROKER)
    facts = broker_facts(spec.name, at)
    stream, advice = _stream(facts, at)
    account = "LIVE_TRADING allows the account with real money that it names"
    account = account if settings.LIVE_TRADING else "paper accounts only"
    lines = [f"{spec.title}, {account}.", _connected(facts, at), stream, _unanswered(facts, at)]
    text = " ".join(line for line in lines if line)
    return Connection(spec.name, text, advice, _is_listened_to(facts, at), facts)


def findings(at: datetime) -> Iterator[Finding]:
    """Yield for the doctor how the connection does, and what the broker says when it is asked."""
    connection = describe_connection(at)
    yield Finding("connection to the broker", connection.text, connection.advice)
    try:
        account, takes_orders = describe_account(at)[:2]
    except (BrokerError, ImproperlyConfigured) as error:
        yield Finding("account", "it cannot be asked", _safe(str(error)))
    else:
        yield Finding("account", f"{account}. {takes_orders}")


def _connected(facts: BrokerFacts, at: datetime) -> str:
    answered = f"; it answered last at {facts.answered_at:%H:%M:%S} UTC." if facts.answered_at else "."
    if facts.checked_at is None:
        return "It has not been asked yet."
    if not gate.is_recent(facts.checked_at, at):
        return f"It has not been asked since {facts.checked_at:%Y-%m-%d %H:%M:%S} UTC."
    if facts.broker_good_since is None:
        return f"It is away{answered}"
    return f"Connected since {facts.broker_good_since:%Y-%m-%d %H:%M} UTC{answered}"


def _stream(facts: BrokerFacts, at: datetime) -> tuple[str, str]:
    """Return how changes are heard of, and what to do about it."""
    spec = listening.configured()
    if spec is None:
        return f"{BY_POLL}: the broker pushes none.", ""
    if not _is_written(facts, at):
        return f"{BY_POLL}: the process that listens does not run.", NOT_RUNNING
    if facts.stream == State.LIVE:
        told = f", the last at {facts.told_at:%H:%M:%S} UTC" if facts.told_at else ""
        text = f"Changes are heard of at once, since {facts.stream_since:%Y-%m-%d %H:%M:%S} UTC{told}."
        return text, _safe(facts.reason)
    if facts.stream == State.CONNECTING and not facts.reason:
        return f"{BY_POLL}: {spec.title} is being connected.", ""
    return f"{BY_POLL}: nothing is heard from {spec.title}.", _safe(facts.reason)


def _is_written(facts: BrokerFacts, at: datetime) -> bool:
    """Return whether the process that listens lives."""
    updated_at, is_run = facts.updated_at, facts.stream not in (None, State.STOPPED)
    return is_run and updated_at is not None and abs(at - updated_at) < BrokerStream.PATIENCE


def _is_listened_to(facts: BrokerFacts, at: datetime) -> bool:
    return facts.stream == State.LIVE and _is_written(facts, at) and listening.configured() is not None


def _unanswered(facts: BrokerFacts, at: datetime) -> str:
    if facts.unanswered_since is None:
        return ""
    seconds = max(0, int((at - facts.unanswered_since).total_seconds()))
    return f"Orders without an answer: {facts.unanswered}, the oldest for {seconds} s."


def _safe(text: str) -> str:
    return redact(text, secret_values(settings))


def _worth(account: Account) -> str:
    figures = (
        f"equity {account.equity:,.2f}, cash {account.cash:,.2f}, buying power {account.buying_power:,.2f}"
    )
    return f"It is worth, in {account.currency}: {figures}"


def _held(holdings: Mapping[str, Holding]) -> list[str]:
    if not holdings:
        return ["Nothing is held"]
    rows = [holdings[symbol] for symbol in sorted(holdings)]
    lines = [f"Held: {row.quantity} {row.symbol} at {row.average_cost}" for row in rows[:SHOWN]]
    return lines + ([f"... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else [])


def _working(reports: Sequence[Report]) -> str:
    foreign = sum(report.client_id is None for report in reports)
    return f"Orders that work, exits included: {len(reports)}" + (f", {foreign} not Jax's" if foreign else "")
