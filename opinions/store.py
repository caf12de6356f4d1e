"""SQL of the opinions: the results of many runs written at once, and the cases alike to many questions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from opinions.models.runs import Cause, starts_of

TOLD = 8  # outcomes that are recalled for a case at most
REFUSED = 4  # and decisions

COLUMNS = {
    "memories_recalled": "int",
    "notes": "jsonb",
    "status": "varchar",
    "finished_at": "timestamptz",
    "agent_suggestion": "varchar",
    "confidence": "numeric",
    "reasoning": "text",
    "key_factors": "jsonb",
    "inventions": "jsonb",
    "contradictions": "jsonb",
    "exchanges": "jsonb",
    "model": "varchar",
    "tokens": "int",
    "cost_usd": "numeric",
    "error": "text",
    "in_time": "boolean",
}
# Snapshots are long: as a literal in a statement they would be read three times before they are stored.
STAGED = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_results (id uuid, inputs jsonb, others json) ON COMMIT DROP
"""
TYPES = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
WRITE = f"""
    UPDATE orchestration_runs AS run
    SET inputs = coalesce(staged.inputs, run.inputs),
        {", ".join(f"{name} = coalesce(came.{name}, run.{name})" for name in COLUMNS)}
    FROM staged_results AS staged
    CROSS JOIN json_to_record(others) AS came ({TYPES})
    WHERE run.id = staged.id AND run.status = ANY(%(starts)s)
    RETURNING run.id
"""


def write(rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Store columns of runs that are at work, by `id`; which they were. What is not given stays as it is.

    A run that was cancelled or given up meanwhile stays as it is, too. Raises ValueError for a NaN.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGED)
        # COPY is no cursor method whose errors Django would translate.
        with connection.wrap_database_errors, cursor.copy("COPY staged_results FROM STDIN") as copy:
            for row in rows:  # while the server reads the ones before
                copy.write(_line(row))
        cursor.execute(WRITE, {"starts": starts_of(Cause.ANSWERED)})
        written: set[UUID] = {pk for (pk,) in cursor.fetchall()}
        cursor.execute("TRUNCATE staged_results")
    return written


def _line(row: Mapping[str, Any]) -> str:
    others = {name: row[name] for name in COLUMNS if name in row}
    inputs = _json(row["inputs"]) if "inputs" in row else r"\N"
    return f"{row['id']}\t{inputs}\t{_json(others)}\n"


def _json(value: Any) -> str:
    """As COPY wants to read it: all of it is ASCII on one line, so that only backslashes mean more."""
    return json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False).replace("\\", r"\\")


# From the most alike to the least: each tier is the newest few of one index. The words come last.
TIERS = (
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side"
    " AND symbol = asked.symbol AND regime = asked.regime",
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side"
    " AND symbol = asked.symbol",
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side"
    " AND regime = asked.regime",
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side",
    "symbol = asked.symbol",
    "asked.words <> '' AND search @@ websearch_to_tsquery('english', asked.words)",
)
TIER = """
    (SELECT id, known_at, {number} AS tier FROM memories
    WHERE kind = wanted.kind AND bank = %(bank)s AND known_at < asked.before AND {condition}
    ORDER BY known_at DESC LIMIT wanted.most)
"""
RECALL = f"""
    SELECT asked.number, found.id AS memory_id
    FROM unnest(
        %(strategies)s::varchar[], %(timeframes)s::varchar[], %(sides)s::varchar[], %(symbols)s::varchar[],
        %(regimes)s::varchar[], %(befores)s::timestamptz[], %(words)s::text[]
    ) WITH ORDINALITY AS asked (strategy_id, timeframe, side, symbol, regime, before, words, number)
    CROSS JOIN (VALUES ('outcome', {TOLD}), ('decision', {REFUSED})) AS wanted (kind, most)
    CROSS JOIN LATERAL (
        SELECT id FROM (
            {" UNION ALL ".join(TIER.format(number=n, condition=alike) for n, alike in enumerate(TIERS))}
        ) AS near GROUP BY id ORDER BY min(tier), max(known_at) DESC, id LIMIT wanted.most
    ) AS found
"""


class RecalledCase(NamedTuple):
    """A case that is like what a question is about. `number`: the question's, from 1."""

    number: int
    memory_id: int


def recall(bank: str, columns: Mapping[str, list[Any]]) -> list[RecalledCase]:
    """Return the cases most alike to each question, given as columns, the most alike first."""
    with connection.cursor() as cursor:
        cursor.execute(RECALL, {"bank": bank, **columns})
        return [RecalledCase(*row) for row in cursor.fetchall()]
