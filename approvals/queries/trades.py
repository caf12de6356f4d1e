"""Closed trades: which have to be computed, of which fills, and how far the price went in them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from core.queries import fetch_all
from market.prices import Timeframe

LATE = timedelta(minutes=10)
# What only ever went one way was never flat again. A fill is stored some time after the instant that it is
# said to be recorded at. A day after the close the bars of the last minutes are in.
OUT_OF_DATE = """
SELECT broker, symbol FROM (
    SELECT broker, symbol, max(recorded_at) AS recorded_at FROM fills WHERE order_id IS NOT NULL
    GROUP BY broker, symbol HAVING count(DISTINCT side) = 2
) AS executed LEFT JOIN (
    SELECT
        broker, symbol, max(computed_at) AS computed_at,
        bool_or(computed_at < closed_at + interval '1 day' AND closed_at + interval '1 day' <= %(at)s)
            AS is_early
    FROM trades GROUP BY broker, symbol
) AS computed USING (broker, symbol)
WHERE computed_at IS NULL OR recorded_at >= computed_at - %(late)s OR is_early OR EXISTS (
    SELECT FROM splits WHERE splits.symbol = executed.symbol AND splits.recorded_at >= computed_at - %(late)s
) OR EXISTS (
    SELECT FROM corporate_actions AS actions
    WHERE actions.symbol = executed.symbol AND kind = 'dividend' AND ex_date <= computed_at
        AND greatest(actions.recorded_at, actions.ended_at) >= computed_at - %(late)s
) OR EXISTS (
    SELECT FROM broker_executions AS told JOIN fills ON fills.id = told.fill_id
    WHERE told.told_at >= computed_at - %(late)s
        AND fills.broker = executed.broker AND fills.symbol = executed.symbol
) OR EXISTS (
    SELECT FROM charges
    LEFT JOIN broker_executions AS told USING (execution_id)
    LEFT JOIN fills ON fills.id = told.fill_id AND fills.broker = charges.broker
    WHERE charges.recorded_at >= computed_at - %(late)s AND charges.broker = executed.broker
        AND coalesce(fills.symbol, charges.symbol) = executed.symbol
)
ORDER BY broker, symbol
"""
# In the currency of the share; others, and those of what we did not trade, are the account's alone.
CHARGED = """
SELECT charges.id, charges.at, amount, kind, fills.id AS fill
FROM charges
LEFT JOIN LATERAL (
    SELECT fills.id, fills.symbol, fills.order_id FROM broker_executions AS told
    JOIN fills ON fills.id = told.fill_id
    WHERE told.execution_id = charges.execution_id AND charges.execution_id <> ''
        AND fills.broker = charges.broker
    LIMIT 1
) AS fills ON true
WHERE charges.broker = %(broker)s AND currency = %(currency)s
    AND coalesce(fills.symbol, charges.symbol) = %(symbol)s
    AND (fills.id IS NULL OR fills.order_id IS NOT NULL) AND kind = ANY(%(kinds)s)
ORDER BY charges.at, charges.id
"""
EXECUTED = """
SELECT
    fills.id, fills.side, fills.quantity::int AS quantity, price, commission, executed_at, leg, order_id,
    currency, limit_price, stop_loss, coalesce(
        (
            SELECT level FROM exit_changes
            WHERE exit_changes.order_id = orders.id AND exit_changes.leg = 'stop' AND state = 'done'
                AND exit_changes.ended_at <= executed_at
            ORDER BY exit_changes.ended_at DESC, exit_changes.id LIMIT 1
        ), stop_loss
    ) AS stop_then, commission_unknown, kind = 'entry' AS is_entry
FROM fills JOIN orders ON orders.id = order_id
WHERE fills.broker = %(broker)s AND fills.symbol = %(symbol)s
ORDER BY executed_at, fills.id
"""
# In the currency of the share, at the opening of the ex-date's session or of the next one.
DIVIDENDS = """
SELECT ex_date, ex_at, sum(amount) AS amount
FROM corporate_actions AS actions
JOIN instruments ON instruments.symbol = actions.symbol AND instruments.currency = actions.currency
CROSS JOIN LATERAL (
    SELECT opens_at AS ex_at FROM trading_sessions
    WHERE trading_sessions.calendar = instruments.calendar AND date >= ex_date AND NOT closed
    ORDER BY date LIMIT 1
) AS sessions
WHERE actions.symbol = %(symbol)s AND actions.kind = 'dividend' AND actions.ended_at IS NULL
    AND ex_date BETWEEN %(since)s AND %(until)s
GROUP BY ex_date, ex_at ORDER BY ex_date
"""
CORRECTED = """
SELECT fill_id AS fill FROM broker_executions AS told JOIN fills ON fills.id = told.fill_id
WHERE corrects <> '' AND told_at >= %(since)s AND fills.broker = %(broker)s AND fills.symbol = %(symbol)s
    AND order_id IS NOT NULL
LIMIT 1
"""
DECIDED = """
SELECT
    orders.id AS order_id, signal_id, strategy_id, timeframe, approved_by_id AS decided_by,
    coalesce(shown #>> '{opinion,stance}', '') AS stance
FROM orders
JOIN trade_approvals ON trade_approvals.id = approval_id
JOIN strategy_signals ON strategy_signals.id = signal_id
WHERE orders.id = ANY(%(orders)s)
"""
# A bar of days is stamped 00:00 of its session: it lies in a trade that was open on the days around it.
EXTREMES = """
SELECT wanted.number, min(low) AS low, max(high) AS high
FROM unnest(%(numbers)s::int[], %(opened)s::timestamptz[], %(closed)s::timestamptz[])
    AS wanted(number, opened_at, closed_at)
JOIN unnest(%(timeframes)s::text[], %(lengths)s::interval[]) AS frames(timeframe, length) ON true
JOIN candles ON symbol = %(symbol)s AND candles.timeframe = frames.timeframe
    AND candles.opened_at >= wanted.opened_at AND candles.opened_at <= wanted.closed_at - length
WHERE NOT suspect
GROUP BY wanted.number
"""


class Held(NamedTuple):
    """An instrument at a broker."""

    broker: str
    symbol: str


class Executed(NamedTuple):
    """One of our fills with the order it is of. `stop_then`: where its stop stood when it was filled."""

    id: int
    side: str
    quantity: int
    price: Decimal
    commission: Decimal
    executed_at: datetime
    leg: str
    order_id: UUID
    currency: str
    limit_price: Decimal | None
    stop_loss: Decimal | None
    stop_then: Decimal | None
    commission_unknown: str
    is_entry: bool


class Paid(NamedTuple):
    """What one share is paid for an ex-date. `ex_at`: when its session opens."""

    ex_date: date
    ex_at: datetime
    amount: Decimal


class Charged(NamedTuple):
    """Money that was charged for what was traded. `fill`: of ours; None where the execution is not told."""

    id: int
    at: datetime
    amount: Decimal
    kind: str
    fill: int | None


class Corrected(NamedTuple):
    fill: int


class Decided(NamedTuple):
    """What an entry came of. `stance`: of the analyst, as it was shown then; empty without one."""

    order_id: UUID
    signal_id: UUID
    strategy_id: str
    timeframe: str
    decided_by: int
    stance: str


class Extremes(NamedTuple):
    number: int
    low: float
    high: float


def out_of_date(at: datetime) -> list[Held]:
    """Return what has fills or splits that its trades were not computed with, or was closed a day ago."""
    return fetch_all(Held, OUT_OF_DATE, {"at": at, "late": LATE})


def executed(held: Held) -> list[Executed]:
    """Return our fills of an instrument, oldest first."""
    return fetch_all(Executed, EXECUTED, held._asdict())


def dividends(symbol: str, since: date, until: date) -> list[Paid]:
    """Return the dividends of a symbol in its own currency with ex-dates from the one day to the other."""
    return fetch_all(Paid, DIVIDENDS, {"symbol": symbol, "since": since, "until": until})


def charged(held: Held, currency: str, kinds: Collection[str]) -> list[Charged]:
    """Return what was charged for an instrument in this currency, oldest first."""
    return fetch_all(Charged, CHARGED, {**held._asdict(), "currency": currency, "kinds": list(kinds)})


def is_corrected(broker: str, symbol: str, since: datetime) -> bool:
    """Return whether the broker corrected one of our executions of a symbol since then."""
    values = {"broker": broker, "symbol": symbol, "since": since - LATE}
    return bool(fetch_all(Corrected, CORRECTED, values))


def decided(orders: Collection[UUID]) -> dict[UUID, Decided]:
    """Return what these entries came of, by their ids."""
    return {row.order_id: row for row in fetch_all(Decided, DECIDED, {"orders": list(orders)})}


def extremes(symbol: str, opened: Sequence[datetime], closed: Sequence[datetime]) -> dict[int, Extremes]:
    """Return the lowest and the highest price of the believed bars that lie in each of these times.

    By the number of the time, in the shares of today; none where no bar lies in it.
    """
    values = {
        "symbol": symbol,
        "numbers": list(range(len(opened))),
        "opened": list(opened),
        "closed": list(closed),
        "timeframes": [timeframe.value for timeframe in Timeframe],
        "lengths": [timeframe.length for timeframe in Timeframe],
    }
    return {row.number: row for row in fetch_all(Extremes, EXTREMES, values)}
