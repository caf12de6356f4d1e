from datetime import date

import pytest

from market.imports.csvfile.splits import by_symbol, parse


@pytest.mark.parametrize("text", ["2014-06-09:7,2020-08-31:1/10", " 2014-06-09 : 7 , 2020-08-31:1:10 "])
def test_splits_are_read_as_ratios_by_date(text: str) -> None:
    assert parse(text) == {date(2014, 6, 9): 7.0, date(2020, 8, 31): 0.1}


@pytest.mark.parametrize("text", ["none", " None "])
def test_none_says_that_the_prices_reflect_them_all(text: str) -> None:
    assert parse(text) == {}


@pytest.mark.parametrize("ratio", ["", "x", "-7", "0", "1/0", "1e999999999", "nan", "7/"])
def test_what_is_no_ratio_is_refused(ratio: str) -> None:
    with pytest.raises(ValueError, match="split"):
        parse(f"2014-06-09:{ratio}")


def test_splits_may_name_their_symbol() -> None:
    assert by_symbol("aapl:2020-08-31:4,KO:2012-08-13:2/1,AAPL:2014-06-09:7,none") == {
        "AAPL": {date(2020, 8, 31): 4, date(2014, 6, 9): 7},
        "KO": {date(2012, 8, 13): 2},
        "": {},
    }
    with pytest.raises(ValueError, match="'2020/08/31:4' is no split"):
        by_symbol("2020/08/31:4")
