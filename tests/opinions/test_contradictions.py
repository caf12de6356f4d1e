"""An answer that contradicts itself is told so; one that does not is left alone."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinions.grounding import contradictions


def test_a_trade_without_confidence_is_a_contradiction() -> None:
    assert contradictions("BUY", 0.12, "", "BUY") == ["It says BUY with a confidence of 0.12."]
    assert contradictions("SELL", 0.29, "", None) == ["It says SELL with a confidence of 0.29."]
    assert contradictions("BUY", 0.3, "", "BUY") == []


@pytest.mark.parametrize("action", ["HOLD", "PASS"])
def test_one_can_be_sure_to_do_nothing(action: str) -> None:
    assert contradictions(action, 0.95, "Nothing speaks clearly.", "BUY") == []
    assert contradictions(action, 0.05, "Nothing speaks clearly.", "BUY") == []


@pytest.mark.parametrize(
    ("action", "side", "text", "phrase"),
    [
        ("PASS", "BUY", "This is a strong buy.", "strong buy"),
        ("HOLD", None, "All in all a STRONG BUY at 185.50!", "strong buy"),
        ("SELL", "SELL", "I would buy here.", "i would buy"),
        ("BUY", "BUY", "I recommend selling into strength.", "i recommend selling"),
        ("BUY", "BUY", "Do not buy at this level.", "do not buy"),
        ("BUY", "BUY", "Volume is thin. Stay out.", "stay out"),
        ("BUY", "BUY", "I would not take this trade.", "would not take this trade"),
        ("BUY", "BUY", "I wouldn’t take this trade.", "wouldn't take this trade"),  # noqa: RUF001 -- as typeset
        ("BUY", "BUY", "Avoid this setup.", "avoid this setup"),
        ("BUY", "BUY", "Trend is weak; avoid for now", "avoid"),
        ("SELL", "BUY", "I would take this trade.", "i would take this trade"),
        ("PASS", "SELL", "I'd take this trade.", "i'd take this trade"),
        ("SELL", None, "You should not sell.", "should not sell"),
        ("BUY", "BUY", "This trade is best avoided.", "this trade is best avoided"),
        ("BUY", "BUY", "Risk 1.25, so-so.\nVerdict: skip this trade", "verdict: skip this trade"),
    ],
)
def test_an_action_against_the_text_is_a_contradiction(
    action: str, side: str | None, text: str, phrase: str
) -> None:
    assert contradictions(action, 0.8, text, side) == [f"It says {action}, but its text says “{phrase}”."]


@pytest.mark.parametrize(
    ("action", "side", "text"),
    [
        ("BUY", "BUY", "There is no reason to avoid this trade."),
        ("BUY", "BUY", "Nothing here says stay out."),
        ("BUY", "BUY", "I would buy; avoid chasing above 187."),
        ("BUY", "BUY", "Avoid this trade if volume dries up."),
        ("BUY", "BUY", "Some would avoid this trade."),
        ("BUY", "BUY", "A SELL of the RSI strategy opposes, selling pressure is low."),
        ("BUY", "BUY", "I would not avoid it."),
        ("BUY", "BUY", "The last one was rejected: stay out, it said."),
        ("BUY", "BUY", "Place the stop to avoid losses and whipsaws."),
        ("BUY", "SELL", "I would not take this trade."),
        ("BUY", "SELL", "Avoid this signal. I would buy."),
        ("SELL", "SELL", "I would take this trade. It is a strong sell."),
        ("PASS", "BUY", "This is not a strong buy."),
        ("PASS", "BUY", "It isn't a strong buy, so stay out."),
        ("PASS", "BUY", "I would not buy. Avoid this trade."),
        ("HOLD", "BUY", "Is this a strong buy?"),
        ("HOLD", "BUY", "It would be a strong buy if volume confirmed."),
        ("HOLD", "BUY", "Far from a strong buy."),
        ("HOLD", "BUY", "Buyers and sellers are balanced; the strategy says BUY."),
        ("BUY", "BUY", "The stop keeps you out of trouble."),
        ("BUY", "BUY", "Ideally buy now, don't wait, and sell at the target."),
        ("BUY", "BUY", "Do not sell before the target."),
    ],
)
def test_what_fits_is_left_alone(action: str, side: str | None, text: str) -> None:
    assert contradictions(action, 0.8, text, side) == []


def test_the_same_words_are_told_once() -> None:
    assert len(contradictions("PASS", 0.8, "A strong buy. Really, a strong buy.", "BUY")) == 1


@given(
    st.sampled_from(["BUY", "SELL", "HOLD", "PASS", "watch"]),
    st.floats(),
    st.text(),
    st.none() | st.just("BUY"),
)
def test_no_text_raises(action: str, confidence: float, text: str, side: str | None) -> None:
    assert isinstance(contradictions(action, confidence, text, side), list)


@pytest.mark.parametrize("unit", ["a", "1.", "avoid ", "i would ", "-", " ", "no ", "\n"])
def test_a_huge_text_takes_no_long_time(unit: str) -> None:
    before = process_time()
    contradictions("BUY", 0.8, unit * (100_000 // len(unit)), "BUY")
    assert process_time() - before < 5
