"""Inventions are caught, and correct numbers in any common format are never struck out."""

import math
from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opinions.grounding import Grounding, check, parts
from opinions.grounding.derived import derived
from tests.opinions.given_snapshot import SNAPSHOT, snapshot, without_signal
from tests.opinions.sentences import SENTENCES


def inventions(text: str, given: dict[str, Any] = SNAPSHOT) -> list[str]:
    return [claim.text for claim in check(text, given).inventions]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentences_of_language_models(text: str, expected: list[str]) -> None:
    assert inventions(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RSI of 71.2", ["71.2"]),
        ("RSI(14) of 71", ["14", "71"]),
        ("stop at 180.50", ["180.50"]),
        ("bid 185.49", ["185.49"]),
        ("52-week high of 185.50", ["185.50"]),
        ("confidence 0.9", ["0.9"]),
        ("The current price of 185.50, ATR 2.5, volume ratio 1.4", []),
    ],
)
def test_a_number_given_to_a_name_that_is_not_there_is_an_invention(text: str, expected: list[str]) -> None:
    bare = without_signal() | {"cases": [], "recalled": [], "context": ""}
    assert inventions(text, bare) == expected


def test_a_claim_tells_where_it_stands_and_what_it_means() -> None:
    text = "🚀 Volume 1.28M\nat \u22120.4 %, not RSI 47.3 on Nov 27."
    claims = check(text, SNAPSHOT).claims
    assert [(c.text, c.value, c.is_grounded) for c in claims] == [
        ("1.28M", 1_280_000, True),
        ("\u22120.4 %", -0.4, True),
        ("47.3", 47.3, False),
        ("Nov 27", "11-27", True),
    ]
    assert all(text[c.start : c.end] == c.text for c in claims)
    assert not check(text, SNAPSHOT).is_grounded


def spans(grounding: Grounding) -> list[tuple[int, int]]:
    return [(claim.start, claim.end) for claim in grounding.inventions]


def test_the_parts_are_the_text_with_its_inventions_marked() -> None:
    text = "RSI of 47.3 and\n2. stop 178.00"
    pieces = list(parts(text, spans(check(text, SNAPSHOT))))
    assert pieces == [("RSI of ", False), ("47.3", True), (" and\n2. stop ", False), ("178.00", True)]
    assert list(parts("", spans(check("", SNAPSHOT)))) == []


def test_what_stands_in_its_own_texts_counts() -> None:
    given = snapshot(context="Analysts say 212.40 by March 3, 2027; RSI 55.5 on the daily.")
    assert inventions("They say $212.40 by 2027-03-03, RSI of 55.5.", given) == []
    assert inventions("They say $212.40 by 2027-03-03, RSI of 55.5.") == ["$212.40", "2027-03-03", "55.5"]


def test_its_own_confidence_can_be_handed_in() -> None:
    assert inventions("My confidence is 0.62.", snapshot(answer={"confidence": 0.62})) == []


# What a name has in the snapshot, and how far a wrong number must be to be wrong in every way of rounding.
NAMES = {
    "RSI": ("indicators", "rsi"),
    "ATR": ("indicators", "atr"),
    "MACD": ("indicators", "macd"),
    "signal line": ("indicators", "macd_signal"),
    "SMA50": ("indicators", "trend_fast"),
    "200-day moving average": ("indicators", "trend_slow"),
    "volume ratio": ("indicators", "volume_ratio"),
    "entry": ("signal", "entry"),
    "stop-loss": ("signal", "stop"),
    "second target": ("signal", "second_target"),
    "reward-to-risk": ("signal", "reward_to_risk"),
    "52-week high": ("year", "high"),
    "52-week low": ("year", "low"),
    "bid": ("quote", "bid"),
    "ask": ("quote", "ask"),
}
JOINED = (" of ", " at ", ": ", " ", " is ", " near ", " = ", " currently at ", " (", " stands at ")
AROUND = (
    "{}",
    "The {}, so wait.",
    "1. Trend\n2. **{}**",
    "Good: {}; the rest is fine.",
    "({})",
    "{}\n\nMore.",
)


def priced(name: str, value: float) -> dict[str, Any]:
    """The snapshot with this value under the name, and nowhere else; no text speaks of it."""
    section, key = NAMES[name]
    given = snapshot(context="", cases=[], recalled=[], costs=None)
    given["signal"] |= {"reasoning": "", "second_reward_to_risk": None, "opposed_by": []}
    given["higher"] = None
    given[section] |= {key: value}
    return given


def rounded(value: float, places: int, way: str) -> str:
    step = 10**places
    cut = math.floor(round(value * step, 6)) / step
    return f"{cut if way == 'cut' else value:.{places}f}"


@given(
    st.sampled_from(sorted(NAMES)),
    st.decimals("0.06", "950", places=4),
    st.integers(0, 4),
    st.sampled_from(["cut", "nearest"]),
    st.sampled_from(JOINED),
    st.sampled_from(AROUND),
)
def test_a_correct_number_with_its_name_is_never_struck_out(
    name: str, number: Any, places: int, way: str, joined: str, around: str
) -> None:
    text = around.format(f"{name}{joined}{rounded(float(number), places, way)}")
    assert inventions(text, priced(name, float(number))) == []


@given(
    st.sampled_from(sorted(NAMES)),
    st.decimals("0.06", "950", places=4),
    st.decimals("0.06", "950", places=2),
    st.sampled_from(JOINED),
    st.sampled_from(AROUND),
)
def test_a_wrong_number_with_a_name_is_always_caught(
    name: str, number: Any, wrong: Any, joined: str, around: str
) -> None:
    assume(abs(number - wrong) > 1)
    text = around.format(f"{name}{joined}{wrong}")
    assert inventions(text, priced(name, float(number))) == [f"{wrong}"]


def plain_numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from plain_numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from plain_numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


VALUES = sorted({abs(value) for value in plain_numbers(SNAPSHOT)})
FORMATS = (
    "{:.0f}",
    "{:.1f}",
    "{:.2f}",
    "{:,.2f}",
    "{:+.2f}",
    "-{:.2f}",
    "~{:.1f}",
    "about {:.2f}",
    "{:.2f},",
)


@given(st.sampled_from(VALUES), st.sampled_from(FORMATS))
def test_any_value_in_any_format_is_found(value: float, written: str) -> None:
    assert inventions(f"It came to {written.format(value)} there.") == []


@given(st.sampled_from([row[5] for row in SNAPSHOT["bars"]["rows"]]), st.integers(1, 3))
def test_volumes_are_found_in_thousands_and_millions(volume: int, places: int) -> None:
    formats = (f"{volume / 1e6:.{places}f}M", f"{volume / 1e6:.{places}f} million", f"{volume / 1e3:.0f}k")
    assert inventions(f"It saw {', '.join(formats)} and {volume:,} shares.") == []


@given(
    st.sampled_from(["entry", "stop", "target", "second_target"]),
    st.sampled_from(["price", "trend_fast", "trend_slow"]),
)
def test_distances_are_found(level: str, other: str) -> None:
    first, second = SNAPSHOT["signal"][level], SNAPSHOT["indicators"][other]
    assume(other == "price" or level == "entry")
    apart = abs(first - second)
    text = f"{apart:.2f} apart, {100 * apart / second:.1f}%, {apart / 2.5:.1f} ATR"
    assert inventions(text) == []


LEVELS = [value for value in VALUES if 100 < value < 200]
APART = {abs(first - second) for first in LEVELS for second in LEVELS}
SHARES = {100 * abs(first - second) / second for first in LEVELS for second in LEVELS}
DERIVED = {value for _, value in derived(SNAPSHOT)}
# More than all that may be derived: whatever is far from these is an invention.
NEAR = np.array(
    sorted({*VALUES, 14, 40, 173.05, 2026, *APART, *SHARES, *DERIVED, *(apart / 2.5 for apart in APART)})
)


@given(
    st.decimals("0.1", "2000", places=2),
    st.sampled_from(["It is {}.", "It rose to {}", "level {} holds", "({})"]),
)
def test_a_number_far_from_everything_is_caught(number: Any, written: str) -> None:
    assume(np.abs(NEAR - float(number)).min() > 0.011)
    assert inventions(written.format(number)) == [str(number)]


ODD = [
    *(
        "NaN",
        "inf",
        "1e400",
        "-1e-400",
        "1.2.3",
        "10.0.0.1",
        "v2.10",
        "1,,2",
        "$",
        "%",
        "185,5",
        "..5",
        "1:2:3:4",
    ),
    *(
        "99:99",
        "2026-99-99",
        "1/0",
        "RSI(",
        "RSI",
        "3.5M/s",
        "1e",
        "e9",
        "--5",
        "+-~5",
        "52-week",
        "52-week high of",
    ),
    *("\u0663", "\u00b2", "\u00bd", "\uff11", "\x00", "\ufdfa"),
]
ODD += ["9" * 400, "0." + "1" * 400, "\ud800", "Feb 99"]


@given(
    st.lists(st.sampled_from(ODD) | st.text(max_size=8), max_size=8), st.sampled_from(["", " ", "\n", "-"])
)
def test_no_text_raises_and_every_offset_is_exact(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    grounding = check(text, SNAPSHOT)
    assert all(text[c.start : c.end] == c.text != "" for c in grounding.claims)
    assert all(a.end <= b.start for a, b in zip(grounding.claims, grounding.claims[1:], strict=False))
    assert "".join(piece for piece, _ in parts(text, spans(grounding))) == text


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"bars": None},
        {"bars": {"columns": [], "rows": [[]]}},
        {"signal": {"entry": None}},
        {"indicators": {"rsi": float("nan"), "atr": 10**400}},
        {"year": []},
        {"cases": [None, {"r": "x"}]},
    ],
)
def test_no_snapshot_raises(given: dict[str, Any]) -> None:
    assert inventions("RSI of 71.2", given) == ["71.2"]


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "1",
            "1,",
            "1,234",
            "a",
            "-",
            "RSI ",
            "RSI 71.2, ",
            "stop and ",
            "(",
            "12/26/",
            " ",
            "\n",
            "a_",
            "1:",
        ),
        *("🚀1 ", "nov ", "2026-", "above ", "at ", "x1", "**1. "),
    ],
)
def test_a_huge_text_takes_a_time_in_proportion(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    before = process_time()
    check(text, SNAPSHOT)
    assert process_time() - before < 5
