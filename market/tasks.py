"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from market import retention, sessions
from market.ingestion import cycle as workflow
from market.ingestion import schedule
from market.models import Instrument

logger = logging.getLogger(__name__)


def ingest() -> None:
    workflow.ingest_quotes(timezone.now())


def candles() -> None:
    workflow.ingest_candles(timezone.now())


def backfill(symbols: list[str]) -> None:
    """Fetch the whole history of these symbols again; what the pace forbids comes with the next cycles."""
    schedule.forget(symbols)
    workflow.ingest_candles(timezone.now())


def prune() -> None:
    at = timezone.now()
    gone = retention.prune(
        quotes_before=at - timedelta(days=settings.QUOTE_HISTORY_DAYS),
        runs_before=at - timedelta(days=settings.INGESTION_RUN_DAYS),
    )
    logger.info("pruned %s", gone)


def refresh_sessions() -> None:
    sessions.refresh(set(Instrument.objects.values_list("calendar", flat=True)), timezone.now())
