"""Files of corporate actions: our own columns, and the lists that vendors give."""

from datetime import date
from decimal import Decimal

import pytest

from market.imports.actions import read
from market.imports.facts import BadFile
from market.providers.actions import Kind


def test_all_columns() -> None:
    (action,) = read(
        b"symbol,kind,ex_date,amount,currency,pay_date,record_date,declared_date\n"
        b"brk-b,cash dividend,2024-08-12,0.25,usd,2024-08-15,2024-08-12,2024-07-31\n"
    )
    assert (action.symbol, action.kind, action.currency) == ("BRK.B", Kind.DIVIDEND, "USD")
    assert (action.amount, action.ex_date, action.pay_date) == (
        Decimal("0.25"),
        date(2024, 8, 12),
        date(2024, 8, 15),
    )


@pytest.mark.parametrize(
    ("text", "kind", "figure"),
    [
        ("Date,Dividends\n2024-08-12,0.25\n", Kind.DIVIDEND, Decimal("0.25")),
        ("Date,Stock Splits\n2020-08-31,4:1\n", Kind.SPLIT, Decimal(4)),
        ("date;ratio\n2021-08-02;1/8\n", Kind.SPLIT, Decimal("0.125")),
        ("\ufeffTicker\tEx-Date\tNew Symbol\nAAPL\t2022-06-09\tMETA\n", Kind.SYMBOL_CHANGE, "META"),
        ("symbol,kind,date\nAAPL,delisting,2022-06-09\n", Kind.DELISTING, Decimal(0)),
        ("symbol,kind,date,amount\nAAPL,merger,2022-06-09,54.20\n", Kind.MERGER, Decimal("54.2")),
    ],
)
def test_the_kind_follows_from_what_is_there(text: str, kind: Kind, figure: object) -> None:
    (action,) = read(text.encode(), "AAPL")
    assert action.kind is kind
    assert figure in (action.amount, action.ratio, action.new_symbol)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name the columns"),
        ("date,amount\n", "nothing in it"),
        ("amount\n0.25\n", "name the columns"),
        ("date,amount\nsoon,0.25\n", "line 2: 'soon' is no date"),
        ("date,amount\n2024-08-12,x\n", "'x' is no amount"),
        ("date,amount\n2024-08-12,0\n", "line 2"),
        ("date,ratio\n2024-08-12,0:1\n", "ratio"),
        ("date,kind\n2024-08-12,party\n", "'party' is no kind"),
        ("date,amount,pay_date\n2024-08-12,1,later\n", "'later' is no date"),
        ("date,amount,symbol\n2024-08-12,1,???\n", "no symbol"),
    ],
)
def test_what_is_wrong_is_quoted(text: str, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        read(text.encode(), "AAPL")
