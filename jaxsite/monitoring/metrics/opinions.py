"""Figures about second opinions for monitoring."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from opinions.analysts import registry
from opinions.models import OrchestrationRun

Status = OrchestrationRun.Status
ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
Runs = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class OpinionMetrics:
    """`runs`: how many there are, by analyst and status. `cost`: of today (UTC), with what is set aside."""

    runs: Runs
    cost: Decimal

    def as_json(self) -> dict[str, Any]:
        return {
            "queued_opinions": self._in(Status.QUEUED),
            "running_opinions": self._in(Status.RUNNING),
            "completed_opinions": self._in(Status.COMPLETED),
            "failed_opinions": self._in(Status.FAILED),
            "opinions_cost_today_usd": float(self.cost),
        }

    def collect(self) -> Iterator[Metric]:
        labels = ["analyst", "status"]
        ended = CounterMetricFamily("jax_opinions", "Second opinions that have ended.", labels=labels)
        waiting = GaugeMetricFamily(
            "jax_opinions_open", "Second opinions that wait or are worked on.", labels=labels
        )
        configured = (spec.name for spec in registry.configured(settings))
        for analyst in sorted({*configured, *(analyst for analyst, _ in self.runs)}):
            for family, statuses in ((ended, ENDED), (waiting, OrchestrationRun.OPEN)):
                for status in statuses:
                    family.add_metric([analyst, status.value], self.runs.get((analyst, status), 0))
        yield from (ended, waiting)
        meaning = "What second opinions cost today (UTC), with what is set aside for those at work."
        yield GaugeMetricFamily("jax_opinions_cost_today_usd", meaning, value=float(self.cost))

    def _in(self, status: OrchestrationRun.Status) -> int:
        return sum(count for (_, run_status), count in self.runs.items() if run_status == status)


def read(at: datetime) -> OpinionMetrics:
    """Return the figures at this moment: one query."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    spent = Sum("cost_usd", filter=Q(started_at__gte=today), default=Decimal(0))
    rows = OrchestrationRun.objects.order_by().values_list("analyst", "status")
    groups = list(rows.annotate(count=Count("pk"), spent=spent))
    runs = {(analyst, status): count for analyst, status, count, _ in groups}
    return OpinionMetrics(runs, sum((usd for *_, usd in groups), Decimal(0)))
