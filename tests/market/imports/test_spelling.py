"""One share, many spellings: each comes out as ours, and what is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.imports.spelling import SYMBOL, NoSymbol, looks_like, ours

SPELLINGS = {
    "AAPL": ["AAPL", "aapl", " AAPL ", "$AAPL", '"AAPL"', "'aapl'"],
    "BRK.B": ["BRK.B", "BRK-B", "BRK B", "BRK/B", "BRK_B", "brk  b"],
    "BF.B": ["BF.B", "bf-b", "BF B"],
    "BAC.PRK": [
        *["BAC.PRK", "BACpK", "BAC-PK", "BAC PRK", "BAC/PK", "BAC.PR.K", "BAC PR K", "BAC-PRK", "BAC-P-K"],
        *["BAC^K", "bac prk"],
    ],
    "F.PRB": ["FpB", "F-PB", "F PRB"],
    "BAC.PR": ["BAC.PR", "BAC PR", "BACp"],
    "AACT.WS": ["AACT.WS", "AACT-WT", "AACT WS", "AACT+"],
    "GME.WS.A": ["GME.WS.A", "GME WS A"],
    "AACT.U": ["AACT.U", "AACT-UN", "AACT=", "AACT U"],
    "XYZ.RT": ["XYZ.RT", "XYZ-RI", "XYZ RT"],
    "BTC/USD": ["BTC/USD", "BTC-USD", "btc-usd", "BTC_USD"],
    "7203": ["7203"],
    "T": ["T", "t"],
}


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [(spelling, symbol) for symbol, spellings in SPELLINGS.items() for spelling in spellings],
)
def test_every_spelling_is_one_share(spelling: str, symbol: str) -> None:
    assert ours(spelling) == symbol


@pytest.mark.parametrize(
    "text", ["", " ", "Apple Inc.", "12 %", "=A1", "A" * 17, "AAPL;MSFT", "<b>", "\uff21\uff21", "\x00", "."]
)
def test_what_is_no_symbol_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(NoSymbol, match=r"is no symbol: one looks like AAPL|longer than the 16"):
        ours(text)


@given(st.text(max_size=30))
def test_any_text_is_a_symbol_that_can_be_stored_or_is_refused(text: str) -> None:
    try:
        symbol = ours(text)
    except NoSymbol:
        return
    assert SYMBOL.fullmatch(symbol)
    assert ours(symbol) == symbol


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [
        ("BRKB", ["BRK.B"]),
        ("BACPK", ["BAC.PRK"]),
        ("BRK-B", ["BRK.B"]),
        ("AAPL", []),
        ("TSLA", []),
        ("SNAP", []),
        ("GOOGL", []),
    ],
)
def test_what_cannot_be_found_says_what_it_looks_like(symbol: str, meant: list[str]) -> None:
    assert looks_like(symbol) == meant
