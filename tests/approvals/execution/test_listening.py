"""Listening to the broker: what it tells has the books compared at once; what ends is tried again."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django_q.models import OrmQ
from pytest_django import Settings

from approvals.brokers import alpaca
from approvals.brokers.base import BrokerAway
from approvals.execution import can_listen
from approvals.execution.listening import Listener, compare_soon, growing_pause
from approvals.models import BrokerStream
from market.models import Fault
from tests.make import T0
from tests.vendors import AlpacaTrading

Changed = Callable[[], None]
LATE = 30.0  # seconds


class Heard:
    """A listener with a stream of the test's, and how often it had the books compared."""

    def __init__(self, stream: Callable[[Changed], None], *, until: int = 1) -> None:
        spec = replace(alpaca.SPEC, stream=lambda values, changed: stream(changed))
        self.compared, self.until, self.alive = 0, until, list[datetime]()
        self.is_enough = threading.Event()
        self.listener = Listener(
            spec, lambda: T0, self.alive.append, compare=self.compare, pause=lambda failures: 0.0
        )

    def compare(self) -> None:
        self.compared += 1
        if self.compared == self.until:
            self.is_enough.set()
            self.listener.stop()


@pytest.mark.django_db
def test_changes_that_come_together_are_one_comparison() -> None:
    def stream(changed: Changed) -> None:
        for _ in range(5):
            changed()
        heard.is_enough.wait(LATE)

    heard = Heard(stream)
    heard.listener.run()
    assert (heard.compared, heard.alive[:1]) == (1, [T0])
    row = BrokerStream.objects.get()
    assert (row.broker, row.state, row.told_at) == ("alpaca", BrokerStream.State.STOPPED, T0)


@pytest.mark.django_db
def test_a_stream_that_ends_is_tried_again_and_looks_at_once() -> None:
    attempts = 0

    def stream(changed: Changed) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise BrokerAway("The line broke.")
        if attempts == 2:
            raise ZeroDivisionError
        changed()
        heard.is_enough.wait(LATE)

    heard = Heard(stream)
    heard.listener.run()
    assert (attempts, heard.compared) == (3, 1)


@pytest.mark.django_db
def test_what_fails_of_a_report_is_told_and_tried_again_while_the_stream_lives() -> None:
    tries = 0

    def stream(changed: Changed) -> None:
        changed()
        heard.is_enough.wait(LATE)

    class Failing(Heard):
        def compare(self) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise ConnectionResetError("the queue's door was shut")
            self.rows = [str(fault.reason) for fault in Fault.objects.all()]
            super().compare()

    heard = Failing(stream)
    heard.listener.run()
    assert (tries, heard.compared, len(heard.alive) >= 2) == (2, 1, True)
    assert heard.rows == ["ConnectionResetError: the queue's door was shut"]
    assert not Fault.objects.exists()  # it went well since
    assert BrokerStream.objects.get().told_at == T0


@pytest.mark.django_db
def test_signs_of_life_that_fail_keep_no_comparison_from_being_made() -> None:
    def stream(changed: Changed) -> None:
        changed()
        heard.is_enough.wait(LATE)

    def fail(at: datetime) -> None:
        raise KeyError("no such service")

    heard = Heard(stream)
    heard.listener.alive = fail
    heard.listener.run()
    assert heard.compared == 1
    assert [fault.subject for fault in Fault.objects.all()] == ["signs of life of the stream"]


@pytest.mark.django_db
def test_what_the_broker_says_is_wrong_stands_in_the_row_of_a_stream_that_is_live() -> None:
    is_asked = threading.Event()

    def stream(changed: Changed) -> None:
        assert is_asked.wait(LATE)
        changed()
        heard.is_enough.wait(LATE)

    def notices(values: Mapping[str, Any]) -> str:
        is_asked.set()
        return "Another session of this user took the market data (10197)."

    heard = Heard(stream)
    heard.listener.spec = replace(heard.listener.spec, notices=notices)
    heard.listener.run()
    assert "Another session of this user" in BrokerStream.objects.get().reason


def test_pauses_grow_up_to_a_minute() -> None:
    assert [round(growing_pause(failures) / 0.75 / 2**failures) for failures in (0, 3, 5)] == [1, 1, 1]
    assert 30 <= growing_pause(1000) <= 60


@pytest.mark.django_db
def test_a_comparison_that_is_queued_waits_for_one_that_runs() -> None:
    compare_soon()
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"]) == ("approvals.tasks.reconcile", (30.0,))


def test_a_broker_without_a_stream_or_keys_is_not_listened_to(settings: Settings) -> None:
    settings.BROKER = "paper"
    assert can_listen() is None
    settings.BROKER, settings.ALPACA_API_KEY = "alpaca", ""
    assert can_listen() is None
    settings.ALPACA_API_KEY = settings.ALPACA_API_SECRET = "given"
    assert can_listen() is alpaca.SPEC
    settings.BROKER = "nonsense:SPEC"
    assert can_listen() is None


def listened(vendor: AlpacaTrading, act: Callable[[], None], **keys: str) -> tuple[int, str]:
    """How often a change was told until the stream ended, and why it did."""
    changes = threading.Semaphore(0)
    reasons: list[str] = []
    told = 0

    def listen() -> None:
        values: Mapping[str, Any] = {**vendor.settings, **keys}
        with pytest.raises(BrokerAway) as ending:
            alpaca.SPEC.stream(values, changes.release)  # type: ignore[misc]  # it has one
        reasons.append(str(ending.value))

    thread = threading.Thread(target=listen)
    thread.start()
    act()
    thread.join(LATE)
    while changes.acquire(blocking=False):
        told += 1
    return told, reasons[0]


def test_alpacas_stream_tells_that_it_listens_and_what_changes() -> None:
    def place_and_hang_up() -> None:
        assert vendor.stream.is_listened_to(within=LATE)
        vendor.trade_by_hand("AAPL", 1, 100)
        vendor.stream.hang_up()

    with AlpacaTrading(now=T0) as vendor:
        told, reason = listened(vendor, place_and_hang_up)
    assert told >= 1
    assert reason.startswith("Alpaca's stream ended")


def test_keys_that_the_stream_does_not_take_are_said() -> None:
    with AlpacaTrading(now=T0) as vendor:
        told, reason = listened(vendor, lambda: None, ALPACA_API_SECRET="other")
    assert told == 0
    assert "ALPACA_API_SECRET" in reason
