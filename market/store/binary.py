"""PostgreSQL's binary COPY format as numpy columns, both ways. Pure.

Going in, every row has the same width: no NULLs, and texts are replaced by ordinals. Coming out, one row is
one symbol and holds an array per column: a row per bar would cost the client more than the server.
The format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.prices import INSTANT

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH = np.datetime64("2000-01-01", "us")

ROW_HEAD = np.dtype([("fields", ">i2"), ("width", ">i4"), ("ordinal", ">i4")])
ARRAY_HEAD = np.dtype(
    [
        ("width", ">i4"),
        ("dimensions", ">i4"),
        ("nulls", ">i4"),
        ("oid", ">i4"),
        ("size", ">i4"),
        ("low", ">i4"),
    ]
)


def pack(columns: Sequence[NDArray[np.generic]]) -> memoryview:
    """Return columns of equal length (instants, floats, integers, booleans) as rows, without header."""
    sent = [_outgoing(column) for column in columns]
    layout: list[tuple[str, np.dtype[Any]]] = [("fields", np.dtype(">i2"))]
    for i, column in enumerate(sent):
        layout += [(f"width{i}", np.dtype(">i4")), (f"value{i}", column.dtype)]
    rows = np.empty(len(sent[0]), dtype=layout)
    rows["fields"] = len(sent)
    for i, column in enumerate(sent):
        rows[f"width{i}"] = column.dtype.itemsize
        rows[f"value{i}"] = column
    return rows.view(np.uint8).data


def unpack(copied: bytes, kinds: Sequence[str]) -> tuple[NDArray[np.int32], list[NDArray[Any]]]:
    """Return the columns of COPY's rows of (ordinal, array, array ...), arrays of one length without NULLs.

    `kinds` names the numpy type of each array ("datetime64[us]", "float64", "int16" ...). Answers each
    column from the first row to the last as one array, and the ordinal beside every element. The arrays of
    the rows are turned around on the way, which costs nothing here: they come newest first.
    """
    rows = list(_rows(copied, tuple(_incoming(kind) for kind in kinds)))
    ordinals = np.repeat(
        np.array([row["head"]["ordinal"] for row in rows], dtype=np.int32),
        [row["array0"]["value"].size for row in rows],
    )
    columns = []
    for i, kind in enumerate(kinds):
        parts = [row[f"array{i}"]["value"][::-1] for row in rows]
        is_instant = np.dtype(kind).kind == "M"
        column = np.concatenate(parts, dtype=np.int64 if is_instant else kind) if parts else np.empty(0, kind)
        columns.append(EPOCH + column.astype("timedelta64[us]") if is_instant and parts else column)
    return ordinals, columns


def _rows(copied: bytes, kinds: tuple[np.dtype[np.generic], ...]) -> Iterator[np.void]:
    offset = len(HEADER)
    while copied[offset : offset + len(TRAILER)] != TRAILER:
        size = np.frombuffer(copied, ARRAY_HEAD, 1, offset + ROW_HEAD.itemsize)["size"][0]
        layout = _layout(int(size), kinds)
        yield np.frombuffer(copied, layout, 1, offset)[0]
        offset += layout.itemsize


@lru_cache(maxsize=64)
def _layout(size: int, kinds: tuple[np.dtype[np.generic], ...]) -> np.dtype[np.void]:
    fields: list[tuple[str, np.dtype[np.void]]] = [("head", ROW_HEAD)]
    for i, kind in enumerate(kinds):
        element = np.dtype([("width", ">i4"), ("value", kind)])
        fields += [(f"head{i}", ARRAY_HEAD), (f"array{i}", np.dtype((element, (size,))))]
    return np.dtype(fields)


def _outgoing(column: NDArray[np.generic]) -> NDArray[np.generic]:
    if column.dtype.kind == "M":
        if np.isnat(column).any():
            raise ValueError("An instant is missing, and rows of one width have no NULLs.")
        column = (column.astype(INSTANT) - EPOCH).astype(np.int64)
    return column.astype(column.dtype.newbyteorder(">"), copy=False)


def _incoming(kind: str) -> np.dtype[np.generic]:
    dtype = np.dtype(kind)
    return np.dtype(">i8") if dtype.kind == "M" else dtype.newbyteorder(">")
