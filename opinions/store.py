"""What runs come to, written for many at once: their snapshots, and what was answered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

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
    WHERE run.id = staged.id AND run.status = 'running'
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
        cursor.execute(WRITE)
        written = {pk for (pk,) in cursor.fetchall()}
        cursor.execute("TRUNCATE staged_results")
    return written


def _line(row: Mapping[str, Any]) -> str:
    others = {name: row[name] for name in COLUMNS if name in row}
    inputs = _json(row["inputs"]) if "inputs" in row else r"\N"
    return f"{row['id']}\t{inputs}\t{_json(others)}\n"


def _json(value: Any) -> str:
    """As COPY wants to read it: all of it is ASCII on one line, so that only backslashes mean more."""
    return json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False).replace("\\", r"\\")
