"""A wrong setting is found before anything runs, and the message says what to write instead."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.db import connection
from django.db.backends.base import base
from pytest_django.fixtures import Settings

from jaxsite import checks
from market import feeds
from tests import make
from tests.jaxsite.processes import manage, manage_with


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


def test_the_defaults_pass() -> None:
    assert manage_with({}, "check") == "System check identified no issues (0 silenced).\n"


def test_an_unknown_provider_is_refused(settings: Settings) -> None:
    settings.PROVIDERS = ["alpaca", "yahoo"]
    assert ids(checks.check_providers()) == ["jax.E002"]
    settings.PROVIDERS = ["alpaca"]
    assert checks.check_providers() == []


@pytest.mark.parametrize(
    ("timeframes", "expected"),
    [(["1d", "2h"], ["jax.E004"]), (["1d", "1h"], ["jax.E004"]), (["15m"], ["jax.W005"]), (["1d", "1m"], [])],
)
def test_timeframes_are_ones_that_can_be_fetched(
    settings: Settings, timeframes: list[str], expected: list[str]
) -> None:
    settings.CANDLE_TIMEFRAMES = timeframes
    assert ids(checks.check_timeframes()) == expected


def test_a_simulator_named_beside_a_configured_provider_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONFIGURED = {"ib_bridge": False, "alpaca": True, "polygon": False}
    assert checks.check_that_data_is_not_mixed() == []  # the default list only falls back to it
    monkeypatch.setenv("PROVIDERS", "alpaca,simulator")
    assert ids(checks.check_that_data_is_not_mixed()) == ["jax.E006"]
    settings.PROVIDERS = ["alpaca"]
    assert checks.check_that_data_is_not_mixed() == []


@pytest.mark.parametrize("name", ["NOTIFY_OFF", "NOTIFY_SILENT"])
def test_kinds_of_messages_are_ones_that_exist(settings: Settings, name: str) -> None:
    setattr(settings, name, ["halt", "signals"])
    [message] = checks.check_kinds_of_messages()
    assert message.msg == f"{name} names signals, which are no kinds of messages."
    setattr(settings, name, ["halt", "feed"])
    assert checks.check_kinds_of_messages() == []


@pytest.mark.parametrize(
    ("hours", "expected"),
    [("22-7", ["jax.E013"]), ("22:00-22:00", ["jax.E013"]), ("22:00-07:00", []), ("", [])],
)
def test_quiet_hours_can_be_read(settings: Settings, hours: str, expected: list[str]) -> None:
    settings.NOTIFY_QUIET_HOURS, settings.NOTIFY_TIME_ZONE = hours, "America/New_York"
    assert ids(checks.check_quiet_hours()) == expected


def test_an_address_that_cannot_be_read_is_named_by_its_place(settings: Settings) -> None:
    settings.NOTIFY_URLS = ["json://127.0.0.1/hunter2", "nonsense://hunter2", "tgram://1:abcdefghijk/hunter2"]
    [message] = checks.check_addresses_of_people()
    assert message.msg == "Address 2 of NOTIFY_URLS cannot be read by Apprise."
    assert "hunter2" not in f"{message}"


def test_an_address_with_several_recipients_is_warned_of(settings: Settings) -> None:
    settings.NOTIFY_URLS = ["ntfy://ntfy.example.com/one/two"]
    assert ids(checks.check_addresses_of_people()) == ["jax.W015"]


@pytest.mark.slow
def test_a_database_that_is_not_postgresql_is_refused() -> None:
    output = manage_with({"DATABASE_URL": "sqlite:///:memory:"}, "check", ok=False)
    assert "(jax.E007) DATABASE_URL names a SQLite database; Jax needs PostgreSQL." in output


@pytest.mark.django_db
def test_a_database_that_holds_the_other_kind_of_data_is_refused(settings: Settings) -> None:
    feeds.settle_installation("simulated", make.T0)
    settings.DATA_KIND = "real"
    assert ids(checks.check_installation(databases=["default"])) == ["jax.E010"]
    settings.DATA_KIND = "simulated"
    assert checks.check_installation(databases=["default"]) == []


OTHER_DATA = """
from django.utils import timezone
from market import feeds
feeds.settle_installation("real", timezone.now())
"""


@pytest.mark.slow
@pytest.mark.long
def test_no_service_starts_on_the_other_kind_of_data(var: Path, install: Callable[[Path], None]) -> None:
    install(var)
    manage(var, "shell", "--no-imports", "-c", OTHER_DATA)
    for command in (["migrate"], ["qcluster"], ["shell", "--no-imports", "-c", "import jaxsite.wsgi"]):
        assert "set DATA=real" in manage(var, *command, ok=False)


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_server(databases=["default"]) == []
    connection.close()
    monkeypatch.setattr(base, "RAN_DB_VERSION_CHECK", set())
    monkeypatch.setattr(type(connection.features), "minimum_database_version", (99,))
    assert ids(checks.check_server(databases=["default"])) == ["jax.E008"]
    connection.close()


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_said_without_a_traceback() -> None:
    output = manage_with({"DATABASE_URL": "postgres://127.0.0.1:1/jax"}, "migrate", ok=False)
    assert "(jax.E009)" in output
    assert "HINT: Is DATABASE_URL right, and does the server run?" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_a_web_server_refuses_as_a_command_does() -> None:
    load = ("shell", "--no-imports", "-c", "import jaxsite.wsgi")  # shell itself checks nothing
    assert "(jax.E002) PROVIDERS names yahoo" in manage_with({"PROVIDERS": "yahoo"}, *load, ok=False)
