"""What the configuration file of an older installation, jax-market.json, means in today's settings. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from market.providers import registry
from market.providers.base import OldNames, ProviderSpec

INTERVAL_STEP = 60
NANOSECONDS = 1e9  # the older service kept durations as nanoseconds
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
PROVIDERS = [(spec, spec.old_names) for spec in registry.REAL if spec.old_names]
KEYS = {"symbols", "ingest_interval", *(spec.name for spec, _ in PROVIDERS)}


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
        return any(spec.required[0] in self.settings for spec, _ in PROVIDERS)


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
    for spec, names in PROVIDERS:
        _provider(spec, names, old.get(spec.name), config)
    if others := sorted(old.keys() - KEYS):
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


def _provider(spec: ProviderSpec, names: OldNames, given: Any, config: OldConfig) -> None:
    first_key = next(iter(names.keys.values()))[0]
    section = _section(spec.name, {first_key: given} if isinstance(given, str) else given, config)
    for setting, keys in names.keys.items():
        value = next((section[key] for key in keys if section.get(key) not in (None, "")), None)
        if value is None and names.port and setting.endswith("_URL") and section.get("host"):
            value = f"http://{section['host']}:{section.get('port') or names.port}"
        if value is None:
            continue
        if setting.endswith("_URL") and names.address not in str(value):
            config.notes.append(
                f"The address of {spec.title} in the file is not that of its market data: left out."
            )
        else:
            _set(setting, value, config)
    missing = [name for name in spec.required if name not in config.settings]
    if missing and len(missing) < len(spec.required):
        needed, lacking = " and ".join(spec.required), " and no ".join(missing)
        config.notes.append(f"{spec.title} needs {needed}, and the file has no {lacking}: set it by hand.")


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
    elif setting.endswith("_PER_MINUTE") and not value.isdecimal():
        config.notes.append(f"{setting} would be no number: left out.")
    else:
        config.settings[setting] = value
