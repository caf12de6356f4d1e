"""Figures for monitoring. All but the uptime come from the database, so every web process says the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, Subquery
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from jaxsite.metrics import approvals, opinions
from jaxsite.metrics.approvals import Trading
from jaxsite.metrics.opinions import Advising
from jaxsite.processes.uptime import in_words, uptime
from market import quotes
from market.models import IngestionRun, IngestionTotal, Instrument, ProviderStatus
from signals.models import Scan, Signal

# By the field of IngestionTotal they are read from.
COUNTERS = {
    "runs": ("jax_market_ingestions", "Cycles, those skipped included."),
    "skipped": ("jax_market_skipped_ingestions", "Cycles skipped because another one was at work."),
    "stored": ("jax_market_successful_ingests", "Symbols answered and stored, summed over the cycles."),
    "failed": ("jax_market_failed_ingests", "Symbols that no provider answered, summed over the cycles."),
    "rejected": ("jax_market_rejected_rows", "Rows refused as unfit."),
}


@dataclass(frozen=True, eq=False)
class Figures(Collector):
    """What is measured. `newest`: the newest finished cycle of each kind that has one."""

    at: datetime
    totals: Sequence[IngestionTotal]
    newest: Sequence[IngestionRun]
    providers: Sequence[ProviderStatus]
    symbols: int
    stale: int
    scan: Scan | None
    pending: int
    approvals: Trading
    opinions: Advising
    uptime: timedelta

    def as_json(self) -> dict[str, Any]:
        last = max(self.newest, key=_finish, default=None)
        return {
            "total_ingestions": sum(total.runs for total in self.totals),
            "successful_ingests": sum(total.stored for total in self.totals),
            "failed_ingests": sum(total.failed for total in self.totals),
            "last_ingest_time": last and last.finished_at,
            "last_ingest_duration": last and _duration(last),
            "symbol_count": self.symbols,
            "uptime": in_words(self.uptime),
            "stale_quotes": self.stale,
            "rejected_rows": sum(total.rejected for total in self.totals),
            "last_scan_time": self.scan and self.scan.finished_at,
            "pending_signals": self.pending,
            **self.approvals.as_json(),
            **self.opinions.as_json(),
        }

    def collect(self) -> Iterator[Metric]:
        """The same for Prometheus, told apart by kind and provider."""
        totals = {total.kind: total for total in self.totals}
        for field, (name, meaning) in COUNTERS.items():
            counter = CounterMetricFamily(name, meaning, labels=["kind"])
            for kind in IngestionRun.Kind.values:
                counter.add_metric([kind], getattr(totals.get(kind), field, 0))
            yield counter
        yield from self._newest()
        yield from self._providers()
        yield _gauge("jax_market_symbols", "Watched instruments.", self.symbols)
        yield _gauge("jax_market_stale_quotes", "Instruments without a fresh quote in session.", self.stale)
        yield from self._signals()
        yield from self.approvals.collect()
        yield from self.opinions.collect()
        yield _gauge("jax_market_uptime_seconds", "Age of the web service.", self.uptime.total_seconds())

    def _newest(self) -> Iterator[Metric]:
        finished = GaugeMetricFamily(
            "jax_market_last_ingest_timestamp_seconds", "When the newest cycle finished.", labels=["kind"]
        )
        took = GaugeMetricFamily(
            "jax_market_last_ingest_duration_seconds", "How long the newest cycle took.", labels=["kind"]
        )
        for run in self.newest:
            finished.add_metric([run.kind], _finish(run).timestamp())
            took.add_metric([run.kind], _duration(run))
        yield from (finished, took)

    def _signals(self) -> Iterator[Metric]:
        yield _gauge("jax_signals_pending", "Signals that wait for a decision.", self.pending)
        if self.scan is not None and self.scan.finished_at is not None:
            took = (self.scan.finished_at - self.scan.started_at).total_seconds()
            finished = self.scan.finished_at.timestamp()
            yield _gauge(
                "jax_signals_last_scan_timestamp_seconds", "When the newest scan finished.", finished
            )
            yield _gauge("jax_signals_last_scan_duration_seconds", "How long the newest scan took.", took)

    def _providers(self) -> Iterator[Metric]:
        labels = ["provider", "kind"]
        failures = GaugeMetricFamily(
            "jax_market_provider_consecutive_failures", "Failures since its last success.", labels=labels
        )
        cooling = GaugeMetricFamily(
            "jax_market_provider_cooling_off", "1 while it is left alone after failures.", labels=labels
        )
        for row in self.providers:
            failures.add_metric([row.provider, row.kind], row.consecutive_failures)
            cooling.add_metric([row.provider, row.kind], row.cools_off(self.at))
        yield from (failures, cooling)


def read(at: datetime) -> Figures:
    """The figures at this moment: always fourteen queries."""
    return Figures(
        at=at,
        totals=list(IngestionTotal.objects.order_by("kind")),
        newest=list(IngestionRun.objects.filter(_is_newest()).order_by("kind")),
        providers=list(ProviderStatus.objects.all()),
        symbols=Instrument.objects.watched().count(),
        stale=len(quotes.stale_symbols(at)),
        scan=Scan.objects.filter(outcome=Scan.Outcome.FINISHED).order_by("-started_at").first(),
        pending=Signal.objects.pending(at).count(),
        approvals=approvals.read(),
        opinions=opinions.read(at),
        uptime=uptime(),
    )


def _is_newest() -> Q:
    """The newest finished run of each kind: an index look-up for each, however many runs are kept."""
    finished = IngestionRun.objects.filter(outcome=IngestionRun.Outcome.FINISHED).order_by("-started_at")
    newest = (finished.filter(kind=kind).values("pk")[:1] for kind in IngestionRun.Kind.values)
    return reduce(or_, (Q(pk=Subquery(one)) for one in newest))


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _finish(run: IngestionRun) -> datetime:
    return run.finished_at or run.started_at


def _duration(run: IngestionRun) -> float:
    return (_finish(run) - run.started_at).total_seconds()
