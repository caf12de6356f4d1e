"""The connection to the broker in words, from what is stored: nobody asks the broker for it."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from approvals.execution import describe_connection
from approvals.execution.describing import findings
from approvals.models import BrokerStream, Gate, Order
from tests import make
from tests.make import T0

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
State = BrokerStream.State


@pytest.fixture
def alpaca(settings: Settings) -> None:
    """Alpaca where nothing listens: who asks it fails."""
    settings.BROKER, settings.ALPACA_API_KEY, settings.ALPACA_API_SECRET = "alpaca", "PKTEST", "alpaca-secret"
    settings.ALPACA_TRADING_URL = "http://127.0.0.1:9"
    make.ready(T0, broker="alpaca")


def stream(state: BrokerStream.State, **values: Any) -> None:
    row = {"state": state, "since": T0 - 90 * SECOND, "updated_at": T0 - SECOND} | values
    BrokerStream.objects.update_or_create(broker="alpaca", defaults=row)


@pytest.mark.usefixtures("alpaca")
def test_a_stream_that_is_live_is_told_with_its_account_and_last_answer(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    stream(State.LIVE, told_at=T0 - 5 * SECOND)
    with django_assert_num_queries(1):
        connection = describe_connection(T0)
    since, listened_since = T0 - 300 * SECOND, T0 - 90 * SECOND
    assert connection.text == (
        f"Alpaca, paper accounts only. Connected since {since:%Y-%m-%d %H:%M} UTC; "
        f"it answered last at {T0:%H:%M:%S} UTC. "
        f"Changes are heard of at once, since {listened_since:%Y-%m-%d %H:%M:%S} UTC, "
        f"the last at {T0 - 5 * SECOND:%H:%M:%S} UTC."
    )
    assert (connection.advice, connection.is_listened_to) == ("", True)


@pytest.mark.usefixtures("alpaca")
def test_what_the_broker_says_is_wrong_is_the_advice_without_secrets() -> None:
    stream(State.LIVE, reason="The farm is down; the key alpaca-secret is fine.")
    connection = describe_connection(T0)
    assert connection.advice.startswith("The farm is down")
    assert "alpaca-secret" not in connection.advice
    assert connection.is_listened_to
    stream(State.LOST, reason="The line broke.")
    connection = describe_connection(T0)
    assert "nothing is heard from Alpaca" in connection.text
    assert (connection.advice, connection.is_listened_to) == ("The line broke.", False)


@pytest.mark.usefixtures("alpaca")
@pytest.mark.parametrize("silent_for", [None, 61 * SECOND])
def test_a_process_that_does_not_listen_is_said_with_how_to_start_it(silent_for: timedelta | None) -> None:
    if silent_for is not None:
        stream(State.LIVE, updated_at=T0 - silent_for)
    connection = describe_connection(T0)
    assert "the comparison of each minute: the process that listens does not run" in connection.text
    assert "manage.py stream" in connection.advice
    assert not connection.is_listened_to


@pytest.mark.usefixtures("alpaca")
def test_the_oldest_order_without_an_answer_is_told() -> None:
    for seconds in (40, 10):
        make.order(
            status=Order.Status.SUBMITTED,
            broker="alpaca",
            submitted_at=T0 - seconds * SECOND,
            acknowledged_at=None,
        )
    assert describe_connection(T0).text.endswith("Orders without an answer: 2, the oldest for 40 s.")


def test_a_broker_that_is_away_or_was_never_asked_is_said() -> None:
    assert "It has not been asked yet." in describe_connection(T0).text
    make.ready(T0)
    Gate.objects.update(broker_good_since=None)
    assert f"It is away; it answered last at {T0:%H:%M:%S} UTC." in describe_connection(T0).text
    assert "It has not been asked since" in describe_connection(T0 + timedelta(minutes=4)).text


def test_real_money_is_said_without_its_number(settings: Settings) -> None:
    settings.LIVE_TRADING = "123456789"
    text = describe_connection(T0).text
    assert "real money" in text
    assert "123456789" not in text


def test_the_doctor_asks_the_broker_and_says_why_it_cannot_be(alpaca: None, settings: Settings) -> None:
    connection, account = findings(T0)
    assert connection.about == "connection to the broker"
    assert account.text == "it cannot be asked"
    assert account.advice
    settings.BROKER = "paper"
    assert [finding.advice for finding in findings(T0)] == ["", ""]
