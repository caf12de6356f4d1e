"""What people put around a file: gzip, zip, a workbook, Parquet. All of them become CSV text."""

import csv
import gzip
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from importlib import import_module
from typing import Any

from market.imports.csvfile.layout import is_header
from market.imports.csvfile.problems import BadFile

GZIP, ZIP, PARQUET, OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"
WORKBOOK = "xl/workbook.xml"
LARGEST = 1 << 28  # bytes when unpacked
MOST = 2_000  # files in a zip
HEAD = 40  # rows among which a sheet has its header
DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError)


def unpack(content: bytes) -> bytes:
    """Return the text that a file holds, itself when it is packed in nothing. Raises BadFile."""
    if content.startswith(OLD_EXCEL):
        raise BadFile("the file is a workbook of Excel before 2007: save it as .xlsx or as CSV")
    if content.startswith(PARQUET):
        return _from_parquet(content)
    if not content.startswith((GZIP, ZIP)):
        return content
    try:
        return unpack(_gunzip(content) if content.startswith(GZIP) else _unzip(content))
    except RuntimeError as error:
        raise BadFile("the archive has a password: unpack it first") from error
    except DAMAGED as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f"the archive is damaged or cut off: {error}") from error


def members(content: bytes) -> dict[str, bytes]:
    """Return the texts in a zip of several files by name; any other file as one without a name.

    Raises BadFile.
    """
    if not content.startswith(ZIP):
        return {"": unpack(content)}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _limited_members(archive)
            names = [name for name in archive.namelist() if _is_data(name)]
            if len(names) < 2 or WORKBOOK in archive.namelist():
                return {"": unpack(content)}
            if len(names) > MOST:
                raise BadFile(f"the zip holds {len(names):,} files, more than {MOST:,}: split it")
            return {name: unpack(archive.read(name)) for name in sorted(names)}
    except RuntimeError as error:
        raise BadFile("the archive has a password: unpack it first") from error
    except DAMAGED as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f"the archive is damaged or cut off: {error}") from error


def _gunzip(content: bytes) -> bytes:
    with gzip.open(io.BytesIO(content)) as file:
        return _limited(file.read(LARGEST + 1))


def _limited(content: bytes) -> bytes:
    if len(content) > LARGEST:
        raise BadFile(f"the file is larger than {LARGEST >> 20} MB when it is unpacked: split it")
    return content


def _unzip(content: bytes) -> bytes:
    """Return the one file in a zip, or the bars of a workbook, which is a zip as well."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _limited_members(archive)
        if WORKBOOK in archive.namelist():
            return _from_workbook(content)
        names = [name for name in archive.namelist() if _is_data(name)]
        if len(names) != 1:
            listed = ", ".join(names[:5]) or "none"
            raise BadFile(f"the zip holds {len(names)} files ({listed}): give each its own import")
        return archive.read(names[0])


def _limited_members(archive: zipfile.ZipFile) -> None:
    if sum(member.file_size for member in archive.infolist()) > LARGEST:
        raise BadFile(f"the files in the zip are larger than {LARGEST >> 20} MB: split them")


def _is_data(name: str) -> bool:
    """Whether a member may hold bars: no folder, no note of the vendor, nothing that macOS adds."""
    base = name.rpartition("/")[2].lower()
    is_hidden = name.startswith("__MACOSX/") or base.startswith(".")
    return bool(base) and not is_hidden and not base.startswith(("readme", "license"))


def _from_workbook(content: bytes) -> bytes:
    from openpyxl import load_workbook  # here, for most processes never see a workbook

    with warnings.catch_warnings(action="ignore"):  # of styles and pictures that it does not keep
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = {sheet.title: _rows(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    filled = {title: rows for title, rows in sheets.items() if any(map(any, rows))}
    with_header = {title: rows for title, rows in filled.items() if any(map(is_header, rows[:HEAD]))}
    with_bars = with_header or filled
    if len(with_bars) != 1:
        raise BadFile(
            f"the workbook has {len(with_bars)} sheets with bars ({', '.join(with_bars)}): save one as CSV"
        )
    return _as_csv(*with_bars.values())


def _from_parquet(content: bytes) -> bytes:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise BadFile(
            "the file is Parquet, which takes a package more: .venv/bin/pip install pyarrow."
            " Or save it as CSV"
        ) from error
    try:
        table = parquet.read_table(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise BadFile(f"the file is Parquet and cannot be read: {error}") from error
    stored = sorted(table.column_names, key=lambda name: not _is_index(name))  # pandas stores its index last
    columns = [table.column(name).to_pylist() for name in stored]
    return _as_csv([["" if _is_index(name) else name for name in stored], *_rows(zip(*columns, strict=True))])


def _is_index(column: str) -> bool:
    return column.startswith("__index_level")


def _rows(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> str:
    """Return a value as text: a date without a time of day is that date alone."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time(0):
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).replace("\r", " ").replace("\n", "  ")


def _as_csv(rows: list[list[str]]) -> bytes:
    """Return rows as CSV, each on the line of its number."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(row if any(row) else [] for row in _cut(rows))
    return file.getvalue().encode()


def _cut(rows: list[list[str]]) -> Iterator[list[str]]:
    """Return the rows without the empty columns at the left and the right that a sheet may have."""
    used = [column for row in rows for column, cell in enumerate(row) if cell]
    first, last = (min(used), max(used) + 1) if used else (0, 0)
    return (row[first:last] for row in rows)
