"""One symbol's rows filed under another, in every table of every app that names symbols."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import UniqueConstraint

from market.models import Fault, Instrument, SymbolChange

# Of when a row is, where the old symbol is another company's afterwards. Tables without one stay with it.
TIMES = {
    "bar_verdicts": "opened_at",
    "candles": "opened_at",
    "charges": "at",
    "corporate_actions": "ex_date",
    "drifts": "first_seen_at",
    "earnings_dates": "date",
    "fills": "executed_at",
    "gaps": "first_at",
    "memories": "known_at",
    "orchestration_runs": "queued_at",
    "orders": "created_at",
    "outcomes": "generated_at",
    "paper_charges": "day",
    "paper_dividends": "ex_date",
    "paper_fills": "executed_at",
    "paper_orders": "placed_at",
    "quote_history": "as_of",
    "splits": "date",
    "strategy_signals": "generated_at",
    "unexplained_moves": "date",
    "waiting_dividends": "ex_date",
}
# What was fetched, is computed or set: where both symbols have such a row, the new symbol's own stays.
FETCHED = frozenset(
    {
        "borrow_rates",
        *["bar_verdicts", "broker_positions", "candle_progress", "candle_versions", "candles", "gaps"],
        *[
            "corporate_action_checks",
            "currency_pairs",
            "corporate_actions",
            "earnings_checks",
            "earnings_dates",
            "refetches",
            "provider_disagreements",
        ],
        *["quote_history", "quotes", "refused_rows", "scan_progress", "splits", "strategy_records"],
        *["unexplained_moves"],
    }
)
MOVE = "UPDATE {table} SET symbol = %(new)s WHERE symbol = %(old)s"
DROP = """
    DELETE FROM {table} AS moved USING {table} AS kept
    WHERE moved.symbol = %(old)s AND kept.symbol = %(new)s
"""


@dataclass(frozen=True)
class Table:
    """A table with a column `symbol`, and the further columns of each of its unique keys that have it."""

    name: str
    keys: Sequence[Sequence[str]]


def tables() -> Iterator[Table]:
    seen = {Instrument._meta.db_table}
    for model in apps.get_models():
        options = model._meta
        names = {field.name for field in options.concrete_fields}
        if "symbol" in names and options.managed and options.db_table not in seen:
            seen.add(options.db_table)
            yield Table(options.db_table, list(_keys(model)))


def _keys(model: type[models.Model]) -> Iterator[list[str]]:
    keys = [list(each.fields) for each in model._meta.constraints if isinstance(each, UniqueConstraint)]
    alone = [[field.name] for field in model._meta.concrete_fields if field.unique and not field.primary_key]
    primary = getattr(model._meta.pk, "field_names", [model._meta.pk.name])
    for key in [*keys, *alone, list(primary)]:
        if "symbol" in key:
            yield [name for name in key if name != "symbol"]


def move(change: SymbolChange) -> int:
    """File the old symbol's rows under the new one: all, or those before the change where it is shared.

    Return how many rows moved. Raises IntegrityError where two records of people's decisions would be one.
    """
    moved = 0
    with connection.cursor() as cursor:
        for table in tables():
            limit = _limit(table, change)
            if limit is None:
                continue
            values: dict[str, Any] = {"old": change.old, "new": change.new, "since": change.since}
            if table.name in FETCHED:
                for key in table.keys:
                    alike = " ".join(f"AND moved.{name} = kept.{name}" for name in key)
                    cursor.execute(DROP.format(table=table.name) + alike, values)
            cursor.execute(MOVE.format(table=table.name) + limit, values)
            moved += cursor.rowcount
    return moved


def _limit(table: Table, change: SymbolChange) -> str | None:
    """Return which rows move, None for none."""
    # The fact of the change itself stays with the symbol that it is about.
    others = " AND kind <> 'symbol change'" if table.name == "corporate_actions" else ""
    if not change.is_shared:
        return others
    column = TIMES.get(table.name)
    return None if column is None else f"{others} AND {column} < %(since)s"


def move_instrument(change: SymbolChange) -> None:
    """Rename the instrument; where the new symbol has a row, that one stays and is watched if either was."""
    old, new = Instrument.objects.filter(pk=change.old), Instrument.objects.filter(pk=change.new)
    if change.is_shared:
        if not new.exists():
            copy = old.get()
            copy.symbol = change.new
            copy.save(force_insert=True)
        return
    if new.exists():
        if old.get().watched:
            new.update(watched=True)
        _move_relations(change)
        old.delete()
    else:
        old.update(symbol=change.new)
        _move_relations(change)  # foreign keys are checked when the transaction ends
    Fault.objects.filter(subject=change.old).delete()


def _move_relations(change: SymbolChange) -> None:
    """Move what refers to the instrument; what the new symbol has already, as a place in a list, goes."""
    for relation in Instrument._meta.related_objects:
        model: Any = relation.related_model
        name = relation.field.attname
        for row in model._base_manager.filter(**{name: change.old}):
            setattr(row, name, change.new)
            try:
                with transaction.atomic():
                    row.save(update_fields=[name])
            except IntegrityError:
                row.delete()


def is_seen_before(symbol: str, day: date) -> bool:
    """Return whether a symbol has daily bars from before a day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM candles WHERE symbol = %s AND timeframe = '1d' AND opened_at < %s)",
            [symbol, day],
        )
        (answer,) = cursor.fetchone()
        return bool(answer)


def is_seen_after(symbol: str, day: date) -> bool:
    """Return whether a symbol has daily bars from a day on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM candles WHERE symbol = %s AND timeframe = '1d' AND opened_at >= %s)",
            [symbol, day],
        )
        (answer,) = cursor.fetchone()
        return bool(answer)
