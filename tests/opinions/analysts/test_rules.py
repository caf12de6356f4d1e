"""The checklist: what each item gives, and what they come to together."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinions import grounding
from opinions.analysts.base import Opinion, Snapshot, Verdict
from opinions.analysts.rules import CHECKLIST, Rules
from opinions.models import JOINT

PLAIN: dict[str, Any] = {
    "taken_at": "2024-07-03T14:00:00Z",
    "instrument": {"symbol": "AAPL", "name": "Apple", "currency": "USD", "calendar": "XNYS"},
    "timeframe": "1d",
    "quote": {"price": 185.6, "age_seconds": 1.0, "is_stale": False},
    "signal": {
        "side": "BUY",
        "entry": 185.5,
        "stop": 180.5,
        "target": 191.75,
        "opposed_by": [],
    },
    "indicators": {"price": 185.5, "atr": 2.5, "volume_ratio": 0.9},
    "trend": "neutral",
    "bars": {"columns": [], "rows": []},
    "changes": {},
    "higher": None,
    "volatility": {"atr_percent": 1.35, "rank_percent": 50.0, "bars": 250, "regime": "normal"},
    "year": {"high": 199.6, "low": 124.2, "below_high_percent": 7.0, "above_low_percent": 49.4, "days": 251},
    "costs": {"bps_each_way": 2.0, "per_share": 0.07, "reward_to_risk": 1.2},
    "record": {"here": None, "all": None},
    "positions": [],
    "cases": [],
    "refusals": [],
}


def snapshot(**changes: Any) -> dict[str, Any]:
    """The plain one, whose items give nothing at all, with parts of it changed."""
    changed = copy.deepcopy(PLAIN)
    for name, value in changes.items():
        is_nested = isinstance(value, dict) and isinstance(changed[name], dict)
        changed[name] = changed[name] | value if is_nested else value
    return changed


def opinion(**changes: Any) -> Opinion:
    return Rules().analyse(snapshot(**changes), 1)


def points(**changes: Any) -> int:
    """What the changed items give, for a BUY."""
    items = [judge(snapshot(**changes), "BUY") for judge in CHECKLIST]
    return sum(item.points for item in items if item)


def record(cases: int, mean: float, low: float, high: float) -> dict[str, Any]:
    return {"cases": cases, "mean_r": mean, "mean_r_low": low, "mean_r_high": high}


def case(r: float) -> dict[str, Any]:
    return {"r": r, "side": "BUY", "alike": ["strategy", "symbol", "side"]}


GOOD, BAD = record(100, 0.2, 0.1, 0.3), record(100, -0.2, -0.3, -0.1)
EVERY = [
    ({}, 0),
    ({"quote": None}, -2),
    ({"quote": {"is_stale": True}}, -2),
    ({"quote": {"states": ["halted: news is pending"]}}, -2),
    ({"quote": {"price": 180.5}}, -6),  # the stop has traded
    ({"quote": {"price": 191.75}}, -6),  # the target has
    ({"quote": {"price": 186.76}}, -1),  # more than half an ATR away
    ({"quote": {"price": 186.75}}, 0),
    ({"higher": {"timeframe": "1w", "trend": "bullish"}}, 2),
    ({"higher": {"timeframe": "1w", "trend": "bearish"}}, -2),
    ({"higher": {"timeframe": "1w", "trend": "neutral"}}, 0),
    ({"volatility": {"rank_percent": 90.0}}, -1),
    ({"volatility": {"regime": "wild"}}, -1),
    ({"volatility": None}, 0),
    ({"year": {"high": 191.0}}, -1),  # the target asks for a new high
    ({"year": {"above_low_percent": 1.9}}, -1),  # at the low of the year
    ({"year": None}, 0),
    ({"indicators": {"volume_ratio": 1.4}}, 1),
    ({"indicators": {"volume_ratio": None}}, 0),
    ({"signal": {"opposed_by": [{"strategy": "rsi_momentum_v1", "timeframe": "15m"}]}}, -2),
    ({"costs": {"reward_to_risk": 1.5}}, 1),
    ({"costs": {"reward_to_risk": 0.99}}, -2),
    ({"record": {"here": GOOD}}, 2),
    ({"record": {"here": BAD, "all": GOOD}}, -2),
    ({"record": {"here": record(29, -1.0, -2.0, -0.5), "all": GOOD}}, 2),  # here: too few to count
    ({"record": {"all": record(100, 0.1, -0.1, 0.3)}}, 0),
    ({"cases": [case(1.0)] * 4}, 0),
    ({"cases": [case(1.0)] * 4 + [case(-1.0)]}, 1),
    ({"cases": [case(1.0)] + [case(-1.0)] * 4}, -1),
    ({"cases": [case(1.0)] * 3 + [case(-1.0)] * 2}, 0),
    ({"positions": [{"symbol": "AAPL", "quantity": 10}]}, -1),
    ({"positions": [{"symbol": "AAPL", "quantity": -10}]}, 1),
    ({"positions": [{"symbol": "MSFT", "quantity": 10}]}, 0),
]


@pytest.mark.parametrize(("changes", "expected"), EVERY)
def test_each_item_counts_what_it_is_said_to(changes: dict[str, Any], expected: int) -> None:
    assert points(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "action", "confidence"),
    [
        ({}, "HOLD", 0.5),
        ({"indicators": {"volume_ratio": 1.4}}, "HOLD", 0.5),
        ({"record": {"here": GOOD}}, "BUY", 0.58),
        ({"record": {"here": GOOD}, "higher": {"timeframe": "1w", "trend": "bullish"}}, "BUY", 0.67),
        ({"volatility": {"regime": "wild"}}, "PASS", 0.54),
        ({"quote": {"price": 180.0}}, "PASS", 0.75),
    ],
)
def test_the_points_together_make_the_action(changes: dict[str, Any], action: str, confidence: float) -> None:
    result = opinion(**changes)
    assert (result.action, result.confidence) == (action, confidence)


def test_a_sell_is_judged_upside_down() -> None:
    sell = {"side": "SELL", "stop": 190.5, "target": 179.25}
    result = opinion(signal=sell, higher={"timeframe": "1w", "trend": "bearish"}, record={"here": GOOD})
    assert result.action == "SELL"
    assert opinion(signal=sell, quote={"price": 190.5}).action == "PASS"


def test_what_speaks_for_it_and_what_against_it_is_told_apart() -> None:
    result = opinion(record={"here": GOOD}, volatility={"regime": "wild"})
    verdicts = {factor.verdict for factor in result.factors}
    assert verdicts == {Verdict.FOR, Verdict.AGAINST, Verdict.NEUTRAL}


@pytest.mark.parametrize(
    ("changes", "reasoning"),
    [
        ({}, "Nothing speaks clearly for or against this BUY."),
        (
            {"costs": {"reward_to_risk": 0.9}, "volatility": {"regime": "wild"}},
            "More speaks against this BUY than for it. Most of all: the reward is 0.90 times the risk after"
            " costs.",
        ),
        (
            {"record": {"here": GOOD}},
            "More speaks for this BUY than against it. Most of all: signals of this strategy made +0.20 R"
            " each here (+0.10 to +0.30 over 100 cases).",
        ),
    ],
)
def test_the_reason_is_what_weighed_most(changes: dict[str, Any], reasoning: str) -> None:
    assert opinion(**changes).reasoning == reasoning


def test_everything_together_for_it_is_no_more_than_certain() -> None:
    everything = opinion(
        higher={"timeframe": "1w", "trend": "bullish"},
        indicators={"volume_ratio": 2.0},
        costs={"reward_to_risk": 2.0},
        record={"here": GOOD},
        cases=[case(1.0)] * 8,
        positions=[{"symbol": "AAPL", "quantity": -10}],
    )
    assert 0.8 < everything.confidence <= 1


@pytest.mark.parametrize(("trend", "action"), [("neutral", "HOLD"), ("unknown", "HOLD"), ("bullish", "BUY")])
def test_without_a_signal_the_trend_is_judged(trend: str, action: str) -> None:
    alone = {"signal": None, "costs": None, "record": None, "trend": trend}
    result = opinion(**alone, higher={"timeframe": "1w", "trend": "bullish"})
    assert result.action == action


# As signals.snapshots makes them: prices to six places, shares to one place, R and percent to two.
def _rounded(low: float, high: float, places: int) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda value: round(value, places))


PRICES = st.one_of(_rounded(0.0001, 5, 6), _rounded(5, 5_000, 2), _rounded(5_000, 900_000, 2))
PERCENT = _rounded(-90, 900, 2)
TREND = st.sampled_from(["bullish", "bearish", "neutral", "unknown"])
SIDES = st.sampled_from(["BUY", "SELL"])
RECORDS = st.fixed_dictionaries(
    {"cases": st.integers(1, 9_000), "mean_r": _rounded(-3, 3, 2)},
    optional={},
).flatmap(
    lambda record: st.fixed_dictionaries(
        {
            "mean_r_low": st.none() if record["cases"] < 30 else _rounded(-3, 3, 2),
            "mean_r_high": _rounded(-3, 3, 2),
        }
    ).map(lambda more: record | more)
)
CASES = st.fixed_dictionaries(
    {
        "side": SIDES,
        "alike": st.lists(st.sampled_from(["strategy", "symbol", "side", "regime"]), unique=True),
    },
    optional={"r": _rounded(-3, 8, 4)},
)
SNAPSHOTS = st.fixed_dictionaries(
    {
        "timeframe": st.sampled_from(["15m", "1h", "1d"]),
        "trend": TREND,
        "quote": st.none()
        | st.fixed_dictionaries(
            {"price": PRICES, "age_seconds": _rounded(0, 9_000_000, 1), "is_stale": st.booleans()}
        ),
        "signal": st.none()
        | st.fixed_dictionaries(
            {
                "side": SIDES,
                "entry": PRICES,
                "stop": PRICES,
                "target": PRICES,
                "opposed_by": st.lists(
                    st.fixed_dictionaries(
                        {
                            "strategy": st.sampled_from(
                                ["rsi_momentum_v1", "macd_crossover_v1", "breakout_v12"]
                            ),
                            "timeframe": st.sampled_from(["1m", "5m", "15m", "1h", "1d", "1w"]),
                        }
                    ),
                    max_size=5,
                ),
            }
        ),
        "indicators": st.fixed_dictionaries(
            {}, optional={"atr": PRICES, "volume_ratio": st.floats(0, 9_000).map(lambda v: float(f"{v:.6g}"))}
        ),
        "higher": st.none()
        | st.fixed_dictionaries({"timeframe": st.sampled_from(["1h", "1d", "1w"]), "trend": TREND}),
        "volatility": st.none()
        | st.fixed_dictionaries(
            {
                "atr_percent": st.floats(1e-4, 90).map(lambda v: float(f"{v:.6g}")),
                "rank_percent": _rounded(0, 100, 1),
                "bars": st.integers(1, 250),
                "regime": st.sampled_from(["calm", "normal", "wild", "unknown"]),
            }
        ),
        "year": st.none()
        | st.fixed_dictionaries(
            {"high": PRICES, "low": PRICES, "below_high_percent": PERCENT, "above_low_percent": PERCENT}
        ),
        "costs": st.none() | st.fixed_dictionaries({"reward_to_risk": _rounded(-1, 20, 3)}),
        "record": st.none()
        | st.fixed_dictionaries({"here": st.none() | RECORDS, "all": st.none() | RECORDS}),
        "positions": st.lists(
            st.fixed_dictionaries(
                {"symbol": st.sampled_from(["AAPL", "MSFT"]), "quantity": st.integers(-90_000, 9_000_000)}
            ),
            max_size=1,
        ),
        "cases": st.lists(CASES, max_size=8),
        "refusals": st.lists(CASES, max_size=4),
    }
).map(lambda parts: {"instrument": {"symbol": "AAPL"}} | parts)


@given(SNAPSHOTS)
def test_no_number_of_its_text_is_from_anywhere_but_the_snapshot(snapshot: Snapshot) -> None:
    result = Rules().analyse(snapshot, 1)
    texts = JOINT.join([result.reasoning, *(factor.text for factor in result.factors)])
    assert grounding.check(texts, snapshot).inventions == ()
