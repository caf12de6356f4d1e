"""The signal, what it costs, and how signals like it turned out, as a snapshot tells it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.statistics import wilson
from opinions import memory
from opinions.memory import Question
from opinions.models import Memory
from opinions.snapshots.around import Around
from opinions.snapshots.written import instant, rounded, short
from signals import backtest, records
from signals.charts import studies
from signals.models import Signal, StrategyRecord


def signal_facts(signal: Signal, around: Around) -> dict[str, Any]:
    strategy = studies.strategy_of(signal)
    entry, targets = float(signal.entry_price), signal.targets
    opposed = [
        other for other in around.pending.get(signal.symbol, []) if other.signal_type != signal.signal_type
    ]
    return {
        "side": signal.signal_type,
        "strategy": signal.strategy_id,
        "bar_opened_at": instant(signal.bar_opened_at),
        "generated_at": instant(signal.generated_at),
        "expires_at": instant(signal.expires_at),
        "entry": entry,
        "stop": float(signal.stop_loss),
        "target": float(signal.take_profit),
        "second_target": float(signal.second_target),
        "risk": float(signal.risk),
        "risk_percent": round(100 * float(signal.risk) / entry, 3),
        "reward": float(targets[0].distance),
        "reward_percent": round(100 * float(targets[0].distance) / entry, 3),
        "reward_to_risk": round(float(targets[0].r_multiple), 3),
        "second_reward_to_risk": round(float(targets[1].r_multiple), 3),
        "confidence": float(signal.confidence),
        "reasoning": signal.reasoning,
        "parameters": asdict(strategy) if strategy else dict(signal.parameters),
        "opposed_by": [
            {
                "strategy": other.strategy_id,
                "timeframe": other.timeframe,
                "side": other.signal_type,
                "confidence": float(other.confidence),
            }
            for other in opposed
        ],
    }


def costs(signal: Signal) -> dict[str, Any]:
    """Costs both ways, and what they leave of the reward for the risk."""
    cost = 2 * float(signal.entry_price) * backtest.COST_BPS / 10_000
    reward, risk = float(signal.targets[0].distance), float(signal.risk)
    return {
        "bps_each_way": backtest.COST_BPS,
        "per_share": short(cost),
        "reward_to_risk": round((reward - cost) / (risk + cost), 3),
    }


def track_record(signal: Signal, around: Around) -> dict[str, Any]:
    about = (signal.strategy_id, signal.timeframe)
    here, everywhere = (around.records.get((*about, symbol)) for symbol in (signal.symbol, records.POOLED))
    return {"here": _record(here), "all": _record(everywhere)}


def _record(record: StrategyRecord | None) -> dict[str, Any] | None:
    if record is None or not record.cases:
        return None
    decided = record.targets + record.stops
    low, high = wilson(record.targets, decided)
    return {
        "cases": record.cases,
        "targets": record.targets,
        "stops": record.stops,
        "targets_percent": round(100 * record.targets / decided, 1) if decided else None,
        "targets_percent_low": round(100 * low, 1) if decided else None,
        "targets_percent_high": round(100 * high, 1) if decided else None,
        "luck_percent": None if record.luck is None else round(100 * record.luck, 1),
        "mean_r": rounded(record.mean_r),
        "mean_r_low": rounded(record.mean_r_low),
        "mean_r_high": rounded(record.mean_r_high),
    }


def recalled_cases(question: Question, memories: Sequence[Memory]) -> dict[str, Any]:
    """What is recalled: how signals like this turned out, and what people decided on them."""
    by_kind = {kind: [case for case in memories if case.kind == kind] for kind in Memory.Kind}
    return {
        "cases": [_case(case, question) for case in by_kind[Memory.Kind.OUTCOME]],
        "refusals": [
            _case(case, question)
            for case in by_kind[Memory.Kind.DECISION]
            if not case.features.get("approved")
        ],
    }


def _case(memory_row: Memory, question: Question) -> dict[str, Any]:
    case = {
        "symbol": memory_row.symbol,
        "strategy": memory_row.strategy_id,
        "timeframe": memory_row.timeframe,
        "side": memory_row.side,
        "at": instant(memory_row.known_at),
        "alike": memory.alike(memory_row, question),
        "text": memory_row.text,
    }
    return case | {name: memory_row.features[name] for name in ("r", "end") if name in memory_row.features}
