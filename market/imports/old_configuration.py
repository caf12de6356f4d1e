"""What the configuration file of an older installation, jax-market.json, means in today's settings. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

INTERVAL_STEP = 60
NANOSECONDS = 1e9  # the older service kept durations as nanoseconds
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
KNOWN = ("symbols", "ingest_interval", "polygon", "alpaca", "ib_bridge")
BRIDGE_PORT = 8092

# Today's setting, and the names under which the file may have it.
PROVIDERS = {
    "polygon": {
        "POLYGON_API_KEY": ("api_key", "apikey", "key", "token"),
        "POLYGON_BASE_URL": ("base_url", "url"),
        "POLYGON_REQUESTS_PER_MINUTE": ("requests_per_minute", "rate_limit"),
    },
    "alpaca": {
        "ALPACA_API_KEY": ("api_key", "api_key_id", "key_id", "apikey", "key"),
        "ALPACA_API_SECRET": ("api_secret", "secret_key", "api_secret_key", "secret"),
        "ALPACA_BASE_URL": ("data_url", "base_url", "url"),
        "ALPACA_REQUESTS_PER_MINUTE": ("requests_per_minute", "rate_limit"),
    },
}
SWITCHES_ON = {"POLYGON_API_KEY", "ALPACA_API_KEY", "IB_BRIDGE_URL"}


class BadConfig(ValueError):
    """The file cannot be understood. The message says where and why."""


@dataclass
class OldConfig:
    """The watchlist, settings by name, and what was left out or changed on the way, in words."""

    symbols: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def has_provider(self) -> bool:
        return not SWITCHES_ON.isdisjoint(self.settings)


def parse(text: str) -> OldConfig:
    """Read the file. Raises BadConfig when it is not JSON or a value has a shape that says nothing."""
    try:
        old = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadConfig(f"line {error.lineno}: this is not JSON ({error.msg})") from error
    if not isinstance(old, dict):
        raise BadConfig("the file holds no object with keys such as symbols and ingest_interval")
    config = OldConfig()
    _symbols(old.get("symbols") or [], config)
    if old.get("ingest_interval") is not None:
        _interval(old["ingest_interval"], config)
    for provider in PROVIDERS:
        _provider(provider, old.get(provider), config)
    _bridge(old.get("ib_bridge"), config)
    if others := sorted(old.keys() - set(KNOWN)):
        config.notes.append(f"Left out, for nothing here answers to it: {', '.join(others)}.")
    return config


def _symbols(given: Any, config: OldConfig) -> None:
    listed = given.split(",") if isinstance(given, str) else given
    if not isinstance(listed, list):
        raise BadConfig("symbols is not a list")
    for entry in listed:
        if isinstance(entry, dict) and entry.get("enabled", True) is False:
            config.notes.append(f"{entry.get('symbol')} is switched off in the file: left out.")
            continue
        name = entry.get("symbol") if isinstance(entry, dict) else entry
        if not isinstance(name, str) or not name.strip():
            raise BadConfig(f"symbols holds {entry!r}, which is no symbol")
        symbol = name.strip().upper().replace(" ", ".")  # IB writes BRK B
        if symbol not in config.symbols:
            config.symbols.append(symbol)


def _interval(given: Any, config: OldConfig) -> None:
    seconds = _seconds(given)
    if seconds <= 0:
        raise BadConfig(f"ingest_interval is {given!r}, which is no length of time")
    rounded = max(round(seconds / INTERVAL_STEP), 1) * INTERVAL_STEP
    if rounded != seconds:
        config.notes.append(
            f"The interval of {seconds:g} s becomes {rounded} s: the queue works in whole minutes."
        )
    config.settings["INGEST_INTERVAL_SECONDS"] = str(rounded)


def _seconds(given: Any) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return given / NANOSECONDS if given >= NANOSECONDS else float(given)
    match = DURATION.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None:
        raise BadConfig(f"ingest_interval is {given!r}, which is no length of time")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _provider(provider: str, given: Any, config: OldConfig) -> None:
    section = _section(provider, {"api_key": given} if isinstance(given, str) else given, config)
    for setting, names in PROVIDERS[provider].items():
        value = next((section[name] for name in names if section.get(name) not in (None, "")), None)
        if value is not None:
            _set(setting, value, config)
    if provider == "alpaca" and ("ALPACA_API_KEY" in config.settings) != (
        "ALPACA_API_SECRET" in config.settings
    ):
        config.notes.append(
            "Alpaca needs a key and a secret, and the file has one of them: set the other by hand."
        )


def _bridge(given: Any, config: OldConfig) -> None:
    section = _section("ib_bridge", {"url": given} if isinstance(given, str) else given, config)
    address = section.get("url") or section.get("base_url")
    if not address and section.get("host"):
        address = f"http://{section['host']}:{section.get('port') or BRIDGE_PORT}"
    if address:
        _set("IB_BRIDGE_URL", address, config)


def _section(name: str, given: Any, config: OldConfig) -> Mapping[str, Any]:
    if not given:
        return {}
    if not isinstance(given, dict):
        raise BadConfig(f"{name} is a {type(given).__name__}, which holds no settings")
    if given.get("enabled", True) is False:
        config.notes.append(f"{name} is switched off in the file: left out.")
        return {}
    return {key.lower(): value for key, value in given.items()}


def _set(setting: str, given: Any, config: OldConfig) -> None:
    value = str(given).strip()
    if value.startswith("$") or not value.isprintable() or "'" in value:
        config.notes.append(f"{setting} cannot be taken over as it stands there: set it by hand.")
    elif setting.endswith("_URL") and urlsplit(value).scheme not in ("http", "https"):
        config.notes.append(f"{setting} would be no http address: set it by hand.")
    elif setting == "ALPACA_BASE_URL" and "//data." not in value:
        config.notes.append("The address of Alpaca in the file is not that of its market data: left out.")
    elif setting.endswith("_PER_MINUTE") and not value.isdecimal():
        config.notes.append(f"{setting} would be no number: left out.")
    else:
        config.settings[setting] = value
