import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ
from pytest_django import Settings

from signals import formatting as signal_formatting
from signals.models import Scan, StrategyConfig, StrategyRecord
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/signals/strategyconfig/"
RSI, NEW = "rsi_momentum_v1", f"{LIST}add/?strategy_id=rsi_momentum_v1&timeframe=1h"


@pytest.fixture
def config(db: None) -> StrategyConfig:
    """The RSI on daily bars, as it comes."""
    return StrategyConfig.objects.get(strategy_id=RSI, timeframe="1d")


def page_of(config: StrategyConfig) -> str:
    return f"{LIST}{config.pk}/change/"


def entry(**values: Any) -> dict[str, Any]:
    """What the form of the RSI sends when nothing is changed on it, with these values instead."""
    rules = {"enabled": "on", "minimum_confidence": "0.6", "lifetime_bars": 1, "longest_holding_bars": 40}
    return {name: value for name, value in (rules | values).items() if value is not None}


def save(client: Client, config: StrategyConfig, **values: Any) -> dict[str, list[str]]:
    """Save the form; what it complains about, by field."""
    answer = client.post(page_of(config), entry(**values))
    config.refresh_from_db()
    return answer.context["adminform"].form.errors if answer.context else {}


def cells(client: Client, config: StrategyConfig) -> dict[str, str]:
    """The words in its row, by column."""
    page = client.get(LIST).content.decode()
    (row,) = re.findall(rf"<tr>(?:(?!</tr>).)*/{config.pk}/change/.*?</tr>", page, re.DOTALL)
    columns = re.findall(r'class="field-(\w+)[^"]*">(.*?)</t[dh]>', row, re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]+>", " ", text).split()) for name, text in columns}


def act(client: Client, action: str, *configs: StrategyConfig) -> list[str]:
    chosen = [config.pk for config in configs]
    answer = client.post(LIST, {"action": action, "_selected_action": chosen, "index": 0}, follow=True)
    return [str(message) for message in answer.context["messages"]] if answer.context else []


def fields(page: Any) -> Iterator[str]:
    return (name for name in page.context["adminform"].form.fields if name.startswith("parameter_"))


# The form


def test_the_form_has_a_field_for_each_parameter_with_its_meaning_range_and_default(
    operator: Client, config: StrategyConfig
) -> None:
    page = operator.get(page_of(config))
    text = page.content.decode()
    assert {"parameter_rsi_period", "parameter_oversold", "parameter_stop_atr"} <= set(fields(page))
    assert "parameter_macd_fast" not in text
    assert ">RSI period:</label>" in text
    assert "Bars of the relative strength index (RSI). From 2 to 200; empty: 14." in text
    (field,) = re.findall(r'<input[^>]*name="parameter_rsi_period"[^>]*>', text)
    assert {'type="number"', 'min="2"', 'max="200"', 'step="1"', 'placeholder="14"'} <= set(field.split())


def test_only_what_differs_from_the_defaults_is_stored(operator: Client, config: StrategyConfig) -> None:
    save(operator, config, parameter_rsi_period="10", parameter_oversold="30", parameter_stop_atr="")
    assert config.parameters == {"rsi_period": 10}
    assert 'value="10"' in operator.get(page_of(config)).content.decode()
    save(operator, config)
    assert config.parameters == {}


@pytest.mark.parametrize(
    ("values", "field", "complaint"),
    [
        ({"parameter_rsi_period": "1"}, "rsi_period", "Must be a whole number from 2 to 200."),
        ({"parameter_rsi_period": "9.5"}, "rsi_period", "Must be a whole number from 2 to 200."),
        ({"parameter_stop_atr": "nan"}, "stop_atr", "Must be a number from 0.1 to 20."),
        (
            {"parameter_target_atr": "4"},
            "second_target_atr",
            "Must be greater than target_atr, which is 4.0.",
        ),
    ],
)
def test_what_is_impossible_is_told_at_its_field_and_nothing_is_saved(
    operator: Client, config: StrategyConfig, values: dict[str, str], field: str, complaint: str
) -> None:
    ((error_field, errors),) = save(operator, config, lifetime_bars=3, **values).items()
    assert error_field == f"parameter_{field}"
    assert errors[0].startswith(complaint)
    assert (config.parameters, config.lifetime_bars, config.changed_at) == ({}, 1, None)


@pytest.mark.parametrize(
    "values",
    [
        *[{"enabled": None}, {"minimum_confidence": "0.7"}, {"lifetime_bars": 2}],
        *[{"longest_holding_bars": 5}, {"flat_at_close": "on"}, {"parameter_stop_atr": "1.5"}],
    ],
)
def test_a_change_of_what_it_does_is_fresh_for_the_next_scan(
    operator: Client, config: StrategyConfig, values: dict[str, Any]
) -> None:
    StrategyConfig.objects.update(scanned_at=make.T0)
    save(operator, config, **values)
    assert config.is_fresh
    assert LogEntry.objects.get().object_id == str(config.pk)


def test_saving_what_is_there_already_changes_nothing(operator: Client, config: StrategyConfig) -> None:
    save(operator, config, parameter_stop_atr="1.5")
    before = config.changed_at
    save(operator, config, parameter_stop_atr="1.50")
    assert config.changed_at == before


def test_saving_leaves_alone_what_a_scan_writes_meanwhile(operator: Client, config: StrategyConfig) -> None:
    with CaptureQueriesContext(connection) as queries:
        save(operator, config, lifetime_bars=2)
    (update,) = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "strategy_configs"')]
    assert "lifetime_bars" in update
    assert "scanned_at" not in update


# Adding one


def test_strategy_and_timeframe_are_chosen_first_and_the_rest_starts_as_usual(operator: Client) -> None:
    assert 'name="strategy_id"' in operator.get(f"{LIST}add/").content.decode()
    page = operator.get(NEW)
    form = page.context["adminform"].form
    assert "parameter_rsi_period" in form.fields
    assert (form["lifetime_bars"].value(), form["flat_at_close"].value()) == (8, True)
    operator.post(NEW, entry(parameter_rsi_period="7", lifetime_bars=4))
    config = StrategyConfig.objects.get(strategy_id=RSI, timeframe="1h")
    assert (config.parameters, config.lifetime_bars, config.is_fresh) == ({"rsi_period": 7}, 4, True)


def test_strategy_and_timeframe_never_change(operator: Client, config: StrategyConfig) -> None:
    save(operator, config, strategy_id="ma_crossover_v1", timeframe="15m", lifetime_bars=2)
    assert (config.strategy_id, config.timeframe, config.lifetime_bars) == (RSI, "1d", 2)


def test_there_is_one_for_each_strategy_and_timeframe(operator: Client) -> None:
    for _ in range(2):
        answer = operator.post(NEW, entry())
    assert "has a configuration for this timeframe already" in answer.content.decode()
    assert StrategyConfig.objects.filter(timeframe="1h").count() == 1


@pytest.mark.parametrize(
    ("timeframe", "why"),
    [
        ("5m", "5m is not fetched. Add 5m to CANDLE_TIMEFRAMES in .env and start Jax again."),
        ("1h", "1h is built from 15m, which is not fetched. Add 15m to CANDLE_TIMEFRAMES"),
    ],
)
def test_a_timeframe_without_candles_is_refused_with_what_to_set(
    operator: Client, settings: Settings, timeframe: str, why: str
) -> None:
    settings.CANDLE_TIMEFRAMES = ["1d"]
    address = f"{LIST}add/?strategy_id={RSI}&timeframe={timeframe}"
    assert why in operator.get(address).content.decode()
    operator.post(address, entry())
    assert not StrategyConfig.objects.filter(timeframe=timeframe).exists()


def test_one_whose_candles_are_no_longer_fetched_may_only_be_switched_off(
    operator: Client, config: StrategyConfig, settings: Settings
) -> None:
    settings.CANDLE_TIMEFRAMES = ["15m"]
    assert save(operator, config)["enabled"][0].startswith("1d is not fetched. Add 1d to CANDLE_TIMEFRAMES")
    assert "cannot run: 1d is not fetched" in cells(operator, config)["state"]
    assert save(operator, config, enabled=None) == {}
    assert not config.enabled


# What has gone wrong


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ({"strategy_id": "gone_v1"}, "This version of Jax has no strategy gone_v1. Switch it off."),
        ({"parameters": {"rsi_period": 0}}, "RSI period must be a whole number from 2 to 200."),
        ({"parameters": {"foo": 1}}, "Foo is not a parameter of this strategy."),
        ({"parameters": {"oversold": {}}}, "Oversold must be a number from 1 to 50."),
        ({"parameters": [1]}, "The stored parameters are not names with values."),
    ],
)
def test_one_that_has_become_impossible_shows_and_says_what_is_wrong(
    operator: Client, reader: Client, config: StrategyConfig, stored: dict[str, Any], why: str
) -> None:
    StrategyConfig.objects.filter(pk=config.pk).update(**stored)
    assert why in cells(operator, config)["state"]
    assert why in operator.get(page_of(config)).content.decode()
    assert why in reader.get(page_of(config)).content.decode()
    assert why in act(operator, "switch_on", config)[0]
    assert save(operator, config, enabled=None) == {}
    assert not config.enabled


def test_impossible_parameters_are_mended_in_the_form(operator: Client, config: StrategyConfig) -> None:
    StrategyConfig.objects.filter(pk=config.pk).update(parameters={"rsi_period": 0, "foo": 1})
    assert "parameter_rsi_period" in save(operator, config, parameter_rsi_period="0")
    save(operator, config, parameter_rsi_period="9")
    assert config.parameters == {"rsi_period": 9}


# The list


def test_a_row_says_how_a_strategy_is_used(operator: Client, config: StrategyConfig) -> None:
    save(operator, config, parameter_rsi_period="10", parameter_stop_atr="1.5")
    row = cells(operator, config)
    assert (row["named"], row["timeframe"], row["state"]) == ("RSI momentum", "1d", "on not evaluated yet")
    assert row["rules"] == (
        "confidence 0.60 at least waits 1 bar: until the next session&#x27;s close held 40 bars at most"
        " parameters: Stop ATR 1.5, RSI period 10"
    )


@pytest.mark.parametrize(
    ("timeframe", "bars", "sentence"),
    [
        ("15m", 8, "8 bars: 2 h of session time"),
        ("1h", 1, "1 bar: 60 min of session time"),
        ("15m", 200, "200 bars: 24 h, which is the longest, and over closed sessions"),
        ("1w", 2, "2 bars: until the next session's close"),
    ],
)
def test_a_lifetime_is_told_in_words(timeframe: str, bars: int, sentence: str) -> None:
    assert signal_formatting.lifetime(bars, timeframe) == sentence


def test_a_row_tells_what_the_newest_scan_of_it_counted(operator: Client, config: StrategyConfig) -> None:
    config.scanned_at = make.T0
    config.save()
    counts = {"strategy_id": RSI, "timeframe": "1d", "evaluated": 1_200, "warming_up": 2, "stored": 0}
    Scan.objects.create(
        started_at=make.T0, outcome="finished", counts=[counts, counts | {"timeframe": "15m"}]
    )
    Scan.objects.create(started_at=make.T0 + timedelta(minutes=1), outcome="finished", counts=[])
    state = cells(operator, config)["state"]
    assert state == "on 2024-07-03 14:00: bars evaluated 1,200, warming up 2"


def test_a_row_tells_its_pooled_record(operator: Client, config: StrategyConfig) -> None:
    pooled = make_record(symbol="")
    make_record(symbol="AAPL", targets=3)
    assert cells(operator, config)["record"] == pooled.sentence()


def make_record(**values: Any) -> StrategyRecord:
    counts = {"cases": 212, "targets": 100, "stops": 80, "bars": 9_000, "computed_at": make.T0}
    return StrategyRecord.objects.create(**{"strategy_id": RSI, "timeframe": "1d"} | counts | values)


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    operator: Client, config: StrategyConfig, count_queries: CountQueries
) -> None:
    many = [StrategyConfig(strategy_id=f"s{n}", timeframe="1d", scanned_at=make.T0) for n in range(90)]
    StrategyConfig.objects.bulk_create(many)
    with count_queries(
        "admin strategy configurations"
    ):  # who asks (2), counts (2), the page, its scans and its records
        operator.get(LIST)


# What an operator may do


def test_switching_off_and_on_is_written_down_and_fresh(operator: Client, config: StrategyConfig) -> None:
    StrategyConfig.objects.update(scanned_at=make.T0)
    assert act(operator, "switch_off", config)[0].startswith("Switched off: 1.")
    config.refresh_from_db()
    assert (config.enabled, config.is_fresh) == (False, True)
    act(operator, "switch_on", config)
    config.refresh_from_db()
    assert config.enabled
    assert LogEntry.objects.count() == 2


def test_switching_off_twice_is_the_same_as_once(operator: Client, config: StrategyConfig) -> None:
    act(operator, "switch_off", config)
    config.refresh_from_db()
    first = config.changed_at
    assert act(operator, "switch_off", config)[0].startswith("Switched off: 0.")
    config.refresh_from_db()
    assert config.changed_at == first
    assert LogEntry.objects.count() == 1


def test_a_rescan_evaluates_the_chosen_ones_again(operator: Client, config: StrategyConfig) -> None:
    StrategyConfig.objects.update(scanned_at=make.T0)
    assert act(operator, "rescan", config)[0].startswith("A scan is queued")
    assert [stored for stored in StrategyConfig.objects.all() if stored.is_fresh] == [config]
    assert (Scan.objects.get().trigger, OrmQ.objects.count()) == ("request", 1)
    assert str(Scan.objects.get().requested_by) == "operator"


def test_a_rescan_is_no_change(operator: Client, config: StrategyConfig) -> None:
    StrategyConfig.objects.update(scanned_at=make.T0, changed_at=make.T0 - timedelta(days=1))
    act(operator, "rescan", config)
    config.refresh_from_db()
    assert config.is_fresh
    assert config.changed_at == make.T0 - timedelta(days=1)


@pytest.mark.parametrize("action", ["switch_on", "switch_off", "rescan"])
def test_a_reader_may_do_none_of_it(reader: Client, config: StrategyConfig, action: str) -> None:
    act(reader, action, config)
    assert list(StrategyConfig.objects.filter(enabled=True, changed_at=None)) == list(
        StrategyConfig.objects.all()
    )
    assert not Scan.objects.exists()


def test_a_reader_reads_the_parameters_and_saves_nothing(reader: Client, config: StrategyConfig) -> None:
    page = reader.get(page_of(config)).content.decode()
    assert "<td>RSI period</td><td>14</td>" in page
    assert 'name="parameter_' not in page
    assert reader.post(page_of(config), entry(lifetime_bars=9)).status_code == 403
    assert reader.get(NEW).status_code == 403
    assert reader.post(NEW, entry()).status_code == 403
    assert not StrategyConfig.objects.filter(timeframe="1h").exists()
