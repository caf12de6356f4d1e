"""A signal and its decision as numbers to play with, on the price basis of the stored bars."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cached_property
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from approvals.models import Fill, Outcome, TradeApproval
from approvals.queries.outcomes import Due
from market.models import Split
from market.prices import INSTANT, Instants, to_instant
from signals.models import Signal
from signals.strategies import BUY, SELL, STRATEGIES, Ideas
from signals.trades import Rows

Group, Ledger = Outcome.Group, Outcome.Ledger
Prices = tuple[float, float, float]  # entry, stop, target
GROUPS = {
    Signal.Status.APPROVED: Group.APPROVED,
    Signal.Status.REJECTED: Group.REJECTED,
    Signal.Status.EXPIRED: Group.EXPIRED,
}
FIELDS = (
    *("symbol", "strategy_id", "timeframe", "bar_opened_at", "signal_type", "confidence", "entry_price"),
    *("stop_loss", "take_profit", "generated_at", "expires_at", "created_at", "status", "ended_at"),
    *("approval__approved_at", "approval__approved_by", "approval__decided"),
)
ANY_STRATEGY = next(iter(STRATEGIES.values()))()  # playing an idea does not ask whose it was


@dataclass(frozen=True)
class Case:
    """A signal to be computed in one ledger. `factor`: shares now for each one when it was stored."""

    signal: Signal
    ledger: str
    group: Outcome.Group
    version: int
    factor: float

    @property
    def side(self) -> int:
        return BUY if self.signal.signal_type == Signal.Type.BUY else SELL

    @property
    def approval(self) -> TradeApproval | None:
        """The decision, if that is what made its group."""
        is_decided = self.group in (Group.APPROVED, Group.REJECTED)
        return getattr(self.signal, "approval", None) if is_decided else None

    @property
    def since(self) -> datetime:
        """From when on it is counted: the signal, or what was decided, or that no user did."""
        if self.ledger == Ledger.SIGNAL:
            return self.signal.generated_at
        if self.approval:
            return self.approval.approved_at
        return self.signal.ends_at

    @cached_property
    def signal_levels(self) -> Prices:
        """The levels of the signal."""
        signal = self.signal
        entry, stop, target = map(float, (signal.entry_price, signal.stop_loss, signal.take_profit))
        return entry / self.factor, stop / self.factor, target / self.factor

    @cached_property
    def played(self) -> Prices:
        """The levels that are played: those of an approval in its own ledger, otherwise the signal's."""
        if self.ledger == Ledger.SIGNAL or self.group != Group.APPROVED or self.approval is None:
            return self.signal_levels
        decided = self._decided(self.approval.decided)
        return decided if _is_possible(self.side, *decided) else self.signal_levels

    def _decided(self, decided: Mapping[str, str | None]) -> Prices:
        given = (decided.get(name) for name in ("limit_price", "stop_loss", "take_profit"))
        prices = [
            level if price is None else float(price) / self.factor
            for price, level in zip(given, self.signal_levels, strict=True)
        ]
        return prices[0], prices[1], prices[2]

    @property
    def luck(self) -> float:
        entry, stop, target = self.played
        return abs(entry - stop) / abs(target - stop)


def _is_possible(side: int, entry: float, stop: float, target: float) -> bool:
    return side * (entry - stop) > 0 and side * (target - entry) > 0


def load(items: Sequence[Due], at: datetime) -> list[Case]:
    """Return the cases in the order asked for. Three queries."""
    signals = Signal.objects.select_related("approval").only(*FIELDS).in_bulk({item.signal for item in items})
    splits = _splits({item.symbol for item in items})
    unsellable = _unsellable(list(signals))
    cases = []
    for item in items:
        signal = signals[item.signal]
        group = GROUPS.get(signal.status_at(at), Group.NONE)
        if group == Group.EXPIRED and signal.pk in unsellable:
            group = Group.MEASURED
        cases.append(
            Case(signal, item.ledger, group, item.version, _factor(signal, splits.get(signal.symbol, [])))
        )
    return cases


def _unsellable(signals: Sequence[UUID]) -> set[UUID]:
    """The SELLs that found nothing of ours to sell when they ended; none where selling short is allowed."""
    if settings.ALLOW_SHORT:
        return set()
    until = Coalesce(OuterRef("ended_at"), OuterRef("expires_at"))
    held = Fill.objects.ours().filter(symbol=OuterRef("symbol"), executed_at__lte=until).shares()
    sells = Signal.objects.filter(pk__in=signals, signal_type=Signal.Type.SELL)
    unsellable = sells.annotate(held=Coalesce(Subquery(held), Decimal(0))).filter(held__lte=0)
    return set(unsellable.values_list("pk", flat=True))


def _splits(symbols: set[str]) -> dict[str, list[Split]]:
    by_symbol: dict[str, list[Split]] = {}
    for split in Split.objects.filter(symbol__in=symbols):
        by_symbol.setdefault(split.symbol, []).append(split)
    return by_symbol


def _factor(signal: Signal, splits: Sequence[Split]) -> float:
    """New shares for one old, by the splits that have restated the signal's bar since it was stored."""
    return math.prod(
        split.ratio
        for split in splits
        if datetime.combine(split.date, time(), UTC) > signal.bar_opened_at
        and split.recorded_at >= signal.created_at
    )


def ideas(rows: Rows, cases: Sequence[Case], levels: Sequence[Prices]) -> Ideas:
    """Return the cases as ideas at these rows, with these levels."""
    entry, stop, target = np.array(levels, dtype=np.float64).reshape(-1, 3).T
    return Ideas(
        strategy=ANY_STRATEGY,
        row=rows,
        side=np.array([case.side for case in cases], dtype=np.int8),
        confidence=np.array([case.signal.confidence for case in cases], dtype=np.float64),
        entry=entry,
        stop=stop,
        target=target,
        second_target=target,
        late=np.zeros(len(cases), dtype=np.bool_),
        columns={},
    )


def moments(instants: Sequence[datetime]) -> Instants:
    return np.array([to_instant(instant) for instant in instants], dtype=INSTANT)
