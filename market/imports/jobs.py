"""CSV files that the queue loads: whole or not at all, and none is left running by a worker that died."""

import hashlib
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django_q.tasks import async_task

from core import locks
from market import faults
from market.imports import candles
from market.imports.csvfile.reader import AS_IT_IS, CandleFile
from market.imports.csvfile.table import Shape
from market.imports.results import describe
from market.models import CandleImport, CandleUpload, Fault, Instrument
from market.prices import Timeframe

LOST_AFTER = timedelta(days=1)
DIED = (
    "Its worker was killed, or it ended with an error that the failed tasks in admin tell. Nothing was"
    " loaded: load it again."
)
LOST = "No worker started it within a day: the worker of the slow queue may not be running. Load it again."

Status = CandleImport.Status


def request(
    content: bytes,
    symbol: str,
    timeframe: Timeframe,
    zone: ZoneInfo | None,
    splits: Mapping[date, float] | None,
    shape: Shape = AS_IT_IS,
    *,
    file_name: str,
    by: User,
    at: datetime,
    upload: CandleUpload | None = None,
) -> CandleImport:
    """Queue a file. One that waits already, or is being loaded, is returned instead.

    `upload`: the file of which `content` is the part of one symbol.
    Raises candles.ImportRefused where this installation's data are of the other kind.
    """
    candles.refuse_other_data()
    key = {"symbol": symbol, "timeframe": timeframe, "digest": upload.digest if upload else _digest(content)}
    row = CandleImport(
        **key,
        zone=zone.key if zone else "",
        splits=None if splits is None else {day.isoformat(): ratio for day, ratio in splits.items()},
        said=asdict(shape),
        file_name=file_name[:255],
        size=upload.size if upload else len(content),
        content=zlib.compress(content, level=1),
        requested_by=by,
        upload=upload,
        queued_at=at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            named = {"task_name": f"market.load_csv {row.pk}", "group": "market.load_csv", "cluster": "slow"}
            async_task("market.tasks.load_csv", row.pk, q_options=named)
    except IntegrityError:
        if same := CandleImport.objects.filter(**key, status__in=[Status.QUEUED, Status.RUNNING]).first():
            return same
        raise
    return row


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def run(row: CandleImport, at: datetime) -> None:
    """Load a queued file. One that has ended, or is being loaded, stays as it is.

    One that a stopped worker left is loaded from its beginning: nothing of it is stored.
    """
    begun = time.monotonic()

    def now() -> datetime:
        return at + timedelta(seconds=time.monotonic() - begun)

    with locks.held(_lock(row)) as is_held:
        if not is_held or not _open(row).update(status=Status.RUNNING, started_at=at, progress="Reading."):
            return
        row.refresh_from_db()
        try:
            candle_file = _read(row, at)
            _open(row).update(progress=f"Storing {len(candle_file.bars):,} bars.")
            with transaction.atomic():
                if not _end(row, Status.LOADED, _store(row, candle_file, at), now()):
                    raise _Cancelled
        except _Cancelled:
            return
        except candles.ImportRefused as refusal:
            _end(row, Status.FAILED, f"Nothing was loaded. {refusal}", now())
        finally:
            _end(row, Status.FAILED, DIED, now())  # unless it has ended


class _Cancelled(Exception):
    """It was cancelled while its bars were stored: none of them is kept."""


def cancel(rows: Iterable[CandleImport], by: User, at: datetime) -> int:
    """Cancel the imports among these that are open; return how many."""
    report = f"Cancelled by {by}. Nothing was loaded."
    return sum(_end(row, Status.FAILED, report, at) for row in rows)


def give_up(at: datetime) -> None:
    """Fail what a dead worker has left running, and what no worker has started."""
    isolation, rows = (
        faults.Isolation(Fault.Work.PRUNE, at),
        CandleImport.objects.defer("content"),
    )
    lost = Q(status=Status.QUEUED, queued_at__lt=at - LOST_AFTER)
    for row in rows.filter(Q(status=Status.RUNNING) | lost).order_by("queued_at", "pk"):
        with isolation.of(row.pk, f"the file {row.file_name}"):
            _give_up(row, at)


def _give_up(row: CandleImport, at: datetime) -> None:
    if row.status == Status.QUEUED:
        _end(row, Status.FAILED, LOST, at)
        return
    with locks.held(_lock(row)) as is_held:
        if is_held:
            _end(row, Status.FAILED, DIED, at)


def _read(row: CandleImport, at: datetime) -> CandleFile:
    file = BytesIO(zlib.decompress(row.content or b""))
    zone = ZoneInfo(row.zone) if row.zone else None
    return candles.read_file(file, row.symbol, Timeframe(row.timeframe), zone, at, _shape(row))


def _shape(row: CandleImport) -> Shape:
    return Shape(**row.said | {"columns": tuple(row.said.get("columns", ()))})


def _store(row: CandleImport, candle_file: CandleFile, at: datetime) -> str:
    """Store the bars and log it; return what was loaded, in words. Raises candles.ImportRefused."""
    splits = None
    if row.splits is not None:
        splits = {date.fromisoformat(day): ratio for day, ratio in row.splits.items()}
    result = candles.store_file(
        candle_file, row.symbol, Timeframe(row.timeframe), splits, at, row.requested_by, row.pk
    )
    report = describe(result)
    instrument, message = Instrument.objects.filter(pk=row.symbol), f"Loaded {row.file_name}. {report}"
    LogEntry.objects.log_actions(row.requested_by_id or 0, instrument, CHANGE, message, single_object=True)
    return report


def _open(row: CandleImport) -> "QuerySet[CandleImport]":
    return CandleImport.objects.filter(pk=row.pk, status__in=[Status.QUEUED, Status.RUNNING])


def _end(row: CandleImport, status: str, report: str, at: datetime) -> int:
    """End an import that is open; return whether it was. Its file goes."""
    return _open(row).update(status=status, report=report, finished_at=at, content=None, progress="")


def _lock(row: CandleImport) -> str:
    return f"market import {row.pk}"
