"""A symbol that nobody knows says what it looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.imports import likeness

KNOWN = ["AAPL", "MSFT", "GOOGL", "TSLA"]
LOOKS = {
    "BRK.B, a class of BRK": ["BRKB", "BRK-B", "brk/b"],
    "BF.B, a class of BF": ["BFB", "BF-B"],
    "BAC.PRK, a preferred share of BAC": ["BACPK", "BAC-PK", "BAC^K"],
    "GME.WS, a warrant of GME": ["GME+"],
    "AACT.U, a unit of AACT": ["AACT="],
    "an option": ["AAPL240719C00190000", "AAPL  240719C00190000", "SPY 240719P540", "AAPL 7/19 190C"],
    "a future": ["ESZ4", "ESZ24", "NQZ2024", "ES=F", "/ES", "ES1!", "6EH25", "CL=F"],
    "a listing in Tokyo": ["7203.T"],
    "a listing in London": ["VOD.L"],
    "a listing in Xetra": ["SAP.DE"],
    "a listing in Hong Kong": ["0700.HK"],
    "an index": ["^GSPC", ".DJI", "$SPX", "SPX", "I:SPX", "VIX"],
    "a pair of currencies": ["EURUSD=X", "EURUSD", "C:EURUSD"],
    "a crypto currency": ["BTC", "BTCUSDT", "X:BTCUSD"],
    "an ISIN": ["US0378331005"],
    "a CUSIP": ["037833100"],
    "a FIGI": ["BBG000B9XRY4"],
    "a mutual fund": ["VFIAX"],
    "a number as exchanges in Asia give": ["7203"],
    "AAPL.": ["APPL", "AAPLE"],
    "MSFT.": ["MSFTT", "MFST"],
    "GOOGL.": ["GOGL"],
}


@pytest.mark.parametrize(
    ("text", "looks"), [(text, looks) for looks, texts in LOOKS.items() for text in texts]
)
def test_it_says_what_it_looks_like(text: str, looks: str) -> None:
    assert likeness.describe(text, KNOWN).startswith(f"It looks like {looks}")


@pytest.mark.parametrize("text", ["", "IBM", "FB", "Apple Inc.", "ZZYZX?"])
def test_what_looks_like_nothing_says_nothing(text: str) -> None:
    assert likeness.describe(text, KNOWN) == ""


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text: str) -> None:
    assert isinstance(likeness.describe(text, KNOWN), str)
