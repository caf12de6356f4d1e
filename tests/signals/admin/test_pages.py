"""Every page about signals: who may see it, who may not write it, and what stands on it."""

import pytest
from django.db.models import Model
from django.test import Client

from opinions.models import Memory, OrchestrationRun
from signals.models import Backtest, Scan, ScanProgress, Signal, StrategyConfig, StrategyRecord
from tests import make
from tests.query_counts import CountQueries

RECORDED = [Signal, Scan, Backtest, StrategyRecord, OrchestrationRun, Memory]
LISTS = [*RECORDED, StrategyConfig]
TO_ENTER = [
    "/admin/signals/strategyconfig/add/",
    "/admin/signals/strategyconfig/add/?strategy_id=ma_crossover_v1&timeframe=1w",
    "/admin/signals/backtest/add/",
]
CASE = {"symbol": "AAPL", "bar": "2024-07-02T00:00:00+00:00", "r": 1.25, "ended": "target"}
RECORD = {
    "strategy_id": "macd_crossover_v1",
    "timeframe": "1d",
    "symbol": "",
    "cases": 9,
    "targets": 4,
    "stops": 3,
    "bars": 900,
    "computed_at": make.T0,
}


def address(model: type[Model]) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def row_address(model: type[Model]) -> str:
    row = model._default_manager.first()
    assert row is not None
    return f"{address(model)}{row.pk}/"


@pytest.fixture(autouse=True)
def stored(db: None) -> None:
    """One row of everything."""
    make.only("AAPL")
    make.candle("AAPL", "2024-07-02", 185.5)
    make.run(make.signal())
    make.memory()
    Scan.objects.create(started_at=make.T0)
    StrategyRecord.objects.create(**RECORD)
    Backtest.objects.create(
        strategy_id="gone_v1",
        timeframe="1d",
        symbols=["AAPL"],
        minimum_confidence="0.6",
        cost_bps=2,
        lifetime_bars=1,
        longest_holding_bars=40,
        flat_at_close=False,
        queued_at=make.T0,
    )


@pytest.mark.parametrize("model", LISTS)
def test_the_operator_and_a_reader_see_the_list_and_a_row(
    operator: Client, reader: Client, model: type[Model]
) -> None:
    for client in (operator, reader):
        assert client.get(address(model)).status_code == 200
        assert client.get(f"{row_address(model)}change/").status_code == 200


@pytest.mark.parametrize("page", [*map(address, LISTS), *TO_ENTER])
def test_staff_without_permission_may_not_and_a_stranger_is_asked_who_he_is(
    clerk: Client, stranger: Client, page: str
) -> None:
    assert clerk.get(page).status_code == 403
    assert stranger.get(page).headers["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("page", TO_ENTER)
def test_the_operator_may_enter_what_a_reader_may_not(operator: Client, reader: Client, page: str) -> None:
    assert operator.get(page).status_code == 200
    assert reader.get(page).status_code == 403
    assert reader.post(page).status_code == 403


@pytest.mark.parametrize("model", LISTS)
def test_no_row_is_ever_deleted(operator: Client, model: type[Model]) -> None:
    before = model._default_manager.count()
    assert operator.post(f"{row_address(model)}delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": row_address(model).split("/")[-2], "index": 0}
    operator.post(address(model), chosen | {"post": "yes"})
    assert model._default_manager.count() == before


@pytest.mark.parametrize("model", RECORDED)
def test_what_is_recorded_is_never_changed(operator: Client, model: type[Model]) -> None:
    assert operator.post(f"{row_address(model)}change/", {"status": "approved"}).status_code == 403


@pytest.mark.parametrize("model", [Signal, Scan, StrategyRecord, OrchestrationRun, Memory])
def test_what_is_recorded_is_never_added_by_hand(operator: Client, model: type[Model]) -> None:
    assert operator.post(f"{address(model)}add/").status_code == 403


def test_the_progress_of_scans_has_no_page(operator: Client) -> None:
    assert operator.get(address(ScanProgress)).status_code == 404


@pytest.mark.parametrize("page", [*map(address, LISTS), *TO_ENTER])
def test_no_page_needs_what_the_policy_forbids(operator: Client, page: str) -> None:
    text = operator.get(page).content.decode()
    assert not [banned for banned in ("<style", " style=", "onclick=", "<script>") if banned in text]


def test_the_page_of_a_signal_needs_nothing_that_the_policy_forbids(operator: Client) -> None:
    text = operator.get(f"{row_address(Signal)}change/").content.decode()
    assert "<svg" in text
    assert not [banned for banned in ("<style", " style=", "onclick=", "<script>") if banned in text]


def test_many_records_take_as_many_queries_as_one(operator: Client, count_queries: CountQueries) -> None:
    StrategyRecord.objects.bulk_create(StrategyRecord(**RECORD | {"symbol": f"S{n}"}) for n in range(150))
    with count_queries(
        "admin track records"
    ):  # who asks (2), which strategies there are, the count, the page
        operator.get(address(StrategyRecord))


def test_the_page_of_a_record_lists_few_cases_and_what_it_was_computed_with(operator: Client) -> None:
    StrategyRecord.objects.update(listed=[CASE], basis={"parameters": {"macd_fast": 10}, "cost_bps": 2})
    page = operator.get(f"{row_address(StrategyRecord)}change/").content.decode()
    assert "<tr><td>AAPL</td><td>2024-07-02</td><td>+1.25</td><td>target</td></tr>" in page
    assert "<tr><td>Parameters</td><td>MACD fast 10</td></tr>" in page
    assert "only 9 cases: listed" in page


def test_the_page_of_a_signal_lists_few_cases_too(operator: Client) -> None:
    StrategyRecord.objects.update(listed=[CASE])
    page = operator.get(f"{row_address(Signal)}change/").content.decode()
    assert "over the watchlist: <details><summary>only 9 cases: listed</summary>" in page
    assert "<td>+1.25</td><td>target</td>" in page
