"""The ping to a monitor elsewhere."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from jaxsite.models import Beat
from jaxsite.monitoring import heartbeat
from jaxsite.processes import schedules
from tests import make
from tests.make import T0
from tests.vendors.server import Reply, Vendor, Visit

pytestmark = pytest.mark.django_db


class Monitor(Vendor):
    """Answers as healthchecks does."""

    unlimited = ("/ping/s3cret",)
    status = 200

    def answer(self, visit: Visit) -> Reply:
        return Reply(b"OK", self.status)


def every_service_lives() -> None:
    make.beats(T0)
    Beat.objects.create(service="web", host="here", beat_at=T0)


@pytest.fixture
def monitor(settings: Settings) -> Iterator[Monitor]:
    with Monitor() as running:
        settings.HEARTBEAT_URL = f"{running.url}/ping/s3cret"
        every_service_lives()
        yield running


def test_it_is_sent_while_every_service_gives_signs_of_life(monitor: Monitor) -> None:
    assert heartbeat.ping(T0)
    assert [visit.path for visit in monitor.visits] == ["/ping/s3cret"]


@pytest.mark.parametrize("service", ["web", "worker", "slow"])
def test_it_is_not_sent_when_one_is_silent(monitor: Monitor, service: str) -> None:
    Beat.objects.filter(service=service).update(beat_at=T0 - timedelta(minutes=3))
    assert not heartbeat.ping(T0)
    assert monitor.visits == []


def test_a_service_that_never_began_counts_too(monitor: Monitor) -> None:
    Beat.objects.filter(service="web").delete()
    assert not heartbeat.ping(T0)


def test_an_answer_that_is_no_success_is_told_without_the_address(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.status = 404
    assert not heartbeat.ping(T0)
    assert "HEARTBEAT_URL answered 404." in caplog.text
    assert "s3cret" not in caplog.text


def test_a_monitor_that_is_away_is_no_failure_of_ours(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    every_service_lives()
    settings.HEARTBEAT_URL = "http://127.0.0.1:1/ping/s3cret"
    assert not heartbeat.ping(T0)
    assert "cannot be called: ConnectionError" in caplog.text
    assert "s3cret" not in caplog.text


def test_it_is_scheduled_when_there_is_an_address(settings: Settings) -> None:
    assert "jaxsite.heartbeat" not in [task.name for task in schedules.periodic()]
    settings.HEARTBEAT_URL = "https://hc-ping.com/s3cret"
    assert "jaxsite.heartbeat" in [task.name for task in schedules.periodic()]
