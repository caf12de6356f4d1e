"""Lists of symbols as people and programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.imports import watchlist
from market.imports.exchanges import EXCHANGES, Exchange

US = EXCHANGES["NASDAQ"]


def symbols(text: str) -> list[str]:
    return [entry.symbol for entry in watchlist.parse(text).entries]


def left_out(text: str) -> dict[str, str]:
    return dict(watchlist.parse(text).left_out)


@pytest.mark.parametrize(
    "text",
    [
        "AAPL,MSFT,BRK.B",
        "aapl, msft, brk-b",
        "AAPL\nMSFT\nBRK B\n",
        "AAPL;MSFT;BRK/B",
        "AAPL\tMSFT\tBRK_B",
        "\ufeffAAPL\r\n\r\nMSFT\r\n# sold in May\r\nBRK.B",
        '"AAPL","MSFT","BRK.B"',
        "$AAPL, $MSFT, $BRK.B",
        "AAPL,MSFT\nAAPL,BRK.B,",
    ],
)
def test_a_pasted_list(text: str) -> None:
    assert symbols(text) == ["AAPL", "MSFT", "BRK.B"]


def test_an_export_of_tradingview() -> None:
    text = "###TECH,NASDAQ:AAPL,NASDAQ:MSFT,###BANKS,NYSE:BRK.B,NYSE:BAC/PK,TSE:7203,COINBASE:BTC/USD"
    entries = watchlist.parse(text).entries
    assert [(entry.symbol, entry.exchange) for entry in entries] == [
        ("AAPL", US),
        ("MSFT", US),
        ("BRK.B", US),
        ("BAC.PRK", US),
        ("7203", Exchange("XTKS", "JPY")),
        ("BTC/USD", Exchange("24/7", "USD")),
    ]


def test_an_export_of_trader_workstation() -> None:
    text = (
        "COLUMN,0\nHED,Favourites\nDES,AAPL,STK,SMART/NASDAQ,,,,,\nDES,BRK B,STK,SMART/NYSE,,,,,\n"
        "DES,ES,FUT,CME,202703,,,,\nSYM,VOD,SMART/LSE\n"
    )
    parsed = watchlist.parse(text)
    assert [entry.symbol for entry in parsed.entries] == ["AAPL", "BRK.B", "VOD"]
    assert parsed.entries[2].exchange == Exchange("XLON", "GBP")
    assert parsed.left_out == [("ES", "IB calls it FUT: only shares and funds can be watched.")]


def test_an_export_of_yahoo() -> None:
    text = (
        "Symbol,Current Price,Date,Time,Change,Open,High,Low,Volume,Trade Date,Purchase Price,Quantity\n"
        "AAPL,229.87,2024/11/22,16:00 EST,1.35,228.06,230.71,228.06,38168300,,,\n"
        "BRK-B,476.57,2024/11/22,16:00 EST,7.17,469.5,477.3,469.5,3231100,,,\n"
        "BAC-PK,25.1,2024/11/22,16:00 EST,0.1,25,25.2,25,3100,,,\n"
    )
    assert symbols(text) == ["AAPL", "BRK.B", "BAC.PRK"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_with_names_and_exchanges(delimiter: str) -> None:
    rows = [["Name", "Ticker", "Exchange"], ["Apple  Inc.", "AAPL", "NASDAQ"], ["Toyota", "7203", "TSE"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    apple, toyota = watchlist.parse(text).entries
    assert (apple.symbol, apple.name, apple.exchange) == ("AAPL", "Apple Inc.", US)
    assert (toyota.symbol, toyota.exchange) == ("7203", Exchange("XTKS", "JPY"))


def test_words_are_several_shares_unless_they_are_clearly_one() -> None:
    assert symbols("AAPL MSFT NVDA") == ["AAPL", "MSFT", "NVDA"]
    assert symbols("BRK B") == ["BRK.B"]
    assert symbols("BAC PRK") == ["BAC.PRK"]
    assert "each on a line of its own" in left_out("F T")["F T"]
    assert "each on a line of its own" in left_out("AAPL F MSFT")["AAPL F MSFT"]


def test_what_cannot_be_added_is_left_out_with_its_reason() -> None:
    reasons = left_out("AAPL,Apple Inc.,EURONEXT:AIR,NYSE:VOD,LSE:VOD,<b>x</b>")
    assert "no symbol" in reasons["Apple Inc."]
    assert "EURONEXT is not known here" in reasons["EURONEXT:AIR"]
    assert "on another exchange" in reasons["LSE:VOD"]
    assert "is no symbol" in reasons["<b>x</b>"]


def test_a_slip_is_remarked_on() -> None:
    assert [entry.meant for entry in watchlist.parse("BRKB,AAPL").entries] == [["BRK.B"], []]


def test_what_is_written_is_read_again() -> None:
    parsed = watchlist.parse(
        'Name,Symbol,Exchange\n"Alphabet, Inc.",GOOGL,NASDAQ\nToyota,7203,TSE\nBitcoin,BTC-USD,\n'
    )
    assert watchlist.parse(watchlist.written(parsed.entries)) == parsed
    assert len(parsed.entries) == 3


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 2,000"):
        watchlist.parse("AAPL\n" * 2_001)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    parsed = watchlist.parse(text)
    assert len({entry.symbol for entry in parsed.entries}) == len(parsed.entries)
