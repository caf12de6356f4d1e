"""The record of each configuration: how its ideas turned out over all stored history of the watchlist.

A record is computed again on every new day (UTC), when its configuration has changed, and when the history
has become longer: a backfill or an import has put bars before the first one it stands on.
"""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from core import locks
from core.statistics import mean_interval
from market import faults, store
from market.models import Fault, Instrument
from market.prices import Timeframe, to_datetime
from signals import backtest
from signals.backtest import Setup, Study
from signals.models import Signal, StrategyConfig, StrategyRecord
from signals.models.signals import SignalQuerySet
from signals.strategies import DIED, BadParameters, StrategyBroke, StrategyFailed
from signals.trades import End

logger = logging.getLogger(__name__)

POOLED = ""
DOUBTED_SHOWN = 20
SHOWN = (
    *("symbol", "cases", "targets", "stops", "luck"),
    *("mean_r", "mean_r_low", "mean_r_high", "mean_planned_r", "computed_at"),
)
Key = tuple[str, str, str]  # strategy, timeframe, symbol ("" for all)
Oldest = Mapping[str, datetime | None]


def of(signals: Sequence[Signal]) -> dict[Key, StrategyRecord]:
    """Return the records of these signals, pooled ones (symbol "") and those of their symbols. One query."""
    records = StrategyRecord.objects.filter(
        strategy_id__in={signal.strategy_id for signal in signals},
        timeframe__in={signal.timeframe for signal in signals},
        symbol__in={POOLED, *(signal.symbol for signal in signals)},
    )
    return {(record.strategy_id, record.timeframe, record.symbol): record for record in records}


def with_records(signals: SignalQuerySet) -> SignalQuerySet:
    """Annotate each with its `records`: the columns that pages show of them, in the same query."""
    matching = StrategyRecord.objects.filter(
        strategy_id=OuterRef("strategy_id"),
        timeframe=OuterRef("timeframe"),
        symbol__in=[POOLED, OuterRef("symbol")],
    )
    columns = JSONObject(**{name: name for name in SHOWN})
    return signals.annotate(records=ArraySubquery(matching.order_by().values(columns=columns)))


def read_with(signal: Signal) -> dict[str, StrategyRecord]:
    """Return the records of a signal that was read with them, by symbol."""
    rows = signal.records  # type: ignore[attr-defined]  # annotated
    return {
        row["symbol"]: StrategyRecord(**row | {"computed_at": datetime.fromisoformat(row["computed_at"])})
        for row in rows
    }


def refresh(at: datetime) -> list[str]:
    """Compute the records that are due, one configuration after the other; return which.

    One that fails is left alone for a while, so that the others get their turn.
    """
    computed = []
    with locks.held("signals records") as is_held:
        symbols, isolation = _symbols(), faults.Isolation(Fault.Work.RECORD, at)
        for config in due(symbols, at) if is_held else []:
            if isolation.is_paused(config):
                continue
            try:
                setup = Setup.of(config, symbols)
            except BadParameters as error:
                logger.error("%s has no record: %s Change it in admin.", config, error)
                continue
            isolation.begin(config, DIED)
            try:
                with isolation.of(config):
                    _compute(config, setup, at)
                    computed.append(str(config))
            except StrategyFailed as failure:
                logger.error("%s has no new record, its strategy failed: %s", config, failure)
                isolation.fail({config: str(failure)})
    return computed


def due(symbols: Sequence[str], at: datetime) -> list[StrategyConfig]:
    """Return the configurations whose record is missing, of an earlier day, or of other rules or bars."""
    pooled = {
        (record.strategy_id, record.timeframe): record
        for record in StrategyRecord.objects.filter(symbol=POOLED)
    }
    configs, known = list(StrategyConfig.objects.enabled()), faults.read(Fault.Work.RECORD)
    oldest = {name: _oldest(symbols, Timeframe(name)) for name in {config.timeframe for config in configs}}
    return [
        config
        for config in configs
        if _is_old(config, pooled.get((config.strategy_id, config.timeframe)), at)
        or _has_more(config, oldest[config.timeframe], set(_isolation(config, at, known).paused))
    ]


def _symbols() -> list[str]:
    """Return the watchlist, without instruments whose history waits to be restated."""
    instruments = Instrument.objects.watched().filter(split_pending_since=None).order_by("symbol")
    return list(instruments.values_list("symbol", flat=True))


def _oldest(symbols: Sequence[str], timeframe: Timeframe) -> Oldest:
    return {
        symbol: None if opened_at is None else to_datetime(opened_at)
        for symbol, opened_at in store.oldest(symbols, timeframe).items()
    }


def _is_old(config: StrategyConfig, record: StrategyRecord | None, at: datetime) -> bool:
    if record is None or record.computed_at.date() != at.date():
        return True
    return bool(record.basis != _basis(config))


def _has_more(config: StrategyConfig, oldest: Oldest, failing: Collection[str]) -> bool:
    """Whether bars are stored that are older than those the record stands on.

    Those of the `failing` symbols are none: the record cannot be computed on them.
    """
    recorded = dict(
        StrategyRecord.objects.filter(strategy_id=config.strategy_id, timeframe=config.timeframe)
        .exclude(symbol=POOLED)
        .values_list("symbol", "oldest_at")
    )
    for symbol, now in oldest.items():
        then = recorded.get(symbol)
        if now is not None and symbol not in failing and (then is None or now < then):
            return True
    return False


def _isolation(
    config: StrategyConfig, at: datetime, known: dict[faults.Key, Fault] | None = None
) -> faults.Isolation:
    """Return what keeps the failure of one symbol from the others."""
    about = {"part": config.timeframe, "source": config.strategy_id}
    return faults.Isolation(Fault.Work.RECORD, at, before=known, **about)


def _compute(config: StrategyConfig, setup: Setup, at: datetime) -> None:
    """Replace the records of one configuration, all in one transaction."""
    oldest = _oldest(setup.symbols, setup.timeframe)  # first: what comes meanwhile makes it due again
    parts = _studies(config, setup, at)
    about = {
        "strategy_id": config.strategy_id,
        "timeframe": config.timeframe,
        "computed_at": at,
        "basis": _basis(config),
    }
    rows = [StrategyRecord(**about, symbol=POOLED, **_columns(backtest.pooled(parts)), listed=_listed(parts))]
    rows += [
        StrategyRecord(
            **about,
            symbol=study.symbol,
            oldest_at=oldest[study.symbol],
            listed=_listed([study]),
            **_columns(study),
        )
        for study in parts
    ]
    with transaction.atomic():
        StrategyRecord.objects.filter(strategy_id=config.strategy_id, timeframe=config.timeframe).delete()
        StrategyRecord.objects.bulk_create(rows, batch_size=1_000)


def _studies(config: StrategyConfig, setup: Setup, at: datetime) -> list[Study]:
    """Return the study of each symbol, without those that it fails on. Raises StrategyFailed."""

    def study(symbols: Sequence[str]) -> list[Study]:
        return list(backtest.studies(replace(setup, symbols=tuple(symbols))))

    done = _isolation(config, at).together(setup.symbols, study, str, common=(StrategyBroke,))
    return sorted(chain.from_iterable(done), key=lambda study: study.symbol)


def _basis(config: StrategyConfig) -> dict[str, Any]:
    """Return what a record depends on besides the bars."""
    return {
        "parameters": config.parameters,
        "minimum_confidence": float(config.minimum_confidence),
        "lifetime_bars": config.lifetime_bars,
        "longest_holding_bars": config.longest_holding_bars,
        "flat_at_close": config.flat_at_close,
        "cost_bps": backtest.COST_BPS,
        "r": "over the risk really taken",  # records from before that are computed again
    }


def _columns(study: Study) -> dict[str, Any]:
    cases = study.cases
    targets, stops = backtest.race(cases)
    # Few cases are listed; an interval would say more than they do.
    low, high = mean_interval(cases.r) if len(cases) >= StrategyRecord.FEW else (math.nan, math.nan)
    return {
        "cases": len(cases),
        "targets": targets,
        "stops": stops,
        "luck": _known(backtest.luck(cases)),
        "mean_r": _known(backtest.mean(cases.r)),
        "mean_r_low": _known(low),
        "mean_r_high": _known(high),
        "mean_planned_r": _known(backtest.mean(cases.planned_r)),
        "bars": study.bars,
        "doubted": len(study.doubted),
        "doubted_bars": _doubted(study),
        "first_at": study.first_at,
        "last_at": study.last_at,
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _doubted(study: Study) -> list[dict[str, str]]:
    """Return the newest bars in doubt."""
    newest = sorted(study.doubted, key=lambda bar: bar.opened_at, reverse=True)[:DOUBTED_SHOWN]
    return [{"symbol": bar.symbol, "bar": bar.opened_at.isoformat()} for bar in newest]


def _listed(parts: Sequence[Study]) -> list[dict[str, Any]]:
    """Return the cases themselves, oldest first, while they are few."""
    if sum(len(study.cases) for study in parts) >= StrategyRecord.FEW:
        return []
    cases = [
        {
            "symbol": study.symbol,
            "bar": to_datetime(study.cases.spoke_at[i]).isoformat(),
            "r": round(float(study.cases.r[i]), 4),
            "planned_r": round(float(study.cases.planned_r[i]), 4),
            "ended": End(study.cases.end[i]).name.lower().replace("_", " "),
        }
        for study in parts
        for i in range(len(study.cases))
    ]
    return sorted(cases, key=lambda case: (case["bar"], case["symbol"]))
