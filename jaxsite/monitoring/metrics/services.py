"""Figures about the services' signs of life and what waits for them, for monitoring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from jaxsite.monitoring import queues, services
from jaxsite.monitoring.queues import Queue
from jaxsite.monitoring.services import Service


@dataclass(frozen=True)
class ServiceMetrics:
    at: datetime
    services: Sequence[Service]
    queues: Sequence[Queue]

    def as_json(self) -> dict[str, Any]:
        return {f"{service.name}_up": service.is_alive(self.at) for service in self.services} | {
            f"{queue.service}_oldest_task_seconds": round(queue.seconds, 3) for queue in self.queues
        }

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("jax_service_up", "1 while it gives signs of life.", labels=["service"])
        finished = GaugeMetricFamily(
            "jax_service_last_work_timestamp_seconds", "When its last task ended.", labels=["service"]
        )
        labels = ["service", "host"]
        beat_at = GaugeMetricFamily(
            "jax_service_beat_timestamp_seconds", "Its newest sign of life.", labels=labels
        )
        busy = GaugeMetricFamily("jax_service_busy_workers", "Workers with a task.", labels=labels)
        for service in self.services:
            up.add_metric([service.name], service.is_alive(self.at))
            if last := service.finished_at():
                finished.add_metric([service.name], last.timestamp())
            for beat in service.beats:
                beat_at.add_metric([service.name, beat.host], beat.beat_at.timestamp())
                busy.add_metric([service.name, beat.host], beat.busy)
        yield from (up, finished, beat_at, busy, self._waits())

    def _waits(self) -> Metric:
        meaning = "For how long the oldest task has waited for a worker of this service; 0: none waits."
        waits = GaugeMetricFamily("jax_queue_oldest_task_seconds", meaning, labels=["service"])
        for queue in self.queues:
            waits.add_metric([queue.service], queue.seconds)
        return waits


def read(at: datetime) -> ServiceMetrics:
    """Return the figures at this moment: always two queries."""
    return ServiceMetrics(at, services.read(), queues.read(at))
