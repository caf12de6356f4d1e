"""SQL of the site: what checks and the status page read, and how the demonstration tampers with a record."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min
from django_q.models import OrmQ

from core.queries import fetch_all, fetch_one
from market import feeds
from market.queries.ingestion import LASTING_FAULTS, lasting_params

ANSWER = "SELECT 1"

# One statement: probes ask every few seconds, the status page each 15.
HEALTH_FACTS = f"""
SELECT
    (SELECT data FROM installation ORDER BY id LIMIT 1) AS data,
    (SELECT finished_at FROM ingestion_runs WHERE kind = 'quotes' AND outcome = 'finished'
     AND started_at <= %(at)s ORDER BY started_at DESC LIMIT 1) AS cycle_at,
    (SELECT started_at FROM scans WHERE outcome = 'finished' AND started_at <= %(at)s
     ORDER BY started_at DESC LIMIT 1) AS scan_at,
    (SELECT started_at FROM ingestion_runs ORDER BY id DESC LIMIT 1) AS last_run_at,
    (SELECT max(started_at) FROM ingestion_runs) AS latest_run_at,
    (SELECT min(started_at) FROM trading_halts WHERE ended_at IS NULL) AS halted_at,
    gate.checked_at AS broker_checked_at,
    gate.broker_good_since,
    (SELECT count(*) FROM orders WHERE status = 'unknown' AND submitted_at < %(lost_before)s) AS lost_orders,
    coalesce(tasks.queues, '{{}}') AS queues,
    coalesce(tasks.oldest_tasks, '{{}}') AS oldest_tasks,
    (SELECT count(*) FROM quarantined_rows WHERE ended_at IS NULL) AS quarantined_rows,
    (SELECT count(*) FROM drifts WHERE ended_at IS NULL AND detail <> '') AS drifts,
    (SELECT max(until) FROM broker_statements WHERE broker = %(broker)s) AS stated_until,
    (SELECT failing_since FROM statement_fetches WHERE broker = %(broker)s) AS statement_failing_since,
    (SELECT reason FROM statement_fetches WHERE broker = %(broker)s AND failures > 0) AS statement_reason,
    ARRAY(
        SELECT kind || ' ' || name || ': Jax has ' || coalesce(nullif(ours, ''), 'nothing')
            || ', the statement ' || coalesce(nullif(stated, ''), 'nothing')
        FROM statement_differences WHERE broker = %(broker)s AND ended_at IS NULL ORDER BY id
    ) AS statement_differences,
    (SELECT count(*) FROM waiting_dividends) AS waiting_dividends,
    (SELECT count(*) FROM currency_pairs) AS currency_pairs,
    (SELECT count(*) FROM provider_disagreements) AS disagreements,
    ARRAY(
        SELECT DISTINCT calendar FROM instruments WHERE watched AND calendar NOT IN (
            SELECT calendar FROM trading_sessions WHERE date BETWEEN %(at)s::date AND %(at)s::date + 15
        ) ORDER BY calendar
    ) AS calendars_without_sessions,
    ARRAY(
        SELECT called || ' since ' || to_char(min(since) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
        FROM (
            SELECT coalesce(nullif(name, ''), subject) AS called, since FROM ({LASTING_FAULTS}) AS lasting
        ) AS failing
        GROUP BY called ORDER BY called
    ) AS failing
FROM (
    SELECT array_agg(key) AS queues, array_agg(oldest_at) AS oldest_tasks
    FROM (SELECT key, min(lock) AS oldest_at FROM django_q_ormq WHERE lock <= %(at)s GROUP BY key) AS waiting
) AS tasks LEFT JOIN gate ON true
"""


@dataclass(frozen=True)
class HealthFacts:
    """What most checks are read from. Times are None for what has not happened yet.

    `last_run_at`: when the cycle that was stored last began; `latest_run_at`: the latest beginning of any.
    Both are past unless a clock was ahead.
    `queues`, `oldest_tasks`: where a task waits, and since when the oldest in each.
    `calendars_without_sessions`: of watched instruments, with no coming session stored. `failing`:
    single symbols and the like, each with since when. `statement_...`: how comparing the broker's statements
    does.
    """

    data: str | None
    cycle_at: datetime | None
    scan_at: datetime | None
    last_run_at: datetime | None
    latest_run_at: datetime | None
    halted_at: datetime | None
    broker_checked_at: datetime | None
    broker_good_since: datetime | None
    lost_orders: int
    quarantined_rows: int
    drifts: int
    stated_until: datetime | None
    statement_failing_since: datetime | None
    statement_reason: str | None
    statement_differences: list[str]
    waiting_dividends: int
    currency_pairs: int
    disagreements: int
    queues: list[str]
    oldest_tasks: list[datetime]
    calendars_without_sessions: list[str]
    failing: list[str]


def health_facts(at: datetime, lost_after: timedelta, broker: str) -> HealthFacts:
    """Return what most checks are read from. An order counts as lost when unknown for longer."""
    providers = lasting_params([provider.name for provider in feeds.enabled()], at)
    params = {"at": at, "lost_before": at - lost_after, "broker": broker, **providers}
    return fetch_one(HealthFacts, HEALTH_FACTS, params)


# Of the queues, the second opinions, the tasks that failed of late, the periodic ones that are off: what the
# status page shows of work, in one statement. As five QuerySets it was a tenth of the page's processor time.
LIVING_SESSION = "SELECT * FROM login_sessions WHERE session_key = %(key)s AND expire_date > %(at)s"

# What the account page says beside its lists.
ACCOUNT_FACTS = """
SELECT
    ARRAY(
        SELECT name FROM auth_group JOIN auth_user_groups ON group_id = auth_group.id
        WHERE user_id = %(user)s ORDER BY name
    ) AS groups,
    (SELECT count(*) FROM known_devices
     WHERE user_id = %(user)s AND browser IS DISTINCT FROM %(browser)s::uuid) AS other_devices
"""

WORK = """
SELECT * FROM (
    SELECT 'queue' AS kind, key AS name, count(*) FILTER (WHERE lock <= %(at)s) AS waiting,
        count(*) FILTER (WHERE lock > %(at)s) AS running, 0 AS failed,
        min(lock) FILTER (WHERE lock <= %(at)s) AS at
    FROM django_q_ormq GROUP BY key
    UNION ALL
    SELECT 'opinions', '',
        count(*) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status = 'running'),
        count(*) FILTER (WHERE status = 'failed' AND queued_at >= %(today)s),
        min(queued_at) FILTER (WHERE status = 'queued')
    FROM orchestration_runs
    WHERE status IN ('queued', 'running') OR (status = 'failed' AND queued_at >= %(today)s)
    UNION ALL
    (SELECT 'task', func, 0, 0, count(*), max(stopped) FROM django_q_task
     WHERE NOT success AND stopped > %(failed_after)s GROUP BY func ORDER BY max(stopped) DESC LIMIT %(most)s)
    UNION ALL
    SELECT 'off', name, 0, 0, 0, NULL FROM django_q_schedule WHERE repeats = 0
) AS work
ORDER BY kind, CASE kind WHEN 'task' THEN at END DESC, name
"""


class AccountFacts(NamedTuple):
    """The groups that a user is in, and how many browsers know the user besides this one."""

    groups: list[str]
    other_devices: int


def account_facts(user: int, browser: UUID | None) -> AccountFacts:
    return fetch_one(AccountFacts, ACCOUNT_FACTS, {"user": user, "browser": browser})


class Work(NamedTuple):
    """How one kind of work does. `kind`: queue, opinions, task (one that failed) or off (a schedule).

    `failed`: of opinions since midnight (UTC), of tasks since an instant. `at`: since when the oldest waits;
    of tasks, when the last failed.
    """

    kind: str
    name: str
    waiting: int
    running: int
    failed: int
    at: datetime | None


def work(at: datetime, failed_after: datetime, most: int) -> Mapping[str, list[Work]]:
    """Return what work there is by kind. `most`: of the tasks that failed after an instant, the newest."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    rows: dict[str, list[Work]] = defaultdict(list)
    for row in fetch_all(Work, WORK, {"at": at, "today": today, "failed_after": failed_after, "most": most}):
        rows[row.kind].append(row)
    return rows


def oldest_tasks(at: datetime) -> dict[str, datetime]:
    """Return since when the oldest task waits in each queue where any waits."""
    waiting = OrmQ.objects.filter(lock__lte=at).order_by("key").values_list("key")
    return dict(waiting.annotate(oldest_at=Min("lock")))


def tamper_with_event(number: int) -> None:
    """Change one letter of an audit event, past the trigger that refuses it, as the table's owner could."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_events DISABLE TRIGGER refuse_change")
        cursor.execute(
            "UPDATE audit_events SET text = overlay(text placing 'D' from position('d' in text) for 1) "
            "WHERE number = %s",
            [number],
        )
        cursor.execute("ALTER TABLE audit_events ENABLE TRIGGER refuse_change")
