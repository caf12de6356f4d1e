from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django_q.models import OrmQ

from signals.models import Backtest
from tests import make
from tests.query_counts import CountQueries

LIST, RUN = "/admin/signals/backtest/", "/admin/signals/backtest/add/"


@pytest.fixture(autouse=True)
def watchlist(db: None) -> None:
    make.only("AAPL", "MSFT")
    for day in ("2024-07-01", "2024-07-02"):
        make.candle("AAPL", day, 100.0)
        make.candle("MSFT", day, 100.0)


def a_backtest(**values: Any) -> Backtest:
    usual = {
        "strategy_id": "ma_crossover_v1",
        "timeframe": "1d",
        "symbols": [f"S{n}" for n in range(8)],
        "minimum_confidence": "0.6",
        "cost_bps": 2,
        "lifetime_bars": 1,
        "longest_holding_bars": 40,
        "flat_at_close": False,
        "status": "completed",
        "result": {"rows": [], "warnings": ["AAPL jumps <40 %>"], "text": "symbol  trades\nall         12"},
        "queued_at": make.T0,
        "started_at": make.T0 + timedelta(minutes=5),
        "finished_at": make.T0 + timedelta(minutes=5, seconds=3),
    }
    return Backtest.objects.create(**usual | values)


def entry(**values: str) -> dict[str, str]:
    fields = {"strategy_id": "rsi_momentum_v1", "timeframe": "1d", "symbols": "aapl, MSFT", "cost_bps": "2"}
    return fields | values


def test_its_page_shows_the_table_as_it_is_printed_and_the_warnings(operator: Client) -> None:
    page = operator.get(f"{LIST}{a_backtest().pk}/change/").content.decode()
    assert "symbol  trades\nall         12</pre>" in page
    assert "<div>AAPL jumps &lt;40 %&gt;</div>" in page
    assert "S0, S1, S2, S3, S4, S5, S6, S7" in page
    assert "waits 1 bar: until the next session&#x27;s close, held 40 bars at most" in page


def test_one_that_failed_says_why_and_one_that_waits_what_to_do(operator: Client) -> None:
    failed = a_backtest(status="failed", result=None, error="its worker was killed")
    waits = a_backtest(status="queued", result=None, started_at=None, finished_at=None)
    assert "its worker was killed" in operator.get(f"{LIST}{failed.pk}/change/").content.decode()
    page = operator.get(f"{LIST}{waits.pk}/change/").content.decode()
    assert "The slow worker has not finished it: load this page again." in page


def test_a_row_is_short(operator: Client) -> None:
    a_backtest()
    page = operator.get(LIST).content.decode()
    assert "S0, S1, S2, S3, S4 and 3 more" in page
    assert '<td class="field-took">3.0 s</td>' in page


def test_the_form_offers_the_watchlist(operator: Client) -> None:
    assert "AAPL MSFT</textarea>" in operator.get(RUN).content.decode()


def test_running_one_queues_it_and_shows_its_page(operator: Client) -> None:
    answer = operator.post(RUN, entry(since="2024-01-02"))
    backtest = Backtest.objects.get()
    assert answer.headers["Location"] == f"{LIST}{backtest.pk}/change/"
    assert (backtest.symbols, str(backtest.since), backtest.until) == (["AAPL", "MSFT"], "2024-01-02", None)
    assert (backtest.status, str(backtest.requested_by), OrmQ.objects.count()) == ("queued", "operator", 1)
    assert LogEntry.objects.get().object_id == str(backtest.pk)


@pytest.mark.parametrize(
    ("field", "value"), [("symbols", "NOPE"), ("cost_bps", "-1"), ("strategy_id", "nope"), ("since", "nope")]
)
def test_what_cannot_be_run_is_told_at_its_field(operator: Client, field: str, value: str) -> None:
    answer = operator.post(RUN, entry(**{field: value}))
    assert list(answer.context["form"].errors) == [field]
    assert not Backtest.objects.exists()


def test_a_reader_runs_none(reader: Client) -> None:
    assert reader.get(RUN).status_code == 403
    assert reader.post(RUN, entry()).status_code == 403
    assert "Run a backtest" not in reader.get(LIST).content.decode()
    assert not Backtest.objects.exists()


def test_many_take_as_many_queries_as_one(operator: Client, count_queries: CountQueries) -> None:
    for _ in range(120):
        a_backtest()
    with count_queries("admin backtests"):  # who asks (2), the count, the page
        operator.get(LIST)
