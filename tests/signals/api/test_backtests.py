"""GET and POST /api/v1/backtests/, GET /api/v1/backtests/{id}/"""

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django_q.models import OrmQ
from rest_framework.test import APIClient

from market.prices import Timeframe
from signals import backtest
from signals.models import Backtest
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/backtests/"
WANTED = {"strategy_id": "rsi_momentum_v1", "timeframe": "1d", "symbols": ["AAPL"]}
RESULT = {"rows": [{"symbol": "", "trades": 7}], "warnings": ["no splits known"], "text": "trades 7"}
DONE: dict[str, Any] = {"status": Backtest.Status.COMPLETED, "result": RESULT, "finished_at": make.T0}


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(days=90)
    make.history("AAPL", make.turning(), Timeframe.D1, until=make.T0.replace(hour=0))


def queued_backtest(minute: int = 0, **values: Any) -> Backtest:
    rules = {"lifetime_bars": 1, "longest_holding_bars": 40, "flat_at_close": False, "cost_bps": 2.0}
    queued = {"queued_at": make.T0 + timedelta(minutes=minute), "minimum_confidence": Decimal("0.6")}
    return Backtest.objects.create(**WANTED | rules | queued | values)


def test_a_finished_backtest_has_its_result(reader: APIClient) -> None:
    stored = queued_backtest(parameters={"oversold": 25}, **DONE)
    assert reader.get(f"{URL}{stored.pk}/").json() == {
        "id": str(stored.pk),
        "strategy_id": "rsi_momentum_v1",
        "timeframe": "1d",
        "symbols": ["AAPL"],
        "since": None,
        "until": None,
        "parameters": {"oversold": 25},
        "minimum_confidence": "0.6000",
        "lifetime_bars": 1,
        "longest_holding_bars": 40,
        "flat_at_close": False,
        "cost_bps": 2.0,
        "status": "completed",
        "error": "",
        "requested_by": None,
        "queued_at": "2024-07-03T14:00:00Z",
        "started_at": None,
        "finished_at": "2024-07-03T14:00:00Z",
        "result": RESULT,
    }


def test_the_figures_come_in_the_order_of_the_table(trader: APIClient) -> None:
    stored = Backtest.objects.get(pk=trader.post(URL, WANTED).json()["id"])
    backtest.run(stored, make.T0)
    result = trader.get(f"{URL}{stored.pk}/").json()["result"]
    assert list(result) == ["rows", "warnings", "text"]
    assert list(result["rows"][0]) == [column.name for column in fields(backtest.Figures)]
    assert [row["symbol"] for row in result["rows"]] == ["", "AAPL"]
    assert result["rows"][0]["last_at"] == "2024-07-02T00:00:00Z"


def test_the_list_leaves_out_the_results(reader: APIClient) -> None:
    stored = queued_backtest(**DONE)
    shown = reader.get(f"{URL}{stored.pk}/").json()
    del shown["result"]
    assert reader.get(URL).json()["results"] == [shown]


def test_the_newest_come_first(reader: APIClient) -> None:
    ids = [str(queued_backtest(minute).pk) for minute in (0, 2, 1)]
    assert [row["id"] for row in reader.get(URL).json()["results"]] == [ids[1], ids[2], ids[0]]


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 2), ("strategy=rsi_momentum_v1", 1), ("timeframe=15m", 1), ("status=failed", 1), ("limit=1", 2)],
)
def test_the_list_is_filtered(reader: APIClient, query: str, count: int) -> None:
    queued_backtest()
    queued_backtest(
        strategy_id="ma_crossover_v1", timeframe="15m", status=Backtest.Status.FAILED, finished_at=make.T0
    )
    assert reader.get(f"{URL}?{query}").json()["count"] == count


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("status=lost", "Choose from: queued, running, completed, failed."),
        ("strategy=magic", "magic is not a known value. Choose from: rsi_momentum_v1"),
        ("symbol=AAPL", "symbol is not a known parameter. Choose from: strategy, timeframe, status, limit"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(reader: APIClient, query: str, complaint: str) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("backtests", [1, 20])
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, trader: APIClient, count_queries: CountQueries, backtests: int
) -> None:
    for _ in range(backtests):
        trader.post(URL, WANTED)
    with count_queries("GET /api/v1/backtests/"):  # two for the token, two for the role, the count, the page
        rows = reader.get(URL).json()["results"]
    assert [row["requested_by"] for row in rows] == ["trader"] * backtests


def test_a_backtest_that_was_asked_for_is_queued_and_has_an_address(trader: APIClient) -> None:
    answer = trader.post(URL, WANTED)
    shown = answer.json()
    assert (answer.status_code, shown["status"], shown["requested_by"]) == (202, "queued", "trader")
    assert trader.get(answer["Location"]).json() == shown
    assert OrmQ.objects.count() == 1


def test_all_that_was_asked_for_is_kept(trader: APIClient) -> None:
    given = WANTED | {
        "symbols": ["aapl"],
        "since": "2024-01-02",
        "until": "2024-07-01",
        "parameters": {"oversold": 25},
        "minimum_confidence": "0.7",
        "cost_bps": 5,
    }
    shown = trader.post(URL, given).json()
    kept = {"symbols": ["AAPL"], "minimum_confidence": "0.7000", "cost_bps": 5.0}
    assert shown == shown | given | kept


def test_it_is_written_down(trader: APIClient) -> None:
    created = trader.post(URL, WANTED).json()
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id) == ("trader", created["id"])
    assert entry.get_change_message() == "Asked for."


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("strategy_id", "magic", "magic is not a known value. Choose from: rsi_momentum_v1, macd"),
        ("strategy_id", {}, "{} is not a known value."),
        ("strategy_id", None, "may not be null"),
        ("timeframe", "1M", "1M is not a known value. Choose from: 1m, 5m, 15m, 1h, 1d, 1w."),
        ("symbols", [], "at least 1 element"),
        ("symbols", ["ZZZ"], "ZZZ"),
        ("symbols", ["AAPL", ""], "symbols: 1: This field may not be blank."),
        ("symbols", ["A\0"], "Null characters are not allowed."),
        ("until", "9999-12-31", "write one from 1900-01-01 to 2200-01-01"),
        ("symbols", "AAPL", "Expected a list"),
        ("since", "soon", "YYYY-MM-DD"),
        ("minimum_confidence", 2, "less than or equal to 1"),
        ("cost_bps", -1, "greater than or equal to 0"),
        ("parameters", [], "Expected a dictionary"),
        ("colour", "red", "not a known field. Choose from: strategy_id, timeframe, symbols"),
    ],
)
def test_an_unfit_one_is_refused(trader: APIClient, field: str, value: Any, complaint: str) -> None:
    answer = trader.post(URL, WANTED | {field: value})
    assert (answer.status_code in (400, 422), list(answer.json()["errors"])) == (True, [field])
    assert complaint in answer.json()["detail"]
    assert not Backtest.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"oversold": 99}, "oversold must be a number from 1 to 50."),
        ({"luck": 1}, "luck is not a parameter of this strategy."),
    ],
)
def test_an_unfit_parameter_is_named(trader: APIClient, parameters: Any, complaint: str) -> None:
    answer = trader.post(URL, WANTED | {"parameters": parameters})
    [name] = parameters
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [f"parameters.{name}"])
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("address", ["0" * 36, "00000000-0000-0000-0000-000000000000", "1"])
def test_a_backtest_that_never_was_is_not_found(reader: APIClient, address: str) -> None:
    assert reader.get(f"{URL}{address}/").status_code == 404


def test_a_reader_may_not_ask_for_one(reader: APIClient) -> None:
    assert reader.post(URL, WANTED).status_code == 403
    assert not Backtest.objects.exists()


def test_a_stranger_may_not_read_or_ask(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert stranger.post(URL, WANTED).status_code == 401
