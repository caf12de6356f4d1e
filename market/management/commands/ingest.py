from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from market.ingestion import cycle
from market.models import IngestionRun


class Command(BaseCommand):
    help = "Run one cycle of ingestion, quotes and then candles, and say what happened."

    def handle(self, *args: Any, **options: Any) -> None:
        runs = [cycle.ingest_quotes(timezone.now()), cycle.ingest_candles(timezone.now())]
        for run in runs:
            self.stdout.write(describe(run) if run else "Skipped: another cycle is at work.")
        done = [run for run in runs if run]
        if any(run.failed and not run.stored for run in done):
            raise CommandError("nothing was stored; `manage.py doctor` says what to do")


def describe(run: IngestionRun) -> str:
    """Return what happened in a cycle, a line for each thing."""
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
    lines = [
        f"{run.get_kind_display()}: {run.stored} of {run.asked} stored, {run.failed} failed,"
        f" {run.waiting} left for the next cycle; {run.rows} rows new or changed, in {seconds:.1f} s."
    ]
    for provider, line in run.providers.items():
        error = f": {line['error']}" if line.get("error") else ""
        lines.append(
            f"  {provider}: {line['asked']} asked, {line['stored']} stored, {line['failed']} failed{error}"
        )
    lines += [f"  failed: {name}: {why}" for name, why in run.failures.items()]
    lines += [
        f"  refused: {rows['count']} x {reason}, as in {rows['example']}"
        for reason, rows in run.rejected.items()
    ]
    return "\n".join(lines)
