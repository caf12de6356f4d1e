"""How the stream does, in words: for health, status and the doctor alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from market import feeds
from market.models import StreamStatus
from market.providers import registry

SHOWN = 5
State = StreamStatus.State
NOT_RUNNING = "Start it: make run, your supervisor, or python manage.py stream"
SILENCE = "The poll takes over for them. If it lasts: are they still traded under these names?"


@dataclass(frozen=True)
class Report:
    """`advice`: what to do; empty when nothing is wrong. `row`: None while nothing streams."""

    text: str
    advice: str = ""
    row: StreamStatus | None = None


def read(at: datetime) -> Report:
    """Return how the stream does. At most one query."""
    every = f"Quotes come by the poll, every {settings.INGEST_INTERVAL_SECONDS} s."
    if settings.STREAMING == "off":
        return Report(f"Off by STREAMING. {every}")
    if not feeds.can_stream():
        return Report(f"No provider that is set up has a stream. {every}")
    row = StreamStatus.objects.order_by("-updated_at").first()
    if row is None or not row.is_current(at):
        return Report(f"The process that streams does not run. {every}", NOT_RUNNING, row)
    if row.state == State.LIVE:
        return Report(_live(row, at), _advice(row), row)
    if row.state == State.CONNECTING:
        return Report(f"{_title(row)} is being connected. {every}", "", row)
    if row.state == State.NO_PLAN:
        return Report(f"{every} {row.reason}", "", row)
    again = f" It is tried again at {row.retry_at:%H:%M:%S} UTC." if row.retry_at else ""
    return Report(
        f"{_title(row)} does not stream since {row.since:%H:%M:%S} UTC.{again} {every}", row.reason, row
    )


def _live(row: StreamStatus, at: datetime) -> str:
    seconds = None if row.message_at is None else max(0, int((at - row.message_at).total_seconds()))
    newest = "nothing came yet" if seconds is None else f"the newest message came {seconds} s ago"
    text = f"{_title(row)} streams {row.symbols} instruments, {newest}."
    if row.left_out:
        text += f" By the poll: {_named(sorted(row.left_out))} ({next(iter(row.left_out.values()))})."
    if row.silent:
        text += f" Nothing comes of {_named(row.silent)} though they trade."
    return text


def _advice(row: StreamStatus) -> str:
    return SILENCE if row.silent else ""


def _named(symbols: Sequence[str]) -> str:
    rest = len(symbols) - SHOWN
    return ", ".join(symbols[:SHOWN]) + (f" and {rest} others" if rest > 0 else "")


def _title(row: StreamStatus) -> str:
    return next((spec.title for spec in registry.SPECS if spec.name == row.provider), row.provider)
