"""Tables as a benchmark wants them: emptied, filled with instruments, or bare for a raw COPY."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from market.models import Instrument, TradingSession
from market.store import binary

BLOCK = 1 << 18


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def instruments(count: int) -> list[str]:
    """That many instruments that trade round the clock, with symbols of one length."""
    symbols = [f"B{n:05}" for n in range(count)]
    Instrument.objects.bulk_create(
        (Instrument(symbol=symbol, calendar="24/7", watched=False) for symbol in symbols),
        ignore_conflicts=True,
    )
    return symbols


def sessions(first: datetime, days: int) -> None:
    """Sessions round the clock, from the midnight given."""
    TradingSession.objects.bulk_create(
        (
            TradingSession(
                calendar="24/7",
                date=opens_at.date(),
                opens_at=opens_at,
                closes_at=opens_at + timedelta(days=1),
            )
            for opens_at in (first + timedelta(days=n) for n in range(days))
        ),
        ignore_conflicts=True,
    )


class Raw:
    """A table like one of ours with only its key and CHECKs, and rows ready for a raw COPY into it."""

    def __init__(self, like: str, key: str, columns: Mapping[str, NDArray[np.generic]]) -> None:
        self.like, self.key, self.columns = like, key, ", ".join(columns)
        self.rows = binary.pack(list(columns.values()))

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """The table, new; gone afterwards."""
        execute(
            f"CREATE TABLE raw_{self.like} (LIKE {self.like} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);"
            f"ALTER TABLE raw_{self.like} ADD PRIMARY KEY ({self.key})"
        )
        try:
            yield
        finally:
            execute(f"DROP TABLE raw_{self.like}")

    def copy_in(self) -> None:
        statement = f"COPY raw_{self.like} ({self.columns}) FROM STDIN (FORMAT BINARY)"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(binary.HEADER)
            for start in range(0, len(self.rows), BLOCK):
                copy.write(self.rows[start : start + BLOCK])
            copy.write(binary.TRAILER)


def texts(value: str, size: int) -> NDArray[np.bytes_]:
    """One text, `size` times."""
    return np.full(size, value.encode())
