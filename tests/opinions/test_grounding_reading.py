"""What each way of writing a number, a date or a time is read as."""

import pytest

from opinions.grounding.kinds import Kind, as_number, kind_of
from opinions.grounding.reading import Number, Unit, canonical, numbers


def read(text: str) -> list[Number]:
    return list(numbers(canonical(text)))


@pytest.mark.parametrize(
    ("text", "value", "places", "unit", "scale"),
    [
        ("185", 185.0, 0, Unit.NONE, 1.0),
        ("185.50", 185.5, 2, Unit.NONE, 1.0),
        (".5", 0.5, 1, Unit.NONE, 1.0),
        ("1,234,567.8", 1_234_567.8, 1, Unit.NONE, 1.0),
        ("1\u2009234", 1_234.0, 0, Unit.NONE, 1.0),
        ("1.25e3", 1_250.0, 0, Unit.NONE, 1.0),
        ("1.5e-2", 0.015, 3, Unit.NONE, 1.0),
        ("-3.5", -3.5, 1, Unit.NONE, 1.0),
        ("\u22123.5", -3.5, 1, Unit.NONE, 1.0),
        ("+3.5", 3.5, 1, Unit.NONE, 1.0),
        ("~3.5", 3.5, 1, Unit.NONE, 1.0),
        ("$185.50", 185.5, 2, Unit.MONEY, 1.0),
        ("-$5", -5.0, 0, Unit.MONEY, 1.0),
        ("$-5", -5.0, 0, Unit.MONEY, 1.0),
        ("US$ 5", 5.0, 0, Unit.MONEY, 1.0),
        ("€5", 5.0, 0, Unit.MONEY, 1.0),
        ("USD 5", 5.0, 0, Unit.MONEY, 1.0),
        ("5 USD", 5.0, 0, Unit.MONEY, 1.0),
        ("5 dollars", 5.0, 0, Unit.MONEY, 1.0),
        ("$5%", 5.0, 0, Unit.PERCENT, 1.0),
        ("2.5%", 2.5, 1, Unit.PERCENT, 1.0),
        ("2.5 percent", 2.5, 1, Unit.PERCENT, 1.0),
        ("2.5 per cent", 2.5, 1, Unit.PERCENT, 1.0),
        ("2.5 percentage points", 2.5, 1, Unit.PERCENT, 1.0),
        ("62nd percentile", 62.0, 0, Unit.PERCENT, 1.0),
        ("25 bps", 25.0, 0, Unit.BASIS_POINTS, 1.0),
        ("25 basis points", 25.0, 0, Unit.BASIS_POINTS, 1.0),
        ("3k", 3.0, 0, Unit.LARGE, 1e3),
        ("3 thousand", 3.0, 0, Unit.LARGE, 1e3),
        ("1.28M", 1.28, 2, Unit.LARGE, 1e6),
        ("1.28 million", 1.28, 2, Unit.LARGE, 1e6),
        ("$94.9 billion", 94.9, 1, Unit.LARGE, 1e9),
        ("2bn", 2.0, 0, Unit.LARGE, 1e9),
        ("1.5 trillion", 1.5, 1, Unit.LARGE, 1e12),
        ("1.9R", 1.9, 1, Unit.RISKS, 1.0),
        ("2 risk units", 2.0, 0, Unit.RISKS, 1.0),
        ("2 ATR", 2.0, 0, Unit.ATRS, 1.0),
        ("2 times the ATR", 2.0, 0, Unit.ATRS, 1.0),
        ("1.4x", 1.4, 1, Unit.TIMES, 1.0),
        ("1.4\u00d7", 1.4, 1, Unit.TIMES, 1.0),
        ("2-fold", 2.0, 0, Unit.TIMES, 1.0),
        ("90/100", 90.0, 0, Unit.OF_HUNDRED, 1.0),
        ("90 out of 100", 90.0, 0, Unit.OF_HUNDRED, 1.0),
        ("9/10", 9.0, 0, Unit.OF_TEN, 1.0),
        ("9 out of 10", 9.0, 0, Unit.OF_TEN, 1.0),
        ("1:1.25", 1.25, 2, Unit.RATIO, 1.0),
        ("1.25:1", 1.25, 2, Unit.RATIO, 1.0),
        ("SMA50", 50.0, 0, Unit.PERIOD, 1.0),
    ],
)
def test_a_number_is_read_with_its_decimals_unit_and_scale(
    text: str, value: float, places: int, unit: Unit, scale: float
) -> None:
    (number,) = read(f"it {text} there")
    assert (number.value, number.places, number.unit, number.scale) == (value, places, unit, scale)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("2026-11-28", ["2026-11-28"]),
        ("2026-11-28T05:30Z", ["2026-11-28", "05:30Z"]),
        ("2026-11-28 at 05:30", ["2026-11-28", "05:30"]),
        ("11/8/2026", ["2026-11-08"]),
        ("28 November 2026", ["2026-11-28"]),
        ("November 8th, 2026", ["2026-11-08"]),
        ("14th of Oct", ["10-14"]),
        ("January 3", ["01-03"]),
        ("Dec 31", ["12-31"]),
        ("November 2026", ["2026-11"]),
        ("14:30", ["14:30"]),
        ("14:30 UTC", ["14:30Z"]),
        ("14:30 GMT", ["14:30Z"]),
        ("14:30z", ["14:30Z"]),
        ("9:05", ["09:05"]),
        ("09:30:15", ["09:30"]),
        ("4:30 a.m. ET", ["04:30"]),
        ("4:30 pm", ["16:30"]),
        ("4 pm", ["16:00"]),
        ("12 pm", ["12:00"]),
        ("12:05 am", ["00:05"]),
    ],
)
def test_a_date_and_a_time_are_read_as_such(text: str, keys: list[str]) -> None:
    in_text = read(f"it was {text}, they said")
    assert [number.key for number in in_text] == keys
    assert {number.unit for number in in_text} <= {Unit.DATE, Unit.TIME}


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("a gain of -$5.00 a share", ["-$5.00"]),
        ("about ~3.5 % up", ["~3.5 %"]),
        ("at US$ 5 each", ["US$ 5"]),
        ("at $-5 each", ["$-5"]),
        ("on 2026-11-28 05:30 UTC it", ["2026-11-28", "05:30 UTC"]),
        ("the SMA50 holds", ["50"]),
        ("from 180-185 it", ["180", "185"]),
    ],
)
def test_a_number_stands_where_it_is_written_with_sign_currency_and_unit(
    text: str, marked: list[str]
) -> None:
    assert [text[number.start : number.end] for number in read(text)] == marked


@pytest.mark.parametrize(
    "text",
    ["1. buy", "step 2 of it", "#3", "S&P 500", "52-week", "50/50", "10-K", "1.2.3", "3rd", "v2", "RTX5090"],
)
def test_what_only_counts_or_names_is_no_number(text: str) -> None:
    assert read(f"{text} then") == []


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        (".quote.price", {Kind.PLAIN}),
        (".year.below_high_percent", {Kind.PERCENT}),
        (".changes.5", {Kind.PERCENT}),
        (".signal.confidence", {Kind.SHARE}),
        (".signal.parameters.min_confidence", {Kind.SHARE, Kind.MULTIPLE}),
        (".signal.parameters.stop_atr", {Kind.PLAIN, Kind.MULTIPLE}),
        (".cases.r", {Kind.MULTIPLE}),
        (".record.here.mean_r_low", {Kind.MULTIPLE}),
        (".signal.second_reward_to_risk", {Kind.MULTIPLE}),
        (".indicators.volume_ratio", {Kind.MULTIPLE}),
        (".costs.bps_each_way", {Kind.POINTS}),
        (".indicators.rsi", {Kind.PLAIN, Kind.PERCENT}),
        (".indicators.stoch_k", {Kind.PLAIN, Kind.PERCENT}),
    ],
)
def test_the_key_of_a_value_says_what_kind_of_number_it_is(path: str, kinds: set[Kind]) -> None:
    assert set(kind_of(path)) == kinds


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400, [1]])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert as_number(value) is None
