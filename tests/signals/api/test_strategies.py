"""GET /api/v1/strategies/ and GET /api/v1/strategies/{id}/"""

from typing import Any

import pytest
from rest_framework.test import APIClient

from signals.models import StrategyConfig, StrategyRecord
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/strategies/"
RSI = f"{URL}rsi_momentum_v1/"


def record(symbol: str = "", timeframe: str = "1d", **values: Any) -> StrategyRecord:
    figures = {"cases": 212, "targets": 100, "stops": 90, "bars": 10_000, "computed_at": make.T0}
    key = {"strategy_id": "rsi_momentum_v1", "timeframe": timeframe, "symbol": symbol}
    return StrategyRecord.objects.create(**key | figures | values)


def test_the_list_has_every_strategy_of_the_registry(reader: APIClient) -> None:
    answer = reader.get(URL).json()
    assert answer["count"] == 3
    assert [(strategy["id"], strategy["title"]) for strategy in answer["results"]] == [
        ("rsi_momentum_v1", "RSI momentum"),
        ("macd_crossover_v1", "MACD crossover"),
        ("ma_crossover_v1", "Moving averages"),
    ]
    assert answer["results"][0]["description"].startswith("Buys when the RSI falls below its lower line")


def test_parameters_say_what_they_mean_and_may_be(reader: APIClient) -> None:
    parameters = {parameter["name"]: parameter for parameter in reader.get(RSI).json()["parameters"]}
    assert parameters["oversold"] == {
        "name": "oversold",
        "meaning": "BUY when the RSI falls below this.",
        "default": 30.0,
        "least": 1.0,
        "most": 50.0,
        "whole": False,
    }
    period = parameters["rsi_period"]
    assert (period["whole"], str(period["default"]), str(period["most"])) == (True, "14", "200")


def test_configurations_have_the_parameters_in_force(reader: APIClient) -> None:
    StrategyConfig.objects.filter(strategy_id="rsi_momentum_v1", timeframe="15m").update(
        enabled=False, parameters={"oversold": 25}
    )
    quarters, daily = reader.get(RSI).json()["configurations"]
    assert (daily["parameters"]["oversold"], quarters["parameters"]["oversold"]) == (30.0, 25.0)
    assert quarters.pop("parameters").keys() == daily["parameters"].keys()
    assert quarters == {
        "timeframe": "15m",
        "enabled": False,
        "minimum_confidence": "0.7000",
        "lifetime_bars": 8,
        "longest_holding_bars": 52,
        "flat_at_close": True,
    }


def test_parameters_that_fit_no_more_are_null(reader: APIClient) -> None:
    StrategyConfig.objects.filter(timeframe="1d").update(parameters={"gone": 1})
    quarters, daily = reader.get(RSI).json()["configurations"]
    assert (quarters["parameters"] is None, daily["parameters"]) == (False, None)


def test_the_list_has_the_pooled_records_and_one_strategy_those_of_symbols_too(reader: APIClient) -> None:
    pooled = record()
    record("MSFT")
    record("AAPL")
    record(timeframe="15m", cases=500)
    listed = reader.get(URL).json()["results"][0]["records"]
    assert [(row["timeframe"], row["symbol"], row["cases"]) for row in listed] == [
        ("15m", "", 500),
        ("1d", "", 212),
    ]
    assert listed[1]["sentence"] == pooled.sentence()
    shown = reader.get(RSI).json()["records"]
    keys = [(row["timeframe"], row["symbol"]) for row in shown]
    assert keys == [("15m", ""), ("1d", ""), ("1d", "AAPL"), ("1d", "MSFT")]


def test_the_list_comes_in_pages(reader: APIClient) -> None:
    page = reader.get(f"{URL}?limit=1&offset=1").json()
    assert (page["count"], [strategy["id"] for strategy in page["results"]]) == (3, ["macd_crossover_v1"])


@pytest.mark.parametrize("address", [URL, RSI])
def test_an_unknown_parameter_is_refused(reader: APIClient, address: str) -> None:
    answer = reader.get(f"{address}?symbol=AAPL")
    assert answer.status_code == 400
    assert "symbol is not a known parameter. Choose from: limit, offset, format." in answer.json()["detail"]


def test_an_unknown_strategy_is_not_found_with_those_that_are(reader: APIClient) -> None:
    answer = reader.get(f"{URL}magic/")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("There is no strategy magic. There are: rsi_momentum_v1, macd")


@pytest.mark.parametrize("address", [URL, RSI])
def test_it_takes_as_many_queries_for_many_records_as_for_none(
    reader: APIClient, count_queries: CountQueries, address: str
) -> None:
    for n in range(10):
        record(f"S{n}")
    with count_queries(
        f"GET {address}"
    ):  # two for the token, two for the role, the configurations, the records
        assert reader.get(address).status_code == 200


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert stranger.get(RSI).status_code == 401
