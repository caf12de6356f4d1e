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
