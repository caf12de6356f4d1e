"""What is held of each symbol."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from core.queries import fetch_all
from market.models.quotes import BELIEVED

# `ratios`: how many shares of today one share of an old fill is; for fills before splits alone.
# Each symbol with what is known of it; its fills in the opposite order of `accounting.in_order`.
HOLDINGS = f"""
WITH ratios AS (
    SELECT * FROM unnest(
        %(split)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(ratio)s::numeric[]
    ) AS ratios(symbol, since, until, ratio)
), ours AS NOT MATERIALIZED (
    SELECT fills.*, CASE side WHEN 'BUY' THEN quantity::int ELSE -quantity::int END AS signed, ratio
    FROM fills
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
    CASE WHEN {BELIEVED} THEN quotes.price END AS quote,
    quotes.as_of + quotes.delay_seconds * interval '1 second' AS quoted_at,
    coalesce(currency, '') AS currency,
    newest.signed AS quantity, newest.price, newest.commission, newest.executed_at, newest.shares,
    newest.commission_unknown
FROM later
LEFT JOIN wanted ON true
LEFT JOIN quotes USING (symbol)
LEFT JOIN instruments USING (symbol)
LEFT JOIN LATERAL (
    SELECT
        id, signed, price, commission, commission_unknown, executed_at, signed * coalesce(ratio, 1) AS shares
    FROM ours WHERE ours.symbol = wanted.symbol
    ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
    LIMIT %(limit)s
) AS newest ON true
ORDER BY symbol, executed_at DESC, newest.signed DESC, newest.price DESC, commission DESC, id DESC
"""


class HoldingRow(NamedTuple):
    """One of our newest fills of a symbol beside what is held of it. Without a symbol: nothing is held.

    `splits` are the same in every row: symbol, date and ratio of those that came after one of our fills.
    `quoted_at`: the quote's time, later by what its feed is delayed. `quantity` and what follows are the
    fill's, None where there is none; `shares`: in shares of today.
    """

    splits: Sequence[tuple[str, str, float]]
    symbol: str | None
    held: Decimal
    foreign_shares: Decimal
    brokers_cost: Decimal
    quote: float | None
    quoted_at: datetime | None
    currency: str
    quantity: int | None
    price: Decimal
    commission: Decimal
    executed_at: datetime
    shares: Decimal
    commission_unknown: str


def holdings(
    ratios: Mapping[str, Sequence[Any]], symbols: Collection[str] | None, before: datetime, limit: int | None
) -> list[HoldingRow]:
    """Return what is held of these symbols, or of all of which anything is, with `limit` fills of each.

    `ratios`: the columns split (a symbol), since, until and ratio.
    """
    wanted = None if symbols is None else list(symbols)
    return fetch_all(HoldingRow, HOLDINGS, {**ratios, "symbols": wanted, "before": before, "limit": limit})
