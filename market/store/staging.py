"""The way into a table: rows go into a temporary table first, from where one statement merges them."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from market.store import binary

BLOCK = 1 << 18


class UnknownSymbols(ValueError):
    """Rows were to be stored for symbols that are no instruments. Add them to the watchlist first."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.symbols = sorted(symbols)
        named = ", ".join(self.symbols[:10])
        more = f" and {len(self.symbols) - 10} more" if len(self.symbols) > 10 else ""
        super().__init__(f"Not an instrument: {named}{more}. Add it to the watchlist first.")


def text_array(texts: Iterable[str]) -> str:
    """Return the texts as PostgreSQL writes an array. psycopg does the same several times slower."""
    escaped = (text.replace("\\", r"\\").replace('"', r"\"") for text in texts)
    return '{"' + '","'.join(escaped) + '"}'


def refuse_unknown(cursor: CursorWrapper, symbols: str) -> None:
    """Raise UnknownSymbols when an array of symbols names one that is no instrument or needed pair."""
    cursor.execute(
        """
        SELECT symbol FROM unnest(%s::varchar[]) AS wanted (symbol)
        WHERE NOT EXISTS (SELECT FROM instruments WHERE instruments.symbol = wanted.symbol)
            AND NOT EXISTS (SELECT FROM currency_pairs WHERE currency_pairs.symbol = wanted.symbol)
        ORDER BY symbol
        """,
        [symbols],
    )
    if unknown := [symbol for (symbol,) in cursor.fetchall()]:
        raise UnknownSymbols(unknown)


def lock_instruments(cursor: CursorWrapper, symbols: Collection[str]) -> None:
    """Keep other writers away from the candles of these instruments until the transaction ends."""
    cursor.execute(
        "SELECT symbol FROM instruments WHERE symbol = ANY (%s::varchar[]) ORDER BY symbol FOR NO KEY UPDATE",
        [text_array(symbols)],
    )
    if unknown := set(symbols) - {symbol for (symbol,) in cursor.fetchall()}:
        raise UnknownSymbols(unknown)


def lock(symbols: Collection[str]) -> None:
    """Lock instruments ahead of other writes: writers that lock in one order never wait in a circle."""
    with connection.cursor() as cursor:
        lock_instruments(cursor, symbols)


def stage(cursor: CursorWrapper, table: str, columns: Sequence[NDArray[np.generic]]) -> None:
    """Copy the columns into a temporary table, in their order."""
    rows = binary.pack(columns)
    # COPY is no cursor method whose errors Django would translate.
    with connection.wrap_database_errors, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(binary.HEADER)
        for start in range(0, len(rows), BLOCK):
            copy.write(rows[start : start + BLOCK])
        copy.write(binary.TRAILER)
