"""What an older installation's configuration file means."""

import json
from typing import Any

import pytest

from market.imports.old_configuration import BadConfig, OldConfig, parse


def parsed(**keys: Any) -> OldConfig:
    return parse(json.dumps(keys))


@pytest.mark.parametrize(
    "symbols",
    [["AAPL", "brk b", "AAPL"], "AAPL, BRK.B", [{"symbol": "AAPL"}, {"symbol": "BRK.B", "enabled": True}]],
)
def test_the_watchlist_is_read_in_any_of_its_shapes(symbols: Any) -> None:
    assert parsed(symbols=symbols).symbols == ["AAPL", "BRK.B"]


def test_a_symbol_that_is_switched_off_is_left_out_and_told() -> None:
    config = parsed(symbols=["AAPL", {"symbol": "MSFT", "enabled": False}])
    assert (config.symbols, config.notes) == (["AAPL"], ["MSFT is switched off in the file: left out."])


@pytest.mark.parametrize("interval", [120, 120.0, "120", "120s", "2m", "2m0s", 120_000_000_000], ids=repr)
def test_the_interval_is_read_in_any_of_its_shapes(interval: Any) -> None:
    config = parsed(ingest_interval=interval)
    assert (config.settings, config.notes) == ({"INGEST_INTERVAL_SECONDS": "120"}, [])


@pytest.mark.parametrize(("interval", "rounded"), [(30, "60"), (90, "120"), (1, "60"), ("1h0m10s", "3600")])
def test_the_interval_becomes_whole_minutes_with_a_word_about_it(interval: Any, rounded: str) -> None:
    config = parsed(ingest_interval=interval)
    assert config.settings == {"INGEST_INTERVAL_SECONDS": rounded}
    assert config.notes[0].endswith(f"becomes {rounded} s: the queue works in whole minutes.")


PROVIDERS = {
    "key alone": ({"polygon": "abc"}, {"POLYGON_API_KEY": "abc"}),
    "polygon": (
        {"polygon": {"api_key": "abc", "base_url": "https://p.example", "rate_limit": 100}},
        {
            "POLYGON_API_KEY": "abc",
            "POLYGON_BASE_URL": "https://p.example",
            "POLYGON_REQUESTS_PER_MINUTE": "100",
        },
    ),
    "alpaca": (
        {"alpaca": {"enabled": True, "api_key": "abc", "secret_key": "def"}},
        {"ALPACA_API_KEY": "abc", "ALPACA_API_SECRET": "def"},
    ),
    "bridge by address": ({"ib_bridge": {"url": "http://h:8092"}}, {"IB_BRIDGE_URL": "http://h:8092"}),
    "bridge by host": ({"ib_bridge": {"host": "h"}}, {"IB_BRIDGE_URL": "http://h:8092"}),
    "bridge by port": ({"ib_bridge": {"host": "h", "port": 9000}}, {"IB_BRIDGE_URL": "http://h:9000"}),
    "nothing": ({"polygon": None, "alpaca": {}, "ib_bridge": ""}, {}),
}


@pytest.mark.parametrize(("keys", "settings"), PROVIDERS.values(), ids=PROVIDERS)
def test_provider_settings_are_found_under_their_names(keys: Any, settings: dict[str, str]) -> None:
    config = parsed(**keys)
    assert (config.settings, config.notes) == (settings, [])


LEFT_OUT = {
    "off": ({"polygon": {"enabled": False, "api_key": "abc"}}, "polygon is switched off in the file"),
    "a reference": ({"polygon": {"api_key": "${KEY}"}}, "POLYGON_API_KEY cannot be taken over"),
    "no address": ({"ib_bridge": "bridge"}, "IB_BRIDGE_URL would be no http address"),
    "the trading side": (
        {"alpaca": {"base_url": "https://paper-api.alpaca.markets"}},
        "The address of Alpaca in the file is not that of its market data",
    ),
    "no number": ({"polygon": {"rate_limit": "fast"}}, "POLYGON_REQUESTS_PER_MINUTE would be no number"),
    "a stranger": ({"database_url": "x"}, "Left out, for nothing here answers to it: database_url."),
}


@pytest.mark.parametrize(("keys", "note"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_cannot_be_taken_over_is_told(keys: Any, note: str) -> None:
    config = parsed(**keys)
    assert config.settings == {}
    assert note in config.notes[0]


def test_a_key_without_its_secret_is_told() -> None:
    assert parsed(alpaca={"api_key": "abc"}).notes == [
        "Alpaca needs ALPACA_API_KEY and ALPACA_API_SECRET, "
        "and the file has no ALPACA_API_SECRET: set it by hand."
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1: this is not JSON"),
        ("[]", "the file holds no object"),
        ('{"symbols": 5}', "symbols is not a list"),
        ('{"symbols": [5]}', "symbols holds 5, which is no symbol"),
        ('{"ingest_interval": "soon"}', "ingest_interval is 'soon', which is no length of time"),
        ('{"ingest_interval": true}', "ingest_interval is True, which is no length of time"),
        ('{"ingest_interval": 0}', "ingest_interval is 0, which is no length of time"),
        ('{"polygon": [1]}', "polygon is a list, which holds no settings"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadConfig, match=reason):
        parse(text)
