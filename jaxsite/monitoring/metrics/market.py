"""Figures about ingestion, providers and quotes for monitoring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, Subquery
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from market import feeds
from market.ingestion.lateness import late_bars
from market.models import (
    CurrencyPair,
    IngestionRun,
    IngestionTotal,
    Instrument,
    ProviderStatus,
    Quote,
    StreamStatus,
)
from market.prices import Timeframe
from market.queries.freshness import stale_symbols
from market.quotes.pairs import PairRate, with_rates

# By the field of IngestionTotal they are read from.
COUNTERS = {
    "runs": ("jax_market_ingestions", "Cycles, those skipped included."),
    "skipped": ("jax_market_skipped_ingestions", "Cycles skipped because another one was at work."),
    "stored": ("jax_market_successful_ingests", "Symbols answered and stored, summed over the cycles."),
    "failed": ("jax_market_failed_ingests", "Symbols that no provider answered, summed over the cycles."),
    "rejected": ("jax_market_rejected_rows", "Rows refused as unfit."),
}


@dataclass(frozen=True)
class MarketMetrics:
    """`newest_runs`: the newest finished cycle of each kind that has one."""

    at: datetime
    totals: Sequence[IngestionTotal]
    newest_runs: Sequence[IngestionRun]
    providers: Sequence[ProviderStatus]
    instruments: int
    stale_quotes: int
    quote_states: Mapping[str, int]
    exchange_rates: Sequence[PairRate]
    late_bars: Mapping[Timeframe, int]
    stream: StreamStatus | None

    def as_json(self) -> dict[str, Any]:
        last = max(self.newest_runs, key=_finished_at, default=None)
        return {
            "total_ingestions": sum(total.runs for total in self.totals),
            "successful_ingests": sum(total.stored for total in self.totals),
            "failed_ingests": sum(total.failed for total in self.totals),
            "last_ingest_time": last and last.finished_at,
            "last_ingest_duration": last and _duration(last),
            "symbol_count": self.instruments,
            "stale_quotes": self.stale_quotes,
            "quote_states": dict(self.quote_states),
            "missing_exchange_rates": self._missing_rates,
            "late_bars": dict(self.late_bars),
            "rejected_rows": sum(total.rejected for total in self.totals),
            "stream_up": self._streams,
            "streamed_symbols": self.stream.symbols if self.stream else 0,
            "silent_symbols": len(self.stream.silent) if self.stream else 0,
        }

    def collect(self) -> Iterator[Metric]:
        """Yield the same for Prometheus, by kind and provider."""
        totals = {total.kind: total for total in self.totals}
        for field, (name, meaning) in COUNTERS.items():
            counter = CounterMetricFamily(name, meaning, labels=["kind"])
            for kind in IngestionRun.Kind.values:
                counter.add_metric([kind], getattr(totals.get(kind), field, 0))
            yield counter
        yield from self._newest_runs()
        yield from self._providers()
        yield GaugeMetricFamily("jax_market_symbols", "Watched instruments.", value=self.instruments)
        yield GaugeMetricFamily(
            "jax_market_stale_quotes",
            "Instruments without a fresh quote in session.",
            value=self.stale_quotes,
        )
        states = GaugeMetricFamily(
            "jax_market_quote_states", "Watched instruments whose quote is so.", labels=["state"]
        )
        for state, count in self.quote_states.items():
            states.add_metric([state], count)
        yield states
        late = GaugeMetricFamily(
            "jax_market_late_bars", "Instruments whose newest bar is late.", labels=["timeframe"]
        )
        for timeframe, count in self.late_bars.items():
            late.add_metric([timeframe], count)
        yield late
        yield from self._exchange_rates()
        yield from self._stream()

    @property
    def _missing_rates(self) -> int:
        return sum(not each.is_usable for each in self.exchange_rates)

    def _exchange_rates(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "jax_market_missing_exchange_rates",
            "Needed rates of currencies that cannot be used.",
            value=self._missing_rates,
        )
        ages = GaugeMetricFamily(
            "jax_market_exchange_rate_age_seconds",
            "How old a needed rate is, while currencies traded.",
            labels=["pair"],
        )
        for each in self.exchange_rates:
            if each.age_seconds is not None:
                ages.add_metric([each.pair.symbol], each.age_seconds)
        yield ages

    @property
    def _streams(self) -> bool:
        row = self.stream
        return row is not None and row.is_current(self.at) and row.state == StreamStatus.State.LIVE

    def _stream(self) -> Iterator[Metric]:
        """Yield how the stream does; nothing where none ever ran, or the plan has none."""
        if self.stream is None or self.stream.state == StreamStatus.State.NO_PLAN:
            return
        row = self.stream
        yield GaugeMetricFamily("jax_market_stream_up", "1 while quotes are streamed.", value=self._streams)
        yield GaugeMetricFamily("jax_market_streamed_symbols", "Instruments streamed.", value=row.symbols)
        yield GaugeMetricFamily(
            "jax_market_silent_symbols",
            "Of those, how many are silent though they trade.",
            value=len(row.silent),
        )
        yield CounterMetricFamily(
            "jax_market_stream_messages", "Messages since the process started.", value=row.messages
        )
        if row.message_at:
            yield GaugeMetricFamily(
                "jax_market_stream_message_timestamp_seconds",
                "When the newest message came.",
                value=row.message_at.timestamp(),
            )

    def _newest_runs(self) -> Iterator[Metric]:
        finished = GaugeMetricFamily(
            "jax_market_last_ingest_timestamp_seconds", "When the newest cycle finished.", labels=["kind"]
        )
        duration = GaugeMetricFamily(
            "jax_market_last_ingest_duration_seconds", "How long the newest cycle took.", labels=["kind"]
        )
        for run in self.newest_runs:
            finished.add_metric([run.kind], _finished_at(run).timestamp())
            duration.add_metric([run.kind], _duration(run))
        yield from (finished, duration)

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


def read(at: datetime) -> MarketMetrics:
    """Return the figures at this moment: at most eleven queries."""
    return MarketMetrics(
        at=at,
        totals=list(IngestionTotal.objects.order_by("kind")),
        newest_runs=list(IngestionRun.objects.filter(_is_newest(at)).order_by("kind")),
        providers=list(ProviderStatus.objects.all()),
        instruments=Instrument.objects.watched().count(),
        stale_quotes=len(stale_symbols(at)),
        quote_states={state: len(symbols) for state, symbols in Quote.objects.by_state().items()},
        exchange_rates=with_rates(CurrencyPair.objects.all(), at),
        late_bars={timeframe: len(symbols) for timeframe, symbols in late_bars(at).items()},
        stream=StreamStatus.objects.order_by("-updated_at").first() if feeds.can_stream() else None,
    )


def _is_newest(at: datetime) -> Q:
    """Match the newest finished run of each kind: an index look-up for each, however many runs are kept."""
    runs = IngestionRun.objects.filter(outcome=IngestionRun.Outcome.FINISHED, started_at__lte=at)
    finished = runs.order_by("-started_at")
    newest = (finished.filter(kind=kind).values("pk")[:1] for kind in IngestionRun.Kind.values)
    return reduce(or_, (Q(pk=Subquery(run)) for run in newest))


def _finished_at(run: IngestionRun) -> datetime:
    return run.finished_at or run.started_at


def _duration(run: IngestionRun) -> float:
    return (_finished_at(run) - run.started_at).total_seconds()
