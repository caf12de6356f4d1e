"""A snapshot as an analyst is given it, whole and made up."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
MINUTES = timedelta(minutes=15)


def _row(i: int) -> list[Any]:
    close = 178.03 + 0.127 * i if i < 59 else 185.5
    at = (START + i * MINUTES).isoformat().replace("+00:00", "Z")
    return [at, close - 0.31, close + 0.42, close - 0.57, round(close, 2), 812_345 + 7_919 * i]


SNAPSHOT: dict[str, Any] = {
    "taken_at": "2026-11-29T00:35:00Z",
    "instrument": {"symbol": "AAPL", "name": "Apple", "currency": "USD", "calendar": "XNYS"},
    "timeframe": "15m",
    "quote": {
        "price": 185.5,
        "bid": 185.49,
        "ask": 185.51,
        "as_of": "2026-11-29T00:34:48Z",
        "received_at": "2026-11-29T00:34:49Z",
        "provider": "ib_bridge",
        "feed": "live",
        "delay_seconds": 0,
        "age_seconds": 12.0,
        "is_stale": False,
    },
    "signal": {
        "side": "BUY",
        "strategy": "macd_crossover_v1",
        "bar_opened_at": "2026-11-28T05:15:00Z",
        "generated_at": "2026-11-28T05:30:00Z",
        "expires_at": "2026-11-28T09:30:00Z",
        "entry": 185.5,
        "stop": 180.5,
        "target": 191.75,
        "second_target": 195.5,
        "risk": 5.0,
        "risk_percent": 2.695,
        "reward": 6.25,
        "reward_percent": 3.369,
        "reward_to_risk": 1.25,
        "second_reward_to_risk": 2.0,
        "confidence": 0.9,
        "reasoning": (
            "MACD +0.52 crossed above its signal line +0.26 at 185.50,"
            " trend bullish (SMA50 182.10, SMA200 165.00), volume 1.40 times its mean."
        ),
        "parameters": {
            "macd_fast": 12,
            "macd_slow": 26,
            "macd_signal": 9,
            "atr_period": 14,
            "trend_fast": 50,
            "trend_slow": 200,
            "volume_period": 20,
            "stop_atr": 2.0,
            "target_atr": 2.5,
            "second_target_atr": 4.0,
            "base_confidence": 0.65,
            "strong_histogram": 0.001,
        },
        "opposed_by": [
            {"strategy": "rsi_momentum_v1", "timeframe": "1d", "side": "SELL", "confidence": 0.72}
        ],
    },
    "indicators": {
        "price": 185.5,
        "atr": 2.5,
        "trend_fast": 182.1,
        "trend_slow": 165.0,
        "volume_ratio": 1.4,
        "macd": 0.52,
        "macd_signal": 0.26,
        "macd_histogram": 0.26,
        "rsi": 71.2,
        "sma_20": 183.47,
    },
    "trend": "bullish",
    "bars": {
        "columns": ["opened_at", "open", "high", "low", "close", "volume"],
        "rows": [_row(i) for i in range(60)],
    },
    "changes": {"1": -0.4, "5": 2.1, "20": 6.3},
    "higher": {
        "timeframe": "1h",
        "close": 184.9,
        "fast_period": 20,
        "fast": 181.35,
        "slow_period": 50,
        "slow": 176.8,
        "trend": "bullish",
    },
    "volatility": {"atr_percent": 1.35, "rank_percent": 62.0, "bars": 250, "regime": "normal"},
    "year": {"high": 199.6, "low": 124.2, "below_high_percent": 7.1, "above_low_percent": 49.4, "days": 251},
    "costs": {"bps_each_way": 5.0, "reward_to_risk": 1.19},
    "record": {
        "here": {
            "cases": 41,
            "targets": 18,
            "stops": 20,
            "luck_percent": 44.4,
            "targets_percent": 47.4,
            "mean_r": 0.08,
            "mean_r_low": -0.2,
            "mean_r_high": 0.36,
        },
        "all": None,
    },
    "positions": [{"symbol": "AAPL", "quantity": 42.0, "average_price": 171.2}],
    "cases": [
        {
            "symbol": "AAPL",
            "strategy": "macd_crossover_v1",
            "timeframe": "15m",
            "side": "BUY",
            "at": "2026-10-14T15:00:00Z",
            "r": r,
            "alike": ["strategy", "symbol", "regime"],
            "decision": "rejected: weak evidence",
            "text": text,
        }
        for r, text in ((1.9, "Rejected at 173.05."), (-1.0, "Stopped the same day."), (0.7, ""))
    ],
    "refusals": [],
    "recalled": [{"at": "2026-09-03T13:45:00Z", "text": "Gaps after earnings were 4.8 % wide."}],
    "context": "I hold 42 shares and do not want more than 3 positions.",
}


def snapshot(**changed: Any) -> dict[str, Any]:
    """The snapshot with some of its parts replaced."""
    return copy.deepcopy(SNAPSHOT) | changed


def without_signal() -> dict[str, Any]:
    """An instrument on demand: no signal, no quote, no year, no RSI."""
    return snapshot(
        signal=None, quote=None, year=None, indicators={"price": 185.5, "atr": 2.5, "volume_ratio": 1.4}
    )
