"""Ideas become signals: those that count are stored, once, and pending ones give way to newer events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection

from market.prices import Flags, Instants, Timeframe, to_datetime, to_instant
from signals import lifecycle
from signals.lifecycle import Cause
from signals.lifetimes import Calendars
from signals.models import Signal, StrategyConfig
from signals.panel import Panel
from signals.strategies import BUY, Ideas

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
        """How many of these ideas there are, and how many are not to be stored and why."""
        kinds = {"late": self.late, "expired": self.expired, "below_minimum": self.below_minimum}
        counts = {name: int((kind & among).sum()) for name, kind in kinds.items()}
        return Counter(counts | {"ideas": int(among.sum())})


def sift(config: StrategyConfig, panel: Panel, ideas: Ideas, calendars: Calendars, at: datetime) -> Sifted:
    """Hold ideas against the storing rules."""
    timeframe = Timeframe(config.timeframe)
    closed_at, expires_at = calendars.times(timeframe, panel, ideas.row, config.lifetime_bars)
    late = ideas.late
    expired = ~late & ~(expires_at > to_instant(at))
    below = ~late & ~expired & ~ideas.reaching(float(config.minimum_confidence))
    return Sifted(ideas, closed_at, expires_at, late, expired, below)


def fields(panel: Panel, ideas: Ideas, i: int) -> dict[str, Any]:
    """What a signal says, from the idea behind it. All of it follows its bars while the signal is pending."""
    row = int(ideas.row[i])
    return {
        "signal_type": Signal.Type.BUY if ideas.side[i] == BUY else Signal.Type.SELL,
        "confidence": Decimal(f"{ideas.confidence[i]:.4f}"),
        "entry_price": Decimal(f"{ideas.entry[i]:.6f}"),
        "stop_loss": Decimal(f"{ideas.stop[i]:.6f}"),
        "take_profit": Decimal(f"{ideas.target[i]:.6f}"),
        "second_target": Decimal(f"{ideas.second_target[i]:.6f}"),
        "reasoning": ideas.reasoning(i),
        "indicators": {name: float(f"{value:.10g}") for name, value in ideas.values(i).items()},
        "bars_digest": panel.digest(row),
    }


def store(config: StrategyConfig, panel: Panel, sifted: Sifted, at: datetime) -> Counter[str]:
    """Store what is to be stored. The newest event of each symbol alone is pending; what was, gives way.

    Inside a transaction. A signal that exists already for the bar stays as it is. Counts "superseded" and
    "stored".
    """
    if not len(sifted.ideas):
        return Counter()
    newest = _newest_events(panel, sifted.ideas)
    superseded = _supersede(config, newest, at)
    raised = _known_sources(config, _new(config, panel, sifted, newest, at))
    Signal.objects.bulk_create(raised, ignore_conflicts=True)
    stored = set(Signal.objects.filter(pk__in=[one.pk for one in raised]).values_list("pk", flat=True))
    waiting = {one.symbol: one for one in raised if one.status == Signal.Status.PENDING and one.pk in stored}
    early = [one for one in raised if one.status != Signal.Status.PENDING and one.pk in stored]
    _link(superseded + early, waiting)
    return Counter(superseded=len(superseded) + len(early), stored=len(stored))


def _newest_events(panel: Panel, ideas: Ideas) -> dict[str, datetime]:
    """The bar of the newest event of each symbol, whether it is to be stored or not."""
    return {
        panel.symbols[panel.symbol[row]]: to_datetime(panel.bars.opened_at[row]) for row in ideas.row.tolist()
    }


def _supersede(config: StrategyConfig, newest: Mapping[str, datetime], at: datetime) -> list[Signal]:
    """Cancel the pending signals that are older than the newest event."""
    pending = Signal.objects.pending(at).filter(
        strategy_id=config.strategy_id, timeframe=config.timeframe, symbol__in=newest
    )
    pending = pending.select_for_update().order_by("pk")  # whoever decides meanwhile waits
    older = [one for one in pending if one.bar_opened_at < newest[one.symbol]]
    superseded = Signal.objects.pending(at).filter(pk__in=[signal.pk for signal in older])
    lifecycle.end(superseded, Cause.SUPERSEDED, at)
    return older


def _new(
    config: StrategyConfig, panel: Panel, sifted: Sifted, newest: Mapping[str, datetime], at: datetime
) -> list[Signal]:
    signals, known = [], _known(config, newest)
    for i in np.flatnonzero(sifted.stored).tolist():
        row = sifted.ideas.row[i]
        symbol, opened_at = panel.symbols[panel.symbol[row]], to_datetime(panel.bars.opened_at[row])
        if (symbol, opened_at) in known:
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


def _known(config: StrategyConfig, newest: Mapping[str, datetime]) -> set[tuple[str, datetime]]:
    """The bars for which there are signals already, among those of the newest events and somewhat before."""
    signals = Signal.objects.filter(
        strategy_id=config.strategy_id,
        timeframe=config.timeframe,
        symbol__in=newest,
        bar_opened_at__gte=min(newest.values()) - LONGEST_WAIT,
    )
    return set(signals.values_list("symbol", "bar_opened_at"))


def _known_sources(config: StrategyConfig, signals: list[Signal]) -> list[Signal]:
    """The signals with who delivered their bars."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT provider, feed
            FROM unnest(%s::varchar[], %s::timestamptz[]) WITH ORDINALITY AS bar (symbol, opened_at, number)
            JOIN candles ON candles.symbol = bar.symbol AND candles.timeframe = %s
                AND candles.opened_at = bar.opened_at
            ORDER BY number
            """,
            [[one.symbol for one in signals], [one.bar_opened_at for one in signals], config.timeframe],
        )
        for signal, (provider, feed) in zip(signals, cursor.fetchall(), strict=True):
            signal.provider, signal.feed = provider, feed
    return signals


def _link(superseded: list[Signal], waiting: Mapping[str, Signal]) -> None:
    linked = [signal for signal in superseded if signal.symbol in waiting]
    for signal in linked:
        signal.superseded_by = waiting[signal.symbol]
    Signal.objects.bulk_update(linked, ["superseded_by"], batch_size=500)
