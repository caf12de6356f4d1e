"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import schedule as schedule_task

from core.queries import delete_older
from market import faults, sessions
from market.imports import jobs, preparation, uploads
from market.imports.master import refresh
from market.ingestion import actions, crosscheck, delistings, earnings, pipeline, renames, schedule
from market.ingestion import cycle as workflow
from market.ingestion.review import refetch as fetch_again
from market.models import (
    CandleImport,
    CandleUpload,
    Fault,
    IngestionRun,
    Instrument,
    QuoteHistory,
    Refetch,
    RefusedRow,
)

KEPT_REFUSED = timedelta(days=30)

logger = logging.getLogger(__name__)

CROSS_CHECKS, AN_HOUR = 4, timedelta(hours=1)


def ingest() -> None:
    workflow.ingest_quotes(timezone.now())


def candles() -> None:
    workflow.ingest_candles(timezone.now())


def backfill(symbols: list[str]) -> None:
    """Fetch the whole history of these symbols again; what the pace forbids comes with the next cycles."""
    schedule.forget(symbols)
    workflow.ingest_candles(timezone.now())
    for symbol in symbols:
        pipeline.reconsider(symbol, at=timezone.now())


def load_csv(pk: int) -> None:
    if row := CandleImport.objects.filter(pk=pk).defer("content").first():
        jobs.run(row, timezone.now())


def refetch(pk: int) -> None:
    """Fetch the bars again that a person asked for."""
    if row := Refetch.objects.filter(pk=pk).first():
        fetch_again.run(row, timezone.now())


def prepare_upload(pk: int) -> None:
    """Look at an uploaded file, or split it by symbol."""
    if upload := CandleUpload.objects.filter(pk=pk).select_related("uploaded_by").first():
        preparation.run(upload, timezone.now())


def give_up_imports() -> None:
    """Fail the CSV files that a dead worker has left; begin once more with uploads."""
    at = timezone.now()
    jobs.give_up(at)
    preparation.take_up(at)


def prune() -> None:
    """Delete quotes and runs that are older than they are kept. One table that fails keeps no other."""
    at = timezone.now()
    runs_before = at - timedelta(days=settings.INGESTION_RUN_DAYS)
    pruning = faults.Isolation(Fault.Work.PRUNE, at)
    with pruning.of("quotes of the history", in_savepoint=False):
        quotes = delete_older(QuoteHistory, "received_at", at - timedelta(days=settings.QUOTE_HISTORY_DAYS))
        logger.info("pruned %s quotes of the history", quotes)
    with pruning.of("ingestion runs", in_savepoint=False):
        logger.info("pruned %s ingestion runs", delete_older(IngestionRun, "started_at", runs_before))
    with pruning.of("refused rows", in_savepoint=False):
        logger.info("pruned %s refused rows", delete_older(RefusedRow, "last_at", at - KEPT_REFUSED))
    with pruning.of("files that were not loaded"):
        failed = CandleImport.objects.filter(
            status=CandleImport.Status.FAILED
        )  # candles name what was loaded
        failed.filter(finished_at__lt=runs_before).delete()
    with pruning.of("uploaded files"):
        CandleUpload.objects.filter(uploaded_at__lt=at - uploads.KEPT).delete()
    faults.forget_old(at)


def cross_check(symbols: list[str] | None = None, attempt: int = 1) -> None:
    """Compare the last sessions with a second provider. Where it fails it is asked again that night."""
    at = timezone.now()
    uncompared = crosscheck.check(at, symbols).uncompared
    if uncompared and attempt < CROSS_CHECKS:
        schedule_task(
            "market.tasks.cross_check",
            uncompared,
            attempt + 1,
            schedule_type=Schedule.ONCE,
            next_run=at + AN_HOUR,
            cluster="slow",
        )


def corporate_actions() -> None:
    """Ask for corporate actions and earnings dates due by a night; follow changes of symbol, delistings.

    A step that fails keeps back no other.
    """
    at = timezone.now()
    steps = faults.Isolation(Fault.Work.STEP, at)
    with steps.of(actions.LEDGER.noun, in_savepoint=False):
        actions.LEDGER.fetch(at)
    with steps.of(earnings.LEDGER.noun, in_savepoint=False):
        earnings.LEDGER.fetch(at)
    with steps.of("changes of symbol", in_savepoint=False):
        renames.follow_due(at)
    with steps.of("delistings", in_savepoint=False):
        delistings.follow_due(at)


def refresh_details() -> None:
    """Ask again what the providers list of some instruments, those that were asked for longest ago first."""
    refresh.refresh(timezone.now())


def refresh_sessions() -> None:
    sessions.refresh_each(set(Instrument.objects.values_list("calendar", flat=True)), timezone.now())
