"""Addresses hold secrets: they are in no log line, error, row or answer, whatever goes wrong."""

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from approvals import notify
from approvals.models import Notification
from approvals.notify import transport
from approvals.notify.messages import Message
from approvals.notify.transport import Outcome
from tests import make
from tests.approvals.listener import Listener

SECRET = "hunter2-token"
MESSAGE = Message("Bought", "10 AAPL")


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def closed_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM deliveries, notifications")
        return str(cursor.fetchall())


@pytest.mark.parametrize("answers", [[200], [500], [Listener.HANG]])
@pytest.mark.django_db
def test_no_secret_is_left_behind_by_sending(
    listener: Listener,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answers: list[int],
) -> None:
    settings.NOTIFY_URLS = [
        listener.url(f"/{SECRET}", seconds=2).replace("127.0.0.1", f"ann:{SECRET}@127.0.0.1")
    ]
    listener.answers = answers
    notify.put(Notification.Kind.HALT, "halt 1", "Trading is halted", make.T0)
    notify.send(make.T0)
    assert len(listener.paths) == 1
    everything = [caplog.text, str(capfd.readouterr()), rows(), repr(notify.targets())]
    assert [part for part in everything if SECRET in part] == []


@pytest.mark.parametrize(
    "url",
    [
        f"json://ann:{SECRET}@127.0.0.1:{{port}}/{SECRET}",
        f"mailto://ann:{SECRET}@example.test?smtp=127.0.0.1&port={{port}}",
        f"tgram://{SECRET}/too-short",
        f"nonsense://{SECRET}",
        SECRET,
        f"{SECRET}://",
        "",
    ],
)
def test_no_secret_is_left_behind_by_an_address_that_fails(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    result = transport.post(url.format(port=closed_port()), MESSAGE, silent=False)
    transport.recipients(url)
    assert result.outcome is Outcome.FAILED
    assert [part for part in (caplog.text, str(capfd.readouterr()), result.problem) if SECRET in part] == []


def test_an_address_is_named_by_a_hash_of_this_installation(settings: Settings) -> None:
    settings.NOTIFY_URLS = [f"json://host/{SECRET}"]
    [target] = notify.targets()
    settings.SECRET_KEY = "another"
    [elsewhere] = notify.targets()
    assert len(target.name) == 16
    assert target.name != elsewhere.name


def test_logs_of_others_go_on_as_before(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    transport.post(listener.url(), MESSAGE, silent=False)
    logging.getLogger("urllib3").debug("heard")
    assert "heard" in caplog.text


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ntfy://topic", {"priority": "low"}),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", {"silent": True}),
        ("pover://u1234567890123456789012345678901@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", {"priority": -2}),
        ("mailto://user:pass@gmail.com", {}),
    ],
)
def test_silent_is_the_lowest_that_a_service_offers(url: str, options: dict[str, Any]) -> None:
    service = transport._service(url, silent=True)
    assert {name: getattr(service, name) for name in options} == options


@pytest.mark.parametrize(("url", "count"), [("json://a", 1), ("tgram://123456789:abcdefg_hijklmnop/1/2", 2)])
def test_the_recipients_of_an_address_are_counted(url: str, count: int) -> None:
    assert transport.recipients(url) == count
