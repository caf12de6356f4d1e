"""Small snapshots, each with what may and what may not be said about it."""

from typing import Any

import pytest

from opinions.grounding import check, contradictions, parts
from opinions.grounding.derived import derived, results_of
from opinions.grounding.kinds import Kind

RSI = {"indicators": {"rsi": 70.0}}
CLOSES = {"bars": {"columns": ["close"], "rows": [[184.0], [185.5]]}}
ATR = {"indicators": {"atr": 2.5}}


@pytest.mark.parametrize(
    ("snapshot", "text", "expected"),
    [
        (RSI, "RSI is above 70.", ["70"]),
        (RSI, "RSI is below 70.", ["70"]),
        (RSI, "RSI is above 50.", []),
        (RSI, "RSI is above 80.", ["80"]),
        (RSI, "RSI is below 80.", []),
        (RSI, "RSI is below 50.", ["50"]),
        (RSI, "RSI is above 45.", ["45"]),
        ({"context": "RSI 55.5"}, "RSI is above 50.", []),
        ({"indicators": {"rsi": 61.0, "rs_rating": 88}}, "RSI of 88", ["88"]),
        ({"indicators": {"rsi": 61.0, "rsi_fast": 88}}, "RSI of 88", []),
        ({"indicators": {"rsi": 61.0}, "strategy": {"parameters": {"rsi_period": 9}}}, "RSI(9) of 61", []),
        (
            {"indicators": {"rsi": 61.0}, "strategy": {"parameters": {"rsi_period": 9}}},
            "RSI(14.5) of 61",
            ["14.5"],
        ),
        (CLOSES, "It was at 184.0 before.", []),
        (ATR, "A stop of 2.5 ATR.", []),
        (ATR, "A stop of 5.0 ATR.", ["5.0 ATR"]),
        ({"at": "2026-11-27T17:05:00Z"}, "at 17:05 UTC, 13:05 or 12:05 in New York", []),
        ({"at": "2026-11-27T17:05:00Z"}, "at 21:05, 22:05 or 18:05", ["21:05", "22:05", "18:05"]),
        ({"at": "2026-11-27T17:05:00Z"}, "on Nov 27, in November 2026, 2026", []),
        ({"at": "2026-11-27"}, "on Nov 28, in October 2026, 2025", ["Nov 28", "October 2026", "2025"]),
        ({"context": "Earnings at 14:30 UTC."}, "at 14:30 they report", []),
        ({"context": "The SMA50 rises."}, "the SMA50 rises", []),
        ({"context": "The SMA50 rises."}, "the SMA60 rises", ["60"]),
        ({"context": "confidence 90/100"}, "confidence of 0.9", []),
        ({"context": "confidence 90/100"}, "confidence of 9.0", ["9.0"]),
        ({"context": "confidence 8 out of 10"}, "confidence of 80%", []),
        ({"signal": {"confidence": 0.9}}, "confidence 90", []),
        ({"signal": {"confidence": 0.9}}, "confidence 9", ["9"]),
        ({"volume": 1_279_566}, "1,280,000 shares", []),
        ({"volume": 1_279_566}, "1,300,000 shares", []),
        ({"volume": 1_279_566}, "1,200,000 or 1,270,000 shares", ["1,200,000", "1,270,000"]),
        ({"price": 0.0021}, "at 0.0021 or 0.002", []),
        ({"price": 185.678}, "at 185.68, 185.67, 185.7, 185.6, 186 or 185", []),
        ({"price": 185.678}, "at 185.66, 185.69 or 187", ["185.66", "185.69", "187"]),
        ({"volume": 1_245_000}, "1,200,000 shares", []),
        ({"indicators": {"rsi": 61.0}}, "RSI14 of 61", []),
        ({"indicators": {"rsi": 61.0}}, "RSI9 of 61", ["9"]),
        ({"indicators": {"sma_50": 182.0}}, "SMA(50) at 182.0", []),
        ({"indicators": {"sma_50": 182.0}}, "SMA(60) at 182.0", ["60", "182.0"]),
        ({"quote": {"price": 185.5}}, "An entry above 185.5.", []),
        ({"quote": {"price": 185.5}}, "An entry above 186.5.", ["186.5"]),
        ({"indicators": {"atr": 2.5}, "change_percent": 5}, "ATR of 5%", []),
        (RSI, "Oversold below 30.", []),
        ({"count": 3}, "made_up of 3", []),
        ({"a": {"step_two": 3}}, "step_two of 3", []),
        ({"a": {"step_two": 3}}, "step_two of 4", ["4"]),
    ],
)
def test_what_a_snapshot_holds_may_be_said_and_nothing_else(
    snapshot: dict[str, Any], text: str, expected: list[str]
) -> None:
    assert [claim.text for claim in check(text, snapshot).inventions] == expected


def test_a_text_that_begins_or_goes_on_with_an_invention_has_no_empty_part() -> None:
    assert list(parts("47.3 48.1", [(0, 4), (4, 9)])) == [("47.3", True), (" 48.1", True)]


def values(snapshot: dict[str, Any], kind: Kind) -> list[float]:
    """Return what may be computed, without the one time and the counts of nothing."""
    values = {round(value, 6) for of_kind, value in derived(snapshot) if of_kind is kind}
    return sorted(values - {0.0} - ({1.0} if kind is Kind.MULTIPLE else set()))


def test_distances_are_derived_between_price_and_levels_in_money_and_in_atr() -> None:
    snapshot = {
        "quote": {"price": 100.0},
        "signal": {"stop": 95.0, "target": 110.0},
        "indicators": {"atr": 2.5},
    }
    assert values(snapshot, Kind.PLAIN) == [5.0, 10.0, 15.0]
    assert values(snapshot, Kind.MULTIPLE) == [2.0, 4.0, 6.0]
    assert values(snapshot, Kind.PERCENT) == [5.0, 10.0]


def test_the_last_close_is_a_price_and_what_was_paid_a_level() -> None:
    snapshot = {**CLOSES, "positions": [{"average_price": 180.0}]}
    assert values(snapshot, Kind.PLAIN) == [1.0, 2.0, 5.5]  # a position, two bars, the distance


def test_the_price_is_compared_with_averages_in_per_cent_both_ways() -> None:
    snapshot = {"quote": {"price": 100.0}, "indicators": {"sma_fast": 80.0}}
    assert values(snapshot, Kind.PERCENT) == [20.0, 25.0]
    assert values(snapshot, Kind.PLAIN) == [20.0]


def test_pairs_of_levels_have_a_distance_of_their_own() -> None:
    assert values({"quote": {"bid": 99.0, "ask": 99.5}}, Kind.PLAIN) == [0.5]
    assert values({"year": {"high": 120.0, "low": 90.0}}, Kind.PLAIN) == [30.0]


def test_the_macd_less_its_signal_line_and_the_volume_above_its_mean_are_derived() -> None:
    assert values({"indicators": {"macd": 0.52, "macd_signal": 0.26}}, Kind.PLAIN) == [0.26]
    assert values({"indicators": {"macd": 0.52, "signal": 0.25}}, Kind.PLAIN) == [0.27]
    assert values({"indicators": {"macd": 0.52}}, Kind.PLAIN) == []
    assert values({"indicators": {"volume_ratio": 1.4}}, Kind.PERCENT) == [40.0, 140.0]


def test_the_bars_of_changes_are_derived() -> None:
    assert values({"changes": {"5": 2.1, "20": 6.3, "x": 1}}, Kind.PLAIN) == [5.0, 20.0]


def test_lists_are_counted() -> None:
    snapshot = {"refusals": [1, 2], "recalled": [1, 2, 3], "signal": {"opposed_by": [1, 2, 3, 4]}}
    assert values(snapshot, Kind.PLAIN) == [2.0, 3.0, 4.0]


def test_cases_are_counted_by_how_they_turned_out_with_their_mean() -> None:
    results = list(results_of([2.0, 1.0, -1.0, 0.0]))
    plain, share = (Kind.PLAIN, Kind.PERCENT)
    assert results == [(plain, 2.0), (plain, 1.0), (share, 50.0), (share, 25.0), (Kind.MULTIPLE, 0.5)]
    assert list(results_of([])) == []


def test_the_record_gives_hits_and_stops_in_per_cent_and_the_rest() -> None:
    snapshot = {"record": {"all": {"cases": 40, "targets": 18, "stops": 16}}}
    assert values(snapshot, Kind.PERCENT) == [40.0, 45.0]
    assert values(snapshot, Kind.PLAIN) == [6.0]


def test_holding_fits_to_advice_against_the_trade() -> None:
    assert contradictions("HOLD", 0.8, "I would not take this trade.", "BUY") == []
    assert contradictions("hold", 0.8, "I would not buy.", None) == []
