"""Figures for monitoring. All but the uptime come from the database, so every web process gives the same."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jaxsite.monitoring.metrics import market, opinions, services, signals, trading
from jaxsite.processes.uptime import in_words, uptime
from market import faults

logger = logging.getLogger(__name__)


class Topic(Protocol):
    """The figures about one subject."""

    def as_json(self) -> dict[str, Any]: ...

    def collect(self) -> Iterator[Metric]: ...


TOPICS: dict[str, Callable[[datetime], Topic]] = {
    "market": market.read,
    "signals": signals.read,
    "trading": trading.read,
    "opinions": opinions.read,
    "services": services.read,
}


@dataclass(frozen=True, eq=False)
class Metrics(Collector):
    """The figures of each topic as JSON and for Prometheus. None for a topic that cannot be read."""

    topics: Mapping[str, tuple[dict[str, Any], list[Metric]] | None]
    uptime: timedelta

    def as_json(self) -> dict[str, Any]:
        """Return the figures of all topics that can be read."""
        figures = {"uptime": in_words(self.uptime)}
        for topic in filter(None, self.topics.values()):
            figures |= topic[0]
        return figures

    def collect(self) -> Iterator[Metric]:
        """Yield the same for Prometheus, and which topics cannot be read."""
        unreadable = GaugeMetricFamily(
            "jax_metrics_unreadable", "1: the figures of this topic cannot be read.", labels=["topic"]
        )
        for name, topic in self.topics.items():
            unreadable.add_metric([name], 0 if topic else 1)
            yield from topic[1] if topic else ()
        yield unreadable
        seconds = self.uptime.total_seconds()
        yield GaugeMetricFamily("jax_market_uptime_seconds", "Age of the web service.", value=seconds)


def read(at: datetime) -> Metrics:
    """Return the figures at this moment: always seventeen queries."""
    return Metrics({name: _read(name, at) for name in TOPICS}, uptime())


def _read(name: str, at: datetime) -> tuple[dict[str, Any], list[Metric]] | None:
    """Return the figures of a topic. One that breaks keeps no other from being given."""
    try:
        topic = TOPICS[name](at)
        return topic.as_json(), list(topic.collect())
    except faults.CONTENT:
        logger.exception("the figures of %s cannot be read", name)
        return None
