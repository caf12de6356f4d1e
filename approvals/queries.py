"""Reads of the approvals app that are SQL text, because one statement does what many QuerySets would.

Each returns rows with names. What a statement counts is said where it is used.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models.query import RawQuerySet

from approvals.models import Order
from core.queries import fetch_all, fetch_one
from market.models import ALWAYS_OPEN

# --- what is held -----------------------------------------------------------------------------------------

# `ratios`: how many shares of today one share of an old fill is; for fills before splits alone.
# Each symbol with what is known of it; its fills in the opposite order of `accounting.in_order`.
HOLDINGS = """
WITH ratios AS (
    SELECT * FROM unnest(
        %(split)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(ratio)s::numeric[]
    ) AS ratios(symbol, since, until, ratio)
), ours AS NOT MATERIALIZED (
    SELECT fills.*, CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS signed, ratio FROM fills
    LEFT JOIN ratios ON ratios.symbol = fills.symbol AND executed_at >= since AND executed_at < until
    WHERE order_id IS NOT NULL AND executed_at < %(before)s
), held AS (
    SELECT symbol, sum(held) AS held FROM (
        SELECT symbol, sum(signed) * coalesce(ratio, 1) AS held FROM ours
        WHERE %(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s)
        GROUP BY symbol, ratio
    ) AS parts
    GROUP BY symbol
), wanted AS (
    SELECT
        symbol, coalesce(held, 0) AS held,
        coalesce(reported.quantity - reported.ours, 0) AS foreign_shares,
        coalesce(reported.average_cost, 0) AS brokers_cost
    FROM held
    FULL JOIN broker_positions AS reported USING (symbol)
    FULL JOIN unnest(%(symbols)s::text[]) AS named(symbol) USING (symbol)
    WHERE CASE
        WHEN %(symbols)s::text[] IS NULL THEN held <> 0 OR reported.quantity <> reported.ours
        ELSE symbol = ANY(%(symbols)s)
    END
), later AS (
    SELECT coalesce(json_agg(json_build_array(symbol, date, ratio) ORDER BY symbol, date), '[]') AS splits
    FROM splits
    WHERE (%(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s)) AND EXISTS (
        SELECT FROM fills
        WHERE fills.symbol = splits.symbol AND order_id IS NOT NULL AND executed_at < splits.date
    )
)
SELECT
    later.splits, wanted.symbol, wanted.held, foreign_shares, brokers_cost,
    quotes.price AS quote, coalesce(currency, '') AS currency,
    newest.signed AS quantity, newest.price, newest.commission, newest.executed_at, newest.shares
FROM later
LEFT JOIN wanted ON true
LEFT JOIN quotes USING (symbol)
LEFT JOIN instruments USING (symbol)
LEFT JOIN LATERAL (
    SELECT id, signed, price, commission, executed_at, signed * coalesce(ratio, 1) AS shares
    FROM ours WHERE ours.symbol = wanted.symbol
    ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
    LIMIT %(limit)s
) AS newest ON true
ORDER BY symbol, executed_at DESC, newest.signed DESC, newest.price DESC, commission DESC, id DESC
"""


class HoldingRow(NamedTuple):
    """One of our newest fills of a symbol beside what is held of it. Without a symbol: nothing is held.

    `splits` are the same in every row: symbol, date and ratio of those that came after one of our fills.
    `quantity` and what follows are the fill's, None where there is none; `shares`: in shares of today.
    """

    splits: Sequence[tuple[str, str, float]]
    symbol: str | None
    held: Decimal
    foreign_shares: int
    brokers_cost: Decimal
    quote: float | None
    currency: str
    quantity: int | None
    price: Decimal
    commission: Decimal
    executed_at: datetime
    shares: Decimal


def holdings(
    ratios: Mapping[str, Sequence[Any]], symbols: Collection[str] | None, before: datetime, limit: int | None
) -> list[HoldingRow]:
    """Return what is held of these symbols, or of all of which anything is, with `limit` fills of each.

    `ratios`: the columns split (a symbol), since, until and ratio.
    """
    wanted = None if symbols is None else list(symbols)
    return fetch_all(HoldingRow, HOLDINGS, {**ratios, "symbols": wanted, "before": before, "limit": limit})


# --- orders ------------------------------------------------------------------------------------------------

LIVE_ORDERS = """
SELECT orders.*,
    coalesce(
        (SELECT sum(quantity) FROM fills WHERE order_id = orders.id AND leg = 'entry'), 0
    )::int AS recorded,
    EXISTS (
        SELECT FROM splits WHERE splits.symbol = orders.symbol AND date > orders.created_at
    ) AS is_of_old_shares
FROM orders
WHERE status = ANY(%(working)s) OR exits_working
ORDER BY created_at, id
"""


def live_orders() -> "RawQuerySet[Order]":
    """Return the orders of which something may still happen, oldest first.

    `recorded`: how many shares of an entry are among the fills. `is_of_old_shares`: there was a split since.
    """
    return Order.objects.raw(LIVE_ORDERS, {"working": [str(status) for status in Order.WORKING]})


# --- whether anything may be approved or sent ---------------------------------------------------------------

GATE_FACTS = """
SELECT
    gate.checked_at, gate.broker_good_since, coalesce(gate.broker_error, '') AS broker_error,
    halts.started_at AS halted_at, coalesce(halts.reason, '') AS halt_reason, username AS halted_by,
    rounds.ended_at, rounds.stored
FROM (
    SELECT
        coalesce(array_agg(finished_at ORDER BY started_at DESC), '{}') AS ended_at,
        coalesce(array_agg(stored ORDER BY started_at DESC), '{}') AS stored
    FROM (
        SELECT finished_at, stored, started_at FROM ingestion_runs
        WHERE kind = 'quotes' AND outcome = 'finished' AND started_at <= %(at)s
        ORDER BY started_at DESC LIMIT %(rounds)s
    ) AS newest
) AS rounds
LEFT JOIN gate ON true
LEFT JOIN LATERAL (
    SELECT * FROM trading_halts WHERE ended_at IS NULL ORDER BY started_at LIMIT 1
) AS halts ON true
LEFT JOIN auth_user ON auth_user.id = halts.started_by_id
"""


class GateFacts(NamedTuple):
    """What the gate and the halt are told from. Times are None for what has not happened.

    `halted_at` and what follows: of the oldest open halt; `halted_by` is None when no person began it.
    `ended_at` and `stored`: of the newest rounds of quotes, when each ended and how many quotes it stored,
    the newest first.
    """

    checked_at: datetime | None
    broker_good_since: datetime | None
    broker_error: str
    halted_at: datetime | None
    halt_reason: str
    halted_by: str | None
    ended_at: Sequence[datetime]
    stored: Sequence[int]


def gate_facts(rounds: int, at: datetime) -> GateFacts:
    """Return what the gate and the halt are told from, with so many rounds of quotes up to `at`."""
    return fetch_one(GateFacts, GATE_FACTS, {"rounds": rounds, "at": at})


# --- what is new -------------------------------------------------------------------------------------------

NEWEST = """
SELECT
    (SELECT max(received_at) FROM quotes) AS quotes_at,
    (SELECT max(id) FROM fills) AS fill,
    (SELECT max(number) FROM audit_events) AS event,
    (SELECT count(*) FROM orders WHERE status = 'held') AS held_orders
"""


class Newest(NamedTuple):
    """When the newest quote came, the newest fill and audited event, how many orders need a new decision."""

    quotes_at: datetime | None
    fill: int | None
    event: int | None
    held_orders: int


def newest() -> Newest:
    """Return what tells whether quotes, fills, decisions, orders or halts have changed."""
    return fetch_one(Newest, NEWEST)


# --- what the account is worth ----------------------------------------------------------------------------

DAY_BEGAN = """
SELECT coalesce(
    (
        SELECT closes_at FROM trading_sessions
        WHERE calendar = (
            SELECT calendar FROM instruments WHERE watched AND calendar <> %(always_open)s
            GROUP BY calendar ORDER BY count(*) DESC, calendar LIMIT 1
        ) AND NOT closed AND closes_at <= %(at)s
        ORDER BY date DESC LIMIT 1
    ),
    date_trunc('day', %(at)s, 'UTC')
) AS day_began
"""

# Snapshots from after `at` were stored while the clock was ahead. Fills may be recorded while this waits for
# a lock.
ACCOUNT = f"""
WITH newest AS (
    SELECT account_snapshots.*, began.day_began FROM account_snapshots CROSS JOIN ({DAY_BEGAN}) AS began
    WHERE (%(broker)s::text IS NULL OR broker = %(broker)s) AND at <= %(at)s
    ORDER BY at DESC LIMIT 1
)
SELECT
    newest.*,
    equity - coalesce(
        (
            SELECT equity FROM account_snapshots AS before
            WHERE before.broker = newest.broker AND before.at <= day_began ORDER BY before.at DESC LIMIT 1
        ),
        (
            SELECT equity FROM account_snapshots AS first
            WHERE first.broker = newest.broker ORDER BY first.at LIMIT 1
        )
    ) AS day_result,
    coalesce(
        (
            SELECT sum(quantity * price) FROM fills
            WHERE leg = 'entry' AND recorded_at BETWEEN newest.at AND %(at)s + interval '5 minutes'
        ),
        0
    ) AS bought
FROM newest
"""

# The last one of each of equal parts of the time.
CURVE = """
WITH span AS (
    SELECT coalesce(%(since)s::timestamptz, (SELECT min(at) FROM account_snapshots)) AS since
)
SELECT DISTINCT ON (part) at, equity FROM (
    SELECT at, equity, date_bin(
        greatest((%(until)s - since) / %(points)s, interval '1 minute'), at, since
    ) AS part
    FROM account_snapshots, span WHERE at BETWEEN since AND %(until)s
) AS snapshots
ORDER BY part, at DESC
"""


class DayRow(NamedTuple):
    """When the exchange day began."""

    day_began: datetime


class AccountRow(NamedTuple):
    """The newest snapshot, and what the exchange day has made of the account since it began."""

    id: int
    broker: str
    at: datetime
    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    day_began: datetime
    day_result: Decimal
    bought: Decimal


class Point(NamedTuple):
    """What the account was worth at an instant."""

    at: datetime
    equity: Decimal


def day_began(at: datetime) -> datetime:
    """Return when the exchange day began: at the last close of the most common calendar of the watchlist."""
    return fetch_one(DayRow, DAY_BEGAN, {"at": at, "always_open": ALWAYS_OPEN}).day_began


def account(at: datetime, broker: str | None) -> AccountRow | None:
    """Return the account, or that at one broker; None when it was never seen."""
    values = {"at": at, "broker": broker, "always_open": ALWAYS_OPEN}
    return next(iter(fetch_all(AccountRow, ACCOUNT, values)), None)


def equity_curve(since: datetime | None, until: datetime, points: int) -> list[Point]:
    """Return so many points of what the account was worth, oldest first. `since`: None for all there is."""
    return fetch_all(Point, CURVE, {"points": points, "since": since, "until": until})


# --- outcomes ---------------------------------------------------------------------------------------------

# A decision may be played on any timeframe of its symbol, so it depends on all of them.
DUE = """
    WITH versions AS (
        SELECT symbol, timeframe, version, sum(version) OVER (PARTITION BY symbol)::bigint AS every
        FROM candle_versions
    ), wanted AS (
        SELECT signals.*, ledger.name AS ledger, coalesce(
            CASE ledger.name
                WHEN 'signal' THEN (
                    SELECT version FROM versions
                    WHERE versions.symbol = signals.symbol AND versions.timeframe = signals.timeframe
                )
                ELSE (SELECT every FROM versions WHERE versions.symbol = signals.symbol LIMIT 1)
            END, 0
        ) AS version
        FROM strategy_signals AS signals
        CROSS JOIN (VALUES ('signal'), ('decision')) AS ledger (name)
        WHERE ledger.name = 'signal' OR status IN ('approved', 'rejected', 'expired')
            OR (status = 'pending' AND expires_at <= %(at)s)
    )
    SELECT wanted.id AS signal, wanted.ledger, wanted.version, wanted.strategy_id, wanted.timeframe,
        parameters::text AS parameters, wanted.symbol
    FROM wanted
    JOIN instruments ON instruments.symbol = wanted.symbol AND split_pending_since IS NULL
    LEFT JOIN outcomes ON outcomes.signal_id = wanted.id AND outcomes.ledger = wanted.ledger
    WHERE outcomes.id IS NULL
        OR outcomes.computed_at <= wanted.ended_at
        OR (NOT (is_final AND is_race_final) AND candles_version <> wanted.version)
    ORDER BY wanted.strategy_id, wanted.timeframe, wanted.parameters::text, wanted.symbol
"""


class Due(NamedTuple):
    """A signal whose outcome in one ledger is to be computed. `version`: that of the candles now."""

    signal: UUID
    ledger: str
    version: int
    strategy_id: str
    timeframe: str
    parameters: str
    symbol: str


def due_outcomes(at: datetime) -> list[Due]:
    """Return all that are due, those of one strategy, timeframe and parameters together, by symbol.

    A symbol whose history waits to be restated after a split is left for later.
    """
    return fetch_all(Due, DUE, {"at": at})


# --- the paper broker's market ----------------------------------------------------------------------------

# One row of arrays: ten thousand rows would cost far more. A quote from the future is of its arrival.
PAPER_QUOTES = """
    SELECT
        coalesce(array_agg(stamp ORDER BY received_at, as_of, provider), '{}') AS stamps,
        coalesce(array_agg(price ORDER BY received_at, as_of, provider), '{}') AS prices,
        coalesce(array_agg(half_spread ORDER BY received_at, as_of, provider), '{}') AS half_spreads
    FROM (
        SELECT received_at, as_of, provider, price,
            (extract(epoch FROM least(as_of, received_at)) * 1000000)::int8 AS stamp,
            CASE WHEN provider = ANY(%(consolidated)s) AND ask > bid THEN (ask - bid) / 2 ELSE 0 END
                AS half_spread
        FROM quote_history
        WHERE symbol = %(symbol)s AND as_of > %(since)s AND received_at > %(since)s AND received_at <= %(at)s
            AND received_at - as_of - delay_seconds * interval '1 second' <= %(stale)s
    ) AS fresh
"""


@dataclass(frozen=True)
class PaperQuotes:
    """Quotes in the order of their arrival: microseconds since 1970, prices, half of each spread."""

    stamps: Sequence[int]
    prices: Sequence[float]
    half_spreads: Sequence[float]


def paper_quotes(
    symbol: str, since: datetime, at: datetime, consolidated: Sequence[str], stale: timedelta
) -> PaperQuotes:
    """Return the quotes of a symbol that arrived in a time and were not stale then.

    `consolidated`: the providers whose spread is the whole market's; that of others is taken for 0.
    """
    values = {"symbol": symbol, "since": since, "at": at, "consolidated": consolidated, "stale": stale}
    return fetch_one(PaperQuotes, PAPER_QUOTES, values)
