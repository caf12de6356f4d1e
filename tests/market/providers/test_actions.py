"""Corporate actions, asked of vendors on loopback; rows in the shapes of the vendors' own examples."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.http import Patience
from market.providers.actions import Action, GivesActions, Kind
from market.providers.alpaca import Alpaca
from market.providers.base import ProviderError, Unpaced
from market.providers.ib_bridge import IBBridge
from market.providers.polygon import Polygon
from market.providers.simulator import Simulator
from tests import vendors
from tests.vendors.polygon import NOT_ENTITLED

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
SINCE, UNTIL = date(2020, 1, 1), date(2024, 12, 31)
HASTY = Patience(connect=1, read=5, answer=8, fetch=12, attempts=2, pause=0.02)
PROCESSED = {"process_date": "2023-08-22"}
ALPACA_ROWS: dict[str, list[dict[str, Any]]] = {
    "cash_dividends": [
        {
            "id": "d1",
            "symbol": "AAPL",
            "rate": 0.086928,
            "special": False,
            "foreign": False,
            "ex_date": "2023-08-11",
            "record_date": "2023-08-14",
            "payable_date": "2023-08-17",
            **PROCESSED,
        }
    ],
    "forward_splits": [
        {"symbol": "NVDA", "new_rate": 10, "old_rate": 1, "ex_date": "2024-06-10", **PROCESSED}
    ],
    "reverse_splits": [{"symbol": "GE", "new_rate": 1, "old_rate": 8, "ex_date": "2021-08-02", **PROCESSED}],
    "name_changes": [{"old_symbol": "FB", "new_symbol": "META", "process_date": "2022-06-09"}],
    "cash_mergers": [{"acquiree_symbol": "TWTR", "rate": 54.2, "effective_date": "2022-10-28", **PROCESSED}],
    "stock_and_cash_mergers": [
        {
            "acquiree_symbol": "MLVF",
            "acquiree_rate": 1,
            "acquirer_symbol": "FRBA",
            "acquirer_rate": 0.7733,
            "cash_rate": 7.8,
            "effective_date": "2023-07-18",
            **PROCESSED,
        }
    ],
    "worthless_removals": [{"symbol": "ATNXQ", "process_date": "2023-10-11"}],
}
EX_DATE = {"ex_date": "2023-08-22", **PROCESSED}
EFFECTIVE = {"effective_date": "2023-08-22", **PROCESSED}
SYMBOLS = ["AAPL", "NVDA", "GE", "FB", "TWTR", "MLVF", "ATNXQ", "MSFT"]
DIVIDEND = {
    "id": "Ed2c9",
    "ticker": "AAPL",
    "cash_amount": 0.26,
    "currency": "USD",
    "declaration_date": "2024-07-31",
    "distribution_type": "recurring",
    "ex_dividend_date": "2024-08-12",
    "frequency": 4,
    "historical_adjustment_factor": 0.997899,
    "pay_date": "2024-08-15",
    "record_date": "2024-08-12",
    "split_adjusted_cash_amount": 0.26,
}
SPLIT = {
    "id": "P36416",
    "ticker": "GE",
    "execution_date": "2021-08-02",
    "split_from": 8,
    "split_to": 1,
    "adjustment_type": "reverse_split",
}


def alpaca(vendor: vendors.Alpaca) -> Alpaca:
    return Alpaca(
        vendor.url,
        key=vendor.key,
        secret=vendor.secret,
        per_minute=200,
        pace=Unpaced(),
        patience=HASTY,
    )


def polygon(vendor: vendors.Polygon) -> Polygon:
    return Polygon(vendor.url, key=vendor.key, per_minute=5, pace=Unpaced(), patience=HASTY)


@pytest.mark.parametrize("on_page", [1000, 2])
def test_alpaca_lists_them_by_kind_and_in_pages(on_page: int) -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.actions, vendor.actions_on_page = ALPACA_ROWS, on_page
        answer = alpaca(vendor).corporate_actions(SYMBOLS, SINCE, UNTIL, {})
    actions = {action.symbol: action for action in answer.facts}
    assert actions["AAPL"] == Action(
        symbol="AAPL",
        kind=Kind.DIVIDEND,
        ex_date=date(2023, 8, 11),
        amount=Decimal("0.086928"),
        currency="USD",
        pay_date=date(2023, 8, 17),
        record_date=date(2023, 8, 14),
        reference="d1",
    )
    assert {symbol: action.ratio for symbol, action in actions.items() if action.kind is Kind.SPLIT} == {
        "NVDA": 10,
        "GE": Decimal("0.125"),
    }
    assert (actions["FB"].new_symbol, actions["FB"].ex_date) == ("META", date(2022, 6, 9))
    assert (actions["TWTR"].amount, actions["TWTR"].kind) == (Decimal("54.2"), Kind.MERGER)
    merger = actions["MLVF"]
    assert (merger.amount, merger.ratio, merger.new_symbol) == (Decimal("7.8"), Decimal("0.7733"), "FRBA")
    assert actions["ATNXQ"].kind is Kind.WORTHLESS
    assert len(answer.facts) == 7
    assert not answer.refused


@pytest.mark.parametrize(
    ("name", "row", "kind", "ratio", "new_symbol", "cash"),
    [
        ("stock_dividends", {"symbol": "X", "rate": 0.05, **EX_DATE}, Kind.SPLIT, "1.05", "", "0"),
        (
            "spin_offs",
            {"source_symbol": "X", "source_rate": 3, "new_symbol": "Y", "new_rate": 1, **EX_DATE},
            Kind.SPIN_OFF,
            "0.33333333",
            "Y",
            "0",
        ),
        (
            "rights_distributions",
            {"source_symbol": "X", "new_symbol": "X.RT", "rate": 0.2, **EX_DATE},
            Kind.RIGHTS,
            "0.2",
            "X.RT",
            "0",
        ),
        (
            "unit_splits",
            {"old_symbol": "X", "old_rate": 1, "new_symbol": "Y", "new_rate": 1, **EFFECTIVE},
            Kind.UNIT_SPLIT,
            "1",
            "Y",
            "0",
        ),
        (
            "stock_mergers",
            {
                "acquiree_symbol": "X",
                "acquiree_rate": 1,
                "acquirer_symbol": "Y",
                "acquirer_rate": 0.5431,
                **EFFECTIVE,
            },
            Kind.MERGER,
            "0.5431",
            "Y",
            "0",
        ),
        ("redemptions", {"symbol": "X", "rate": 10.2, **PROCESSED}, Kind.DELISTING, "0", "", "10.2"),
    ],
)
def test_alpacas_rarer_kinds_are_read(
    name: str, row: dict[str, Any], kind: Kind, ratio: str, new_symbol: str, cash: str
) -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.actions = {name: [row]}
        (action,) = alpaca(vendor).corporate_actions(["X"], SINCE, UNTIL, {}).facts
        assert name.removesuffix("s") in vendor.visits[-1].query["types"]
    assert (action.symbol, action.kind, action.ex_date) == ("X", kind, date(2023, 8, 22))
    assert (action.ratio, action.new_symbol, action.amount) == (Decimal(ratio), new_symbol, Decimal(cash))


@pytest.mark.parametrize(
    "row",
    [
        {"symbol": "AAPL", "rate": 0, "ex_date": "2023-08-11", **PROCESSED},
        {"symbol": "AAPL", "rate": "NaN", "ex_date": "2023-08-11", **PROCESSED},
        {"symbol": "AAPL", "rate": -1, "ex_date": "2023-08-11", **PROCESSED},
        {"symbol": "AAPL", "rate": None, "ex_date": "2023-08-11", **PROCESSED},
        {"symbol": "AAPL", "rate": 1e300, "ex_date": "2023-08-11", **PROCESSED},
        {"symbol": "AAPL", "rate": 0.2, "ex_date": "soon", **PROCESSED},
    ],
)
def test_a_row_that_is_no_dividend_is_refused_and_the_others_stay(row: dict[str, object]) -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.actions = {**ALPACA_ROWS, "cash_dividends": [row, *ALPACA_ROWS["cash_dividends"]]}
        answer = alpaca(vendor).corporate_actions(["AAPL"], SINCE, UNTIL, {})
    assert [action.reference for action in answer.facts] == ["d1"]
    assert len(answer.refused) == 1


def test_alpaca_is_not_asked_for_what_it_cannot_have() -> None:
    with vendors.Alpaca(now=T) as vendor:
        answer = alpaca(vendor).corporate_actions(["AAPL", "BTC/USD"], SINCE, UNTIL, {})
    assert answer.failed == {"BTC/USD": "not a symbol that Alpaca has"}


def test_polygon_gives_dividends_and_splits_of_many_at_once() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.dividends, vendor.splits = [DIVIDEND, DIVIDEND | {"ticker": "XYZ"}], [SPLIT]
        answer = polygon(vendor).corporate_actions(["AAPL", "GE", "BAC.PRK"], SINCE, UNTIL, {})
        assert {visit.query["ticker.any_of"] for visit in vendor.visits} == {"AAPL,GE,BACpK"}
    dividend, split = sorted(answer.facts, key=lambda action: action.symbol)
    assert (dividend.amount, dividend.currency, dividend.reference) == (Decimal("0.26"), "USD", "Ed2c9")
    assert (dividend.ex_date, dividend.pay_date) == (date(2024, 8, 12), date(2024, 8, 15))
    assert dividend.declared_date == date(2024, 7, 31)
    assert (split.kind, split.ratio) == (Kind.SPLIT, Decimal("0.125"))


def test_polygons_dividend_without_a_currency_is_one_in_dollars() -> None:
    bare = {name: value for name, value in DIVIDEND.items() if name != "currency"}
    with vendors.Polygon(now=T) as vendor:
        vendor.dividends = [bare]
        (dividend,) = polygon(vendor).corporate_actions(["AAPL"], SINCE, UNTIL, {}).facts
    assert (dividend.amount, dividend.currency) == (Decimal("0.26"), "USD")


def test_polygon_tells_the_new_ticker_of_one_that_fell_silent() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.figis = {"FB": "BBG000MM2P62"}
        vendor.changes = {"BBG000MM2P62": [("2022-06-09", "META"), ("2012-05-18", "FB")]}
        answer = polygon(vendor).corporate_actions(
            ["FB", "TWTR"], SINCE, UNTIL, {"FB": date(2022, 6, 8), "TWTR": date(2022, 10, 27)}
        )
    (change,) = answer.facts
    assert (change.symbol, change.new_symbol, change.ex_date) == ("FB", "META", date(2022, 6, 9))
    assert not answer.failed


def test_a_plan_without_dividends_is_no_answer() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.answers["/stocks/v1/dividends"] = NOT_ENTITLED
        answer = polygon(vendor).corporate_actions(["AAPL"], SINCE, UNTIL, {})
        assert not answer.facts
        assert "not entitled" in answer.failed["AAPL"]
        vendor.answers["/stocks/v1/splits"] = NOT_ENTITLED
        with pytest.raises(ProviderError):
            polygon(vendor).corporate_actions(["AAPL"], SINCE, UNTIL, {})


def test_the_simulator_invents_the_same_dividends_each_time() -> None:
    simulator = Simulator(1)
    symbols = [f"S{number}" for number in range(30)]
    answer = simulator.corporate_actions(symbols, date(2024, 1, 1), date(2024, 12, 31), {})
    again = simulator.corporate_actions(symbols, date(2024, 1, 1), date(2024, 12, 31), {})
    assert answer == again
    assert 10 < len({action.symbol for action in answer.facts}) < 30
    assert not [action for action in answer.facts if action.problem]


def test_a_provider_without_any_is_known_as_such() -> None:
    assert isinstance(Simulator(1), GivesActions)
    assert not isinstance(IBBridge, GivesActions)
