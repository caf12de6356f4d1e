"""Some days with Jax on the simulated market, played with a clock of their own: what the pages show.

Ingestion, scan, decisions, execution, outcomes and records are the parts that run every day; two people
decide by a simple rule on what was waiting. Only the clock is moved on by hand.
"""

import itertools
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth.models import Group, User
from django_q.models import OrmQ

from approvals import decisions, execution, outcomes, proposals
from approvals.models import Order, TradeApproval
from approvals.outcomes import memories
from docs.tooling.screenshots import analysts
from market import sessions
from market.ingestion import cycle
from market.models import IngestionRun, Instrument
from signals import records, scan
from signals.models import Signal, StrategyConfig

HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)
BEFORE = (timedelta(seconds=140), timedelta(seconds=80), timedelta(seconds=20))  # the gate opens
LATELY = tuple(timedelta(seconds=seconds) for seconds in (190, 130, 70, 10))
REASONS = itertools.cycle(TradeApproval.Reason)
logger = logging.getLogger(__name__)


def play(until: datetime, days: int) -> None:
    """The days before `until`, hour by hour, its last minutes as the worker lives them."""
    Instrument.objects.update(calendar="24/7")
    StrategyConfig.objects.update(minimum_confidence=0)
    begun = until - timedelta(days=days)
    sessions.ensure(["24/7"], begun)
    for at in _hours(begun, until):
        for ago in BEFORE:
            cycle.ingest_quotes(at - ago)
            execution.reconcile_orders(at - ago)
        tick(at)
        scan.run(at)
        analysts.advise(at)
        _decide(at)
        memories.retain(at)
    _fill_rounds(begun, until)
    outcomes.refresh(until)
    memories.retain(until)
    records.refresh(until)
    for ago in LATELY:
        tick(until - ago)
    scan.run(until)
    analysts.advise(until - HOUR / 3)
    OrmQ.objects.all().delete()  # its tasks were done by hand


def tick(at: datetime) -> None:
    """What the worker does each minute."""
    cycle.ingest_quotes(at)
    cycle.ingest_candles(at)
    execution.reconcile_orders(at)


def people() -> list[User]:
    """Two traders, one of whom may halt and edit too."""
    users = []
    for name, role in (("ann", "operator"), ("ben", "trader")):
        user, _ = User.objects.get_or_create(username=name, is_staff=role == "operator")
        user.groups.set(Group.objects.filter(name__in=["trader", role]))
        users.append(user)
    return users


def _hours(begun: datetime, until: datetime) -> Iterator[datetime]:
    at = begun
    while at < until - 2 * HOUR:
        yield at
        at += HOUR


def _fill_rounds(begun: datetime, until: datetime) -> None:
    """The rounds between the hours, which a worker would have gone: else it would seem to have slept."""
    count = (until - HOUR - begun) // FIVE_MINUTES
    times = [begun + number * FIVE_MINUTES for number in range(count)]
    IngestionRun.objects.bulk_create(
        IngestionRun(kind="quotes", outcome="finished", started_at=at, finished_at=at, stored=1)
        for at in times
    )


def _decide(at: datetime) -> None:
    """Of three that can be approved one is, one is rejected and one is left to expire."""
    waiting = list(Signal.objects.pending(at).order_by("generated_at", "id"))
    for number, proposal in enumerate(proposals.propose_all(waiting, at)):
        signal, who = proposal.signal, people()[number % 2]
        if signal.pk.int % 3 == 0:
            decisions.reject(signal.pk, by=who, reason=next(REASONS), at=at)
        elif signal.pk.int % 3 == 1 and not proposal.problems:
            _approve(signal, who, at)


def _approve(signal: Signal, who: User, at: datetime) -> None:
    decisions.view(signal, by=who, at=at)
    try:
        approval = decisions.approve(signal.pk, by=who, seen=decisions.etag_of(signal, at), at=at)
    except decisions.ApprovalRefused as refused:
        logger.info("%s", refused)
    else:
        execution.submit_order(Order.objects.get(approval=approval).pk, at)
