"""Take over the watchlist, interval and provider settings of an older installation."""

import fcntl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from market.imports.old_configuration import BadConfig, OldConfig, parse
from market.models import Installation, Instrument


class ConfigurationRefused(ValueError):
    """Nothing was taken over. The message says why and what to do."""


@dataclass(frozen=True)
class ConfigurationPlan:
    """What changes (or would): symbols newly watched, settings to write, settings that .env has already."""

    watched: list[str]
    others: list[str]
    written: dict[str, str]
    kept: dict[str, str]
    notes: list[str]


def plan(text: str, env_file: Path) -> ConfigurationPlan:
    """Return what taking over the file `text` would change. Raises ConfigurationRefused."""
    try:
        config = parse(text)
    except BadConfig as problem:
        raise ConfigurationRefused(str(problem)) from problem
    _check_symbols(config)
    _check_database(config)
    current = read_env_file(env_file)
    watched = set(Instrument.objects.watched().values_list("symbol", flat=True))
    return ConfigurationPlan(
        watched=[symbol for symbol in config.symbols if symbol not in watched],
        others=sorted(watched.difference(config.symbols)),
        written={name: value for name, value in config.settings.items() if name not in current},
        kept={
            name: current[name]
            for name, value in config.settings.items()
            if current.get(name, value) != value
        },
        notes=config.notes,
    )


def carry_out(planned: ConfigurationPlan, env_file: Path) -> None:
    """Write the watchlist and the settings, both or neither."""
    with transaction.atomic():
        for symbol in planned.watched:
            Instrument.objects.update_or_create(symbol=symbol, defaults={"watched": True})
        add_to_env_file(env_file, planned.written)


def masked(name: str, value: str) -> str:
    """Return a setting as it may be printed."""
    hidden = name in settings.SECRET_SETTINGS or "@" in value
    return f"{name}=(not shown)" if hidden else f"{name}={value}"


def read_env_file(path: Path) -> dict[str, str]:
    """Return what a .env file sets, as django-environ reads it."""

    class InFile(environ.Env):  # type: ignore[misc]  # django-environ has no types
        ENVIRON: dict[str, Any] = {}

    if path.is_file():
        InFile.read_env(path)
    return dict(InFile.ENVIRON)


def add_to_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Append settings to a .env file; what is there stays."""
    if not values:
        return
    path.touch(mode=0o600, exist_ok=True)
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        lines = [f"{name}='{value}'\n" for name, value in values.items()]
        file.write("".join(["" if text.endswith("\n") or not text else "\n", *lines]))


def _check_symbols(config: OldConfig) -> None:
    for symbol in config.symbols:
        try:
            Instrument(symbol=symbol).clean_fields(exclude=["calendar"])
        except ValidationError as error:
            raise ConfigurationRefused(f"{symbol}: {' '.join(error.messages)}") from error


def _check_database(config: OldConfig) -> None:
    """Refuse settings for real data without the watchlist of the database that will hold it."""
    if not config.has_provider or settings.DATA_KIND == "real":
        return
    if connection.settings_dict["ENGINE"] == "jaxsite.embedded_postgres":
        raise ConfigurationRefused(
            "The file switches on a provider of real data, and this is the database of simulated data. Run"
            " DATA=real manage.py migrate, then DATA=real manage.py import_config with the same file."
        )
    if Installation.objects.filter(data=Installation.Data.SIMULATED).exists():
        raise ConfigurationRefused(
            "The file switches on a provider of real data, and this database holds simulated data, for good."
            " Point DATABASE_URL at an empty database first."
        )
