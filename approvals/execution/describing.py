"""The connection to the broker in words: which account, what it is worth, what is held and works there."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings

from approvals.brokers import registry
from approvals.brokers.base import Account, Holding, Report
from approvals.execution import brokerage, listening
from approvals.models import BrokerStream

SHOWN = 20


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
    """Return how what changes at the broker is heard of. At most one query."""
    spec = listening.configured()
    by_poll = "Changes are seen at the comparison of each minute"
    if spec is None:
        return f"{by_poll}: the broker pushes none."
    row = BrokerStream.objects.filter(broker=spec.name).first()
    if row is None or not row.is_current(at):
        return f"{by_poll}: the process that listens does not run (python manage.py stream)."
    if row.state == BrokerStream.State.LIVE:
        return f"Changes are heard of at once, since {row.since:%Y-%m-%d %H:%M:%S} UTC."
    return f"{by_poll}: nothing is heard from {spec.title}. {row.reason}".strip()


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
