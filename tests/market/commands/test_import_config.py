"""`manage.py import_config`: the watchlist into the database, settings into .env, secrets nowhere else."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from market.models import Installation, Instrument
from tests import make

pytestmark = pytest.mark.django_db

OLD = {
    "symbols": ["AAPL", "IBM"],
    "ingest_interval": 90,
    "polygon": {"enabled": True, "api_key": "s3cret#1"},
    "ib_bridge": {"host": "bridge.local", "port": 8092},
}


@pytest.fixture
def env_file(tmp_path: Path, settings: Settings) -> Path:
    settings.ENV_FILE = tmp_path / ".env"
    settings.DATA_KIND = "real"
    settings.ENV_FILE.write_text("SECRET_KEY=abc\n# mine\nIB_BRIDGE_URL=http://mine:8092")
    make.only("AAPL", "SPY")
    return tmp_path / ".env"


def run(env_file: Path, old: dict[str, Any] = OLD, *options: str) -> str:
    file = env_file.parent / "jax-market.json"
    file.write_text(json.dumps(old))
    out = StringIO()
    call_command("import_config", str(file), *options, stdout=out)
    return out.getvalue()


def watched() -> list[str]:
    return list(Instrument.objects.watched().values_list("symbol", flat=True))


def test_it_takes_over_watchlist_and_settings_beside_what_is_there(env_file: Path) -> None:
    output = run(env_file)
    assert watched() == ["AAPL", "IBM", "SPY"]
    assert env_file.read_text() == (
        "SECRET_KEY=abc\n# mine\nIB_BRIDGE_URL=http://mine:8092\n"
        "INGEST_INTERVAL_SECONDS='120'\nPOLYGON_API_KEY='s3cret#1'\n"
    )
    assert output.splitlines()[:-1] == [
        "Now watched: IBM.",
        "Watched before, not in the file, still watched: SPY.",
        f"Written to {env_file}:",
        "  INGEST_INTERVAL_SECONDS=120",
        "  POLYGON_API_KEY=(not shown)",
        "  IB_BRIDGE_URL=http://mine:8092 stays, though the file says otherwise.",
        "The interval of 90 s becomes 120 s: the queue works in whole minutes.",
    ]


def test_twice_is_the_same_as_once(env_file: Path) -> None:
    run(env_file)
    before = env_file.read_text()
    assert f"Written to {env_file}:\n  nothing\n" in run(env_file)
    assert env_file.read_text() == before


def test_a_dry_run_changes_nothing_and_says_what_would(env_file: Path) -> None:
    before = env_file.read_text()
    assert "Would be watched: IBM." in run(env_file, OLD, "--dry-run")
    assert (env_file.read_text(), watched()) == (before, ["AAPL", "SPY"])


def test_a_new_env_file_is_only_for_its_owner(env_file: Path) -> None:
    env_file.unlink()
    run(env_file)
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_a_symbol_that_cannot_be_one_is_refused_and_nothing_is_written(env_file: Path) -> None:
    before = env_file.read_text()
    with pytest.raises(CommandError, match=r"A symbol is 1 to 16 capital letters"):
        run(env_file, OLD | {"symbols": ["NEW", "NOT&A/SYMBOL"]})
    assert (env_file.read_text(), watched()) == (before, ["AAPL", "SPY"])


def test_a_watchlist_is_not_written_when_the_settings_cannot_be(env_file: Path) -> None:
    env_file.unlink()
    env_file.mkdir()
    with pytest.raises(CommandError, match="Nothing was taken over"):
        run(env_file)
    assert watched() == ["AAPL", "SPY"]


def test_a_database_of_simulated_data_refuses_a_real_provider(env_file: Path, settings: Settings) -> None:
    settings.DATA_KIND = "simulated"
    Installation.objects.create(pk=1, data=Installation.Data.SIMULATED, decided_at=make.T0)
    with pytest.raises(CommandError, match="The file switches on a provider of real data"):
        run(env_file)
    assert "Now watched: IBM" in run(env_file, {"symbols": ["IBM"]})


def test_what_the_watchlist_then_asks_too_much_of_is_told(env_file: Path, settings: Settings) -> None:
    settings.PROVIDERS, settings.IB_BRIDGE_URL = ["ib_bridge"], "http://127.0.0.1:1"
    settings.CANDLE_TIMEFRAMES = ["1m"]
    file, errors = env_file.parent / "jax-market.json", StringIO()
    file.write_text(json.dumps({"symbols": [f"S{number}" for number in range(6)]}))
    call_command("import_config", str(file), stdout=StringIO(), stderr=errors)
    assert "8 instruments on 1m need 8.0 requests a minute; IB Bridge allows 6.0" in errors.getvalue()
