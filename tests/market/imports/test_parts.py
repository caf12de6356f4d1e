"""The symbols of a file: each one's rows on their own lines, with what only the whole file shows."""

import pytest

from market.imports.csvfile import parts
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.table import Shape, read_table

TEXT = """Prices of two
Date;Open;High;Low;Close;Volume;Share
01/02/2024;10,5;12;9;11;1;BBB
13/02/2024;10,5;12;9;11;1;BBB

01/02/2024;10;12;9;11;0,5;AAA
02/02/2024;;;;;;AAA
"""
BY_NAME = Shape(symbol_column="Share")


def part(symbol: str) -> parts.Part:
    return {each.symbol: each for each in parts.parts(TEXT.encode(), BY_NAME)}[symbol]


def test_each_row_keeps_the_number_of_its_line() -> None:
    assert part("AAA").content.decode().split("\n") == [
        *["Prices of two", "Date;Open;High;Low;Close;Volume;Share", "", "", ""],
        *["01/02/2024;10;12;9;11;0,5;AAA", "02/02/2024;;;;;;AAA", ""],
    ]
    assert read_table(part("AAA").content, part("AAA").shape).lines == [6]


def test_what_the_whole_file_shows_is_said_of_each_part() -> None:
    shape = part("AAA").shape
    assert (shape.date_order, shape.decimal, shape.delimiter) == ("day", ",", ";")


def test_a_file_without_a_column_of_symbols_is_one_part() -> None:
    (only,) = parts.parts(TEXT.encode(), Shape())
    assert (only.symbol, only.content) == ("", TEXT.encode())


def test_a_row_without_a_symbol_is_refused() -> None:
    with pytest.raises(BadFile, match="line 6: no symbol in the column of symbols"):
        list(parts.parts(TEXT.replace("0,5;AAA", "0,5;").encode(), BY_NAME))


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadFile, match="no column is named Shares"):
        list(parts.parts(TEXT.encode(), Shape(symbol_column="Shares")))


def test_a_row_of_another_width_is_left_out_and_told() -> None:
    *parted, odd = parts.parts((TEXT + "03/02/2024;10\n").encode(), BY_NAME)
    assert [each.symbol for each in parted] == ["AAA", "BBB"]
    assert str(odd.left_out) == "line 8: 2 cells where the header has 7  |  03/02/2024;10"


@pytest.mark.parametrize(
    ("end", "reason"), [("a;b\n" * 2, "line 9: 2 cells"), ("03/02/2024;10", "line 8: 2 cells")]
)
def test_too_many_such_rows_or_a_cut_off_end_refuse_the_file(end: str, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        list(parts.parts((TEXT + end).encode(), BY_NAME))


def test_one_such_row_in_a_hundred_of_one_symbol_is_left_out() -> None:
    days = [f"2024-{month:02d}-{day:02d},10,12,9,11,1\n" for month in range(1, 6) for day in range(1, 29)]
    text = "Date,Open,High,Low,Close,Volume\n" + "".join(days)
    table = read_table((text + "2024-06-03,1\n").encode(), Shape())
    assert (len(table.lines), list(table.left_out.reasons)) == (140, [142])
    with pytest.raises(BadFile, match="2 cells where the header has 6"):
        read_table((text + "2024-06-03,1\n" * 2).encode(), Shape())


def symbols(*columns: str, header: str) -> list[str]:
    """Return the symbols of a file with a row for each pair of cells."""
    rows = "".join(f"2024-01-0{i + 1},10,12,9,11,1,{cells}\n" for i, cells in enumerate(columns))
    text = f"date,open,high,low,close,volume,{header}\n{rows}"
    return [part.symbol for part in parts.parts(text.encode(), Shape())]


def test_only_a_column_whose_cells_look_like_symbols_parts_a_file() -> None:
    assert symbols("aapl", "BRK-B", "^GSPC", header="Name") == ["BRK-B", "^GSPC", "aapl"]
    assert symbols("AAPL,Apple Inc.", "KO,Coca-Cola", header="Ticker,Name") == ["AAPL", "KO"]
    assert symbols("Apple,AAPL.O", "Coca-Cola,KO.N", header="Instrument,RIC") == ["AAPL.O", "KO.N"]
    assert symbols("Equity,AAPL", "Equity,KO", header="Instrument,Name") == ["AAPL", "KO"]
    assert symbols("Apple Inc.", "Apple Inc.", header="Name") == [""]
    assert symbols("Apple Inc.", "Coca-Cola Co", header="Name") == ["Apple Inc.", "Coca-Cola Co"]
