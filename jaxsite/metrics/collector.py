"""Figures for monitoring. All but the uptime come from the database, so every web process gives the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from jaxsite.metrics import market, opinions, services, signals, trading
from jaxsite.metrics.market import MarketMetrics
from jaxsite.metrics.opinions import OpinionMetrics
from jaxsite.metrics.services import ServiceMetrics
from jaxsite.metrics.signals import SignalMetrics
from jaxsite.metrics.trading import TradingMetrics
from jaxsite.processes.uptime import in_words, uptime


@dataclass(frozen=True, eq=False)
class Metrics(Collector):
    market: MarketMetrics
    signals: SignalMetrics
    trading: TradingMetrics
    opinions: OpinionMetrics
    services: ServiceMetrics
    uptime: timedelta

    def as_json(self) -> dict[str, Any]:
        return {
            **self.market.as_json(),
            "uptime": in_words(self.uptime),
            **self.signals.as_json(),
            **self.trading.as_json(),
            **self.opinions.as_json(),
            **self.services.as_json(),
        }

    def collect(self) -> Iterator[Metric]:
        for metrics in (self.market, self.signals, self.trading, self.opinions, self.services):
            yield from metrics.collect()
        seconds = self.uptime.total_seconds()
        yield GaugeMetricFamily("jax_market_uptime_seconds", "Age of the web service.", value=seconds)


def read(at: datetime) -> Metrics:
    """Return the figures at this moment: always seventeen queries."""
    parts = market.read(at), signals.read(at), trading.read(at), opinions.read(at), services.read(at)
    return Metrics(*parts, uptime())
