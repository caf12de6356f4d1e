"""Ideas become signals: those that count are stored, once, and newer events supersede pending ones."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from market import store as candles
from market.models import UnexplainedMove
from market.prices import Flags, Instants, Timeframe, to_datetime, to_instant
from signals import lifecycle
from signals import store as stored_bars
from signals.lifecycle import Cause
from signals.lifetimes import Calendars
from signals.models import Signal, StrategyConfig
from signals.panel import Panel
from signals.strategies import BUY, Ideas, failing_alone

LONGEST_WAIT = timedelta(days=60)  # no signal can be decided on for longer


@dataclass(frozen=True)
class Sifted:
    """Ideas with the times of their signals, and which of them are not to be stored, each for one reason."""

    ideas: Ideas
    closed_at: Instants
    expires_at: Instants
    late: Flags
    expired: Flags
    below_minimum: Flags

    @property
    def stored(self) -> Flags:
        return ~(self.late | self.expired | self.below_minimum)

    def counted(self, among: Flags) -> Counter[str]:
        """Count these ideas, and those that are not to be stored by why."""
        kinds = {"late": self.late, "expired": self.expired, "below_minimum": self.below_minimum}
        counts = {name: int((kind & among).sum()) for name, kind in kinds.items()}
        return Counter(counts | {"ideas": int(among.sum())})


def sift(config: StrategyConfig, panel: Panel, ideas: Ideas, calendars: Calendars, at: datetime) -> Sifted:
    """Compare ideas with the rules for storing."""
    timeframe = Timeframe(config.timeframe)
    closed_at, expires_at = calendars.times(timeframe, panel, ideas.row, config.lifetime_bars)
    late = ideas.late
    expired = ~late & ~(expires_at > to_instant(at))
    below = ~late & ~expired & ~ideas.reaching(float(config.minimum_confidence))
    return Sifted(ideas, closed_at, expires_at, late, expired, below)


def fields(panel: Panel, ideas: Ideas, i: int) -> dict[str, Any]:
    """Return the columns that an idea sets. They follow the idea's bars while the signal is pending."""
    row = int(ideas.row[i])
    with failing_alone():
        reasoning = ideas.reasoning(i)
    return {
        "signal_type": Signal.Type.BUY if ideas.side[i] == BUY else Signal.Type.SELL,
        "confidence": Decimal(f"{ideas.confidence[i]:.4f}"),
        "entry_price": Decimal(f"{ideas.entry[i]:.6f}"),
        "stop_loss": Decimal(f"{ideas.stop[i]:.6f}"),
        "take_profit": Decimal(f"{ideas.target[i]:.6f}"),
        "second_target": Decimal(f"{ideas.second_target[i]:.6f}"),
        "reasoning": reasoning,
        "indicators": {name: float(f"{value:.10g}") for name, value in ideas.values(i).items()},
        "bars_digest": panel.digest(row),
    }


def store(config: StrategyConfig, panel: Panel, sifted: Sifted, at: datetime) -> Counter[str]:
    """Store the ideas that count. Only the newest event of each symbol is pending, earlier ones are not.

    Inside a transaction. A signal that exists already for the bar stays as it is. Returns how many are
    "superseded" and "stored".
    """
    if not len(sifted.ideas):
        return Counter()
    newest = _newest_events(panel, sifted.ideas)
    superseded = _supersede(config, newest, at)
    raised = _with_sources(config, _unquestioned(_new_signals(config, panel, sifted, newest, at)))
    Signal.objects.bulk_create(raised, ignore_conflicts=True)
    pks = set(Signal.objects.filter(pk__in=[signal.pk for signal in raised]).values_list("pk", flat=True))
    stored = [signal for signal in raised if signal.pk in pks]
    pending = {signal.symbol: signal for signal in stored if signal.status == Signal.Status.PENDING}
    early = [signal for signal in stored if signal.status != Signal.Status.PENDING]
    _link(superseded + early, pending)
    return Counter(superseded=len(superseded) + len(early), stored=len(stored))


def _newest_events(panel: Panel, ideas: Ideas) -> dict[str, datetime]:
    """Return the bar of the newest event of each symbol, whether it is to be stored or not."""
    return {
        panel.symbols[panel.symbol[row]]: to_datetime(panel.bars.opened_at[row]) for row in ideas.row.tolist()
    }


def _supersede(config: StrategyConfig, newest: Mapping[str, datetime], at: datetime) -> list[Signal]:
    """Cancel the pending signals that are older than the newest event; return them."""
    pending = Signal.objects.pending(at).filter(
        strategy_id=config.strategy_id, timeframe=config.timeframe, symbol__in=newest
    )
    pending = pending.select_for_update().order_by("pk")  # a decision made meanwhile waits
    older = [signal for signal in pending if signal.bar_opened_at < newest[signal.symbol]]
    superseded = Signal.objects.pending(at).filter(pk__in=[signal.pk for signal in older])
    lifecycle.end(superseded, Cause.SUPERSEDED, at)
    return older


def _new_signals(
    config: StrategyConfig, panel: Panel, sifted: Sifted, newest: Mapping[str, datetime], at: datetime
) -> list[Signal]:
    signals, existing = [], _existing(config, newest)
    for i in np.flatnonzero(sifted.stored).tolist():
        row = sifted.ideas.row[i]
        symbol, opened_at = panel.symbols[panel.symbol[row]], to_datetime(panel.bars.opened_at[row])
        if (symbol, opened_at) in existing:
            continue
        is_superseded = opened_at < newest[symbol]
        signal = Signal(
            symbol=symbol,
            strategy_id=config.strategy_id,
            timeframe=config.timeframe,
            bar_opened_at=opened_at,
            parameters=config.parameters,
            generated_at=to_datetime(sifted.closed_at[i]),
            expires_at=to_datetime(sifted.expires_at[i]),
            created_at=at,
            **fields(panel, sifted.ideas, i),
            **(lifecycle.ended(Cause.SUPERSEDED, at, start=None) if is_superseded else {}),
        )
        signals.append(signal)
    return signals


def _unquestioned(signals: list[Signal]) -> list[Signal]:
    """Leave out those of symbols with an unexplained move.

    It may be asked about since the list of symbols was read; ingestion holds the lock until it commits that.
    """
    if not signals:
        return []
    symbols = {signal.symbol for signal in signals}
    candles.lock(symbols)
    questions = UnexplainedMove.objects.open().filter(symbol__in=symbols)
    questioned = set(questions.values_list("symbol", flat=True))
    return [signal for signal in signals if signal.symbol not in questioned]


def _existing(config: StrategyConfig, newest: Mapping[str, datetime]) -> set[tuple[str, datetime]]:
    """Return the bars that have a signal already, among those of the newest events and somewhat before."""
    signals = Signal.objects.filter(
        strategy_id=config.strategy_id,
        timeframe=config.timeframe,
        symbol__in=newest,
        bar_opened_at__gte=min(newest.values()) - LONGEST_WAIT,
    )
    return set(signals.values_list("symbol", "bar_opened_at"))


def _with_sources(config: StrategyConfig, signals: list[Signal]) -> list[Signal]:
    """Set where the signals' bars come from; return the signals."""
    bars = [(signal.symbol, signal.bar_opened_at) for signal in signals]
    sources = stored_bars.sources(Timeframe(config.timeframe), bars)
    for signal, bar in zip(signals, bars, strict=True):
        signal.provider, signal.feed = sources[bar]
    return signals


def _link(superseded: list[Signal], pending: Mapping[str, Signal]) -> None:
    """Store which pending signal superseded each."""
    linked = [signal for signal in superseded if signal.symbol in pending]
    for signal in linked:
        signal.superseded_by = pending[signal.symbol]
    Signal.objects.bulk_update(linked, ["superseded_by"], batch_size=500)
