"""What the name of a file, or a cell of a vendor, says of symbol and timeframe, where that is clear."""

import pytest

from market.imports import naming
from market.imports.spelling import NoSymbol


@pytest.mark.parametrize(
    ("file_name", "symbol", "timeframe"),
    [
        ("AAPL_1d.csv", "AAPL", "1d"),
        ("BRK.B_1m.csv.gz", "BRK.B", "1m"),
        ("data/daily/aapl.us.txt", "AAPL", None),
        ("aapl_us_d.csv", "AAPL", "1d"),
        ("AAPL_full_1min_adjsplitdiv.txt", "AAPL", "1m"),
        ("NASDAQ_AAPL, 1D.csv", "AAPL", "1d"),
        ("AAPL Historical Data.csv", "AAPL", None),
        ("intraday_5min_IBM.csv", "IBM", "5m"),
        ("DAT_ASCII_EURUSD_M1_2024.csv", "EURUSD", "1m"),
        ("HistoricalData_1700000000000.csv", "", None),
        ("all_stocks_5yr.csv", "", None),
        ("", "", None),
        ("-.csv", "", None),
    ],
)
def test_a_name_says_symbol_and_timeframe(file_name: str, symbol: str, timeframe: str | None) -> None:
    assert naming.in_name(file_name) == (symbol, timeframe)


@pytest.mark.parametrize("cell", ["AAPL.US", "NASDAQ:AAPL", "AAPL US Equity", " aapl ", "AAPL UW Equity"])
def test_vendors_write_one_symbol_in_many_ways(cell: str) -> None:
    assert naming.symbol_in(cell) == "AAPL"


@pytest.mark.parametrize("cell", ["", "=1+1", "ES=F", "../../etc/passwd", "\x00", ":", "A" * 40])
def test_what_is_no_symbol_is_refused(cell: str) -> None:
    with pytest.raises(NoSymbol):
        naming.symbol_in(cell)
