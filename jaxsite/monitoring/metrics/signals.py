"""Figures about scans and pending signals for monitoring."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from signals.models import Scan, Signal


@dataclass(frozen=True)
class SignalMetrics:
    """`last_scan`: the newest that finished."""

    last_scan: Scan | None
    pending: int

    def as_json(self) -> dict[str, Any]:
        return {
            "last_scan_time": self.last_scan and self.last_scan.finished_at,
            "pending_signals": self.pending,
        }

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "jax_signals_pending", "Signals that wait for a decision.", value=self.pending
        )
        if self.last_scan is not None and self.last_scan.finished_at is not None:
            duration = (self.last_scan.finished_at - self.last_scan.started_at).total_seconds()
            yield GaugeMetricFamily(
                "jax_signals_last_scan_timestamp_seconds",
                "When the newest scan finished.",
                value=self.last_scan.finished_at.timestamp(),
            )
            yield GaugeMetricFamily(
                "jax_signals_last_scan_duration_seconds", "How long the newest scan took.", value=duration
            )


def read(at: datetime) -> SignalMetrics:
    """Return the figures at this moment: always two queries."""
    return SignalMetrics(
        last_scan=Scan.objects.filter(outcome=Scan.Outcome.FINISHED, started_at__lte=at)
        .order_by("-started_at")
        .first(),
        pending=Signal.objects.pending(at).count(),
    )
