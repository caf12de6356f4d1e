"""GET /api/v1/signals/{id}/"""

from typing import Any

import pytest
from rest_framework.test import APIClient

from signals.models import Signal, StrategyRecord
from tests import make
from tests.query_counts import CountQueries
from tests.signals.api.conftest import Pending

URL = "/api/v1/signals/"


def record(symbol: str = "", **values: Any) -> StrategyRecord:
    figures = {"cases": 212, "targets": 100, "stops": 90, "bars": 10_000, "computed_at": make.T0}
    key = {"strategy_id": "macd_crossover_v1", "timeframe": "1d", "symbol": symbol}
    return StrategyRecord.objects.create(**key | figures | values)


def test_it_adds_what_the_signal_stands_on(reader: APIClient, pending: Pending) -> None:
    signal = pending(parameters={"macd_fast": 10})
    listed = reader.get(URL).json()["results"][0]
    shown = reader.get(f"{URL}{signal.pk}/").json()
    assert {name: shown.pop(name) for name in listed} == listed
    assert shown == {
        "targets": [
            {"price": "191.750000", "distance": "6.250000", "r_multiple": "1.2500"},
            {"price": "195.500000", "distance": "10.000000", "r_multiple": "2.0000"},
        ],
        "conflicts": [],
        "indicators": {"price": 185.5, "atr": 2.5},
        "parameters": {"macd_fast": 10},
        "record": {"pooled": None, "symbol": None},
    }


def test_conflicting_signals_name_each_other(reader: APIClient, pending: Pending) -> None:
    buy = pending()
    sell = make.sell(expires_at=buy.expires_at, timeframe="15m")
    shown = [reader.get(f"{URL}{signal.pk}/").json() for signal in (buy, sell)]
    assert [detail["is_conflicting"] for detail in shown] == [True, True]
    assert [[other["id"] for other in detail["conflicts"]] for detail in shown] == [
        [str(sell.pk)],
        [str(buy.pk)],
    ]
    assert shown[0]["conflicts"][0] == {
        "id": str(sell.pk),
        "strategy_id": "rsi_momentum_v1",
        "timeframe": "15m",
        "signal_type": "SELL",
        "confidence": "0.9000",
    }


def test_the_record_comes_pooled_and_of_the_symbol(reader: APIClient, pending: Pending) -> None:
    pooled, _, _ = record(), record("MSFT"), record(timeframe="15m", cases=500)
    shown = reader.get(f"{URL}{pending().pk}/").json()["record"]
    assert (shown["pooled"]["cases"], shown["pooled"]["sentence"]) == (212, pooled.sentence())
    assert shown["symbol"] is None
    record("AAPL", cases=20, targets=9, stops=8)
    assert reader.get(f"{URL}{Signal.objects.get().pk}/").json()["record"]["symbol"]["cases"] == 20


def test_a_record_of_few_cases_lists_them(reader: APIClient, pending: Pending) -> None:
    case = {
        "bar": "2024-07-01T00:00:00+00:00",
        "r": 1.2,
        "planned_r": 1.0,
        "ended": "target",
        "symbol": "AAPL",
    }
    record(cases=1, targets=1, stops=0, listed=[case])
    pooled = reader.get(f"{URL}{pending().pk}/").json()["record"]["pooled"]
    assert pooled["listed"] == [case | {"bar": "2024-07-01T00:00:00Z"}]


def test_who_knows_the_signal_as_it_is_gets_no_body(reader: APIClient, pending: Pending) -> None:
    address = f"{URL}{pending().pk}/"
    etag = reader.get(address)["ETag"]
    again = reader.get(address, HTTP_IF_NONE_MATCH=etag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


@pytest.mark.parametrize("header", ['W/{}, "x"', '"x", {}', "*"])
def test_a_tag_may_be_weak_or_one_of_several(reader: APIClient, pending: Pending, header: str) -> None:
    address = f"{URL}{pending().pk}/"
    etag = reader.get(address)["ETag"]
    assert reader.get(address, HTTP_IF_NONE_MATCH=header.format(etag)).status_code == 304


def test_a_change_of_what_is_decided_on_is_a_new_tag(reader: APIClient, pending: Pending) -> None:
    signal = pending()
    etag = reader.get(f"{URL}{signal.pk}/")["ETag"]
    make.sell(expires_at=signal.expires_at)  # now there is a conflict
    answer = reader.get(f"{URL}{signal.pk}/", HTTP_IF_NONE_MATCH=etag)
    assert (answer.status_code, answer["ETag"] == etag) == (200, False)


def test_it_takes_as_many_queries_for_many_conflicts_as_for_none(
    reader: APIClient, count_queries: CountQueries, pending: Pending
) -> None:
    signal = pending()
    for timeframe in ("15m", "1h", "1d"):
        make.sell(timeframe=timeframe, expires_at=signal.expires_at)
    # two for the token, two for the role, the signal, its conflicts, its record
    with count_queries("GET /api/v1/signals/{id}/"):
        assert len(reader.get(f"{URL}{signal.pk}/").json()["conflicts"]) == 3


@pytest.mark.parametrize("address", ["0" * 36, "00000000-0000-0000-0000-000000000000", "1", "%00"])
def test_a_signal_that_never_was_is_not_found(reader: APIClient, address: str) -> None:
    assert reader.get(f"{URL}{address}/").status_code == 404


def test_a_stranger_may_not_read(stranger: APIClient, pending: Pending) -> None:
    assert stranger.get(f"{URL}{pending().pk}/").status_code == 401


def test_the_filters_of_the_list_are_no_parameters_of_one_signal(reader: APIClient, pending: Pending) -> None:
    answer = reader.get(f"{URL}{pending().pk}/?status=expired")
    assert answer.status_code == 400
    assert "status is not a known parameter." in answer.json()["detail"]
