"""Fetching the broker's statement once a night. What fails is told, and tried again with growing pauses."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from approvals import notify, positions
from approvals.brokers import registry
from approvals.brokers.base import BrokerError, BrokerSpec
from approvals.brokers.statements import NoStatement, NotYet, StatementError
from approvals.execution import brokerage, fitting
from approvals.execution.statements.record import record
from approvals.models import BrokerStatement, Notification, StatementDifference, StatementFetch
from core import locks
from core.redaction import redact, secret_values
from market.doctor import Finding

logger = logging.getLogger(__name__)

LOOKED_BACK = timedelta(days=10)  # a correction may come days later
PAUSES = [timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160, 240)]
TOLD_AFTER = 3  # failures in a row of what may come by itself
SHOWN = 5


def fetch(at: datetime, *, now: bool = False) -> BrokerStatement | None:
    """Fetch and compare the statement of the last day that closed, if it is time; return it.

    `now`: whatever the time is, and with the reason raised (StatementError, RealMoney) when it fails.
    """
    spec = registry.spec_of(settings.BROKER)
    if spec.statement is None or missing_settings(spec):
        if now:
            raise NoStatement(how_to_fetch(spec))
        return None
    with locks.held(__name__) as has_turn:
        return _fetch(spec, at, now=now) if has_turn else None


def _fetch(spec: BrokerSpec, at: datetime, *, now: bool) -> BrokerStatement | None:
    night = positions.day_began(at)
    state, _ = StatementFetch.objects.get_or_create(broker=spec.name)
    if not now and not _is_due(state, spec, night, at):
        return None
    try:
        row = _compare(spec, night, at)
    except (StatementError, BrokerError) as error:
        _fail(state, spec, error, night, at)
        if now:
            raise
        return None
    StatementFetch.objects.filter(pk=state.pk).update(
        night=night, next_at=None, failures=0, failing_since=None, reason=""
    )
    return row


def _is_due(state: StatementFetch, spec: BrokerSpec, night: datetime, at: datetime) -> bool:
    if state.night is not None and night <= state.night <= at:
        return False
    is_put_off = state.next_at is not None and at < state.next_at <= at + PAUSES[-1]
    return at >= night + spec.statement_after and not is_put_off


def _compare(spec: BrokerSpec, night: datetime, at: datetime) -> BrokerStatement:
    brokerage.configured(at)  # raises RealMoney where the broker may not be used at all
    newest = BrokerStatement.objects.filter(broker=spec.name).order_by("-until").first()
    since = (min(newest.until, night) if newest else night) - LOOKED_BACK
    assert spec.statement is not None
    try:
        statement = spec.statement(spec.values(settings), since, at)
    except OSError as error:
        raise NotYet(f"The statement could not be fetched: {error}") from error
    if settings.LIVE_TRADING and statement.account_id not in ("paper", settings.LIVE_TRADING):
        number = fitting.shown(statement.account_id)
        raise NoStatement(
            f"LIVE_TRADING is {settings.LIVE_TRADING}, and the statement is of account {number}."
        )
    if statement.until < night:
        raise NotYet(
            f"The newest statement ends at {statement.until:%Y-%m-%d %H:%M} UTC, before the last close:"
            " that of the day is not made yet. If this stays so, have its period end on the last day."
        )
    return record(statement, spec.name, at)


def _fail(state: StatementFetch, spec: BrokerSpec, error: Exception, night: datetime, at: datetime) -> None:
    failures = min(state.failures + 1, 10_000)
    reason = redact(str(error), secret_values(settings))
    logger.warning("the statement of %s was not compared: %s", spec.name, reason)
    StatementFetch.objects.filter(pk=state.pk).update(
        failures=failures,
        failing_since=state.failing_since or at,
        next_at=at + PAUSES[min(failures, len(PAUSES)) - 1],
        reason=reason,
    )
    if failures >= TOLD_AFTER or isinstance(error, NoStatement):
        title = f"The statement of {spec.title} is not compared. {reason}"
        notify.put(Notification.Kind.STATEMENT, f"statement {spec.name} {night}", title, at, path="/status/")


def missing_settings(spec: BrokerSpec) -> list[str]:
    return [name for name in spec.statement_needs if not getattr(settings, name, "")]


def how_to_fetch(spec: BrokerSpec) -> str:
    """Return what to do so that statements are compared by themselves."""
    if spec.statement is None:
        return f"{spec.title} has no statement that Jax can fetch."
    return (
        f"No statement of {spec.title} is fetched: set {' and '.join(missing_settings(spec))}, or upload its"
        " file now and then: python manage.py statement --file FILE"
    )


def findings(at: datetime) -> Iterator[Finding]:
    """Yield for the doctor whether the statements are compared, and what differs."""
    spec = registry.spec_of(settings.BROKER)
    newest = BrokerStatement.objects.filter(broker=spec.name).order_by("-until").first()
    since = f"since {newest.until:%Y-%m-%d %H:%M} UTC" if newest else "so far"
    state = StatementFetch.objects.filter(broker=spec.name).first()
    if state and state.failures:
        yield Finding("statement", f"not compared {since}: {state.reason}", "It is tried again by itself.")
    elif spec.statement is None or missing_settings(spec):
        yield Finding("statement", f"none is fetched; compared {since if newest else 'never'}")
    rows = list(StatementDifference.objects.open().filter(broker=spec.name)[:SHOWN])
    for row in rows:
        yield Finding(
            "statement",
            f"{row}: Jax has {row.ours or 'nothing'}, it has {row.stated or 'nothing'}",
            row.detail,
        )
    if newest and not rows:
        yield Finding("statement", f"it agrees until {newest.until:%Y-%m-%d %H:%M} UTC")
