import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tests.jaxsite.processes import ROOT, environment, free_port, manage_with

EXAMPLE = (ROOT / ".env.example").read_text()


def test_every_setting_is_explained_in_the_example_file() -> None:
    read = set(re.findall(r'env\.\w+\("([A-Z0-9_]+)"', (ROOT / "jaxsite" / "settings.py").read_text()))
    explained = set(re.findall(r"^#([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert explained == read | set(settings.VENDOR_SETTINGS)


@pytest.mark.slow
def test_a_vendors_setting_of_another_type_is_refused_by_its_name() -> None:
    output = manage_with({"POLYGON_REQUESTS_PER_MINUTE": "fast"}, "check", ok=False)
    assert output == (
        "POLYGON_REQUESTS_PER_MINUTE is not a whole number from 1 to 10,000: fast.\n"
        f"Correct it in the environment or in {os.devnull}.\n"
    )


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Reads the settings anew, with some values in the environment."""

    def read(**values: str) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            patch.delenv("DATABASE_URL", raising=False)
            for name, value in values.items():
                patch.setenv(name, value)
            return runpy.run_path(str(ROOT / "jaxsite" / "settings.py"))

    return read


def settings_of(module: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in module.items() if name.isupper()}


def test_the_values_in_the_example_file_are_the_defaults(read: Any) -> None:
    written = dict(re.findall(r"^#([A-Z0-9_]+)=(.+)$", EXAMPLE, re.MULTILINE))
    defaults = settings_of(read())
    assert settings_of(read(**written)) == defaults
    assert settings_of(read(**written | {"PORT": "9000"})) != defaults


def test_addresses_of_people_are_parted_by_spaces_or_commas(read: Any) -> None:
    urls = "ntfy://one  mailto://ann:pw@example.com?to=a@example.com,b@example.com,json://three"
    three = ["ntfy://one", "mailto://ann:pw@example.com?to=a@example.com,b@example.com", "json://three"]
    assert read(NOTIFY_URLS=urls)["NOTIFY_URLS"] == three


def refusal(read: Any, **values: str) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**values)
    return str(refused.value)


NAMES = re.findall(r"^#([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRADING_CAPITAL", "0"),
        ("TRADING_CAPITAL", "$5000"),
        ("PAPER_EQUITY", "0"),
        ("PAPER_SLIPPAGE_BPS", "-2"),
        ("RISK_PER_TRADE", "0"),
        ("MAX_DAY_LOSS", "3"),
        ("MAX_GROSS", "0"),
        ("INGEST_INTERVAL_SECONDS", "0"),
        ("INGEST_INTERVAL_SECONDS", "-60"),
        ("INGEST_INTERVAL_SECONDS", "30"),
        ("INGEST_INTERVAL_SECONDS", "90"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DATA", "demo"),
        ("PRODUCTION", "ture"),
        ("ALLOW_SHORT", "maybe"),
        ("NOTIFY_TIME_ZONE", "New York"),
        ("NOTIFY_TIME_ZONE", "../UTC"),
        ("SITE_URL", "jax.example.com"),
        ("IB_BRIDGE_URL", "127.0.0.1:8092"),
        ("ALLOWED_HOSTS", "https://jax.example.com"),
        ("BIND", "127.0.0.1:8095"),
        ("LOG_LEVEL", "LOUD"),
        ("MEMORY_BANK", "jax # the bank"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://host"),
        ("ALPACA_API_KEY", "abc # mine"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(read: Any, name: str, text: str) -> None:
    assert refusal(read, **{name: text}).startswith(f"{name} is not ")


def test_all_of_them_are_told_at_once_and_where_to_correct_them(read: Any) -> None:
    assert refusal(read, TRADING_CAPITAL="0", MAX_OPEN_POSITIONS="-1").splitlines() == [
        "TRADING_CAPITAL is not a number above 0 and up to 1,000,000,000,000: 0.",
        "MAX_OPEN_POSITIONS is not a whole number from 0 to 10,000: -1.",
        f"Correct it in the environment or in {os.devnull}.",
    ]


def test_no_password_is_told(read: Any) -> None:
    urls = {"DATABASE_URL": "postgres://ann:hunter2@host", "SITE_URL": "ftp://ann:hunter2@host"}
    assert "hunter2" not in refusal(read, **urls)


def test_empty_means_not_set(read: Any) -> None:
    kept = {"SECRET_KEY", "ENV_FILE"}
    plain, emptied = read(), read(**{name: " " for name in NAMES if name not in kept})
    assert {name: emptied[name] for name in NAMES if name in plain} == {
        name: plain[name] for name in NAMES if name in plain
    }


def test_capitals_and_spaces_of_words_do_not_matter(read: Any) -> None:
    values = read(DATA="Real", LOG_LEVEL="debug", PRODUCTION="TRUE", CANDLE_TIMEFRAMES="1d, 5m")
    assert [values[name] for name in ("DATA", "LOG_LEVEL", "PRODUCTION")] == ["real", "DEBUG", True]
    assert values["CANDLE_TIMEFRAMES"] == ["1d", "5m"]


class TestEnvFile:
    def test_where_no_key_can_be_written_it_says_what_to_do(self, read: Any) -> None:
        output = refusal(read, ENV_FILE="/proc/nothing/.env", SECRET_KEY="")
        assert output.startswith("There is no SECRET_KEY, and a new one cannot be written into /proc/nothing")
        assert output.endswith("set ENV_FILE to a file that it may write, or set SECRET_KEY.")

    @pytest.mark.parametrize("line", ["MAX_DAY_LOSS = 0.01", " PORT=9000", "PORT: 9000", "hunter2"])
    def test_a_line_that_sets_nothing_is_refused_by_its_number(
        self, read: Any, tmp_path: Path, line: str
    ) -> None:
        path = tmp_path / ".env"
        path.write_text(f"# mine\n\nDATA=real\n{line}\n")
        output = refusal(read, ENV_FILE=str(path))
        assert output.startswith(f"{path}, line 4, sets nothing.")
        assert "hunter2" not in output

    def test_one_that_cannot_be_read_is_refused(self, read: Any, tmp_path: Path) -> None:
        assert "cannot be read (Is a directory)" in refusal(read, ENV_FILE=str(tmp_path))
        (tmp_path / "latin").write_bytes(b"MEMORY_BANK=caf\xe9\n")
        assert "cannot be read (it is no text in UTF-8)" in refusal(read, ENV_FILE=str(tmp_path / "latin"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "runserver", "qcluster", "migrate"])
def test_no_command_begins_with_a_setting_that_makes_no_sense(command: str) -> None:
    output = manage_with({"MAX_OPEN_POSITIONS": "-1"}, command, ok=False)
    assert output.startswith("MAX_OPEN_POSITIONS is not a whole number from 0 to 10,000: -1.\n")


@pytest.mark.slow
def test_no_worker_of_a_misspelt_cluster_begins() -> None:
    output = manage_with({"Q_CLUSTER_NAME": "slwo"}, "qcluster", ok=False)
    assert "Q_CLUSTER_NAME is slwo, which is no cluster of Jax. Use slow, or leave it out." in output


@pytest.mark.slow
def test_the_web_server_does_not_begin_either() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "jaxsite.web"],
        cwd=ROOT,
        env=environment(Path(os.devnull)) | {"TRADING_CAPITAL": "0", "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("TRADING_CAPITAL is not a number above 0")
    assert "Traceback" not in ended.stderr
