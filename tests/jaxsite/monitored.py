"""What health and metrics are told of: a system at work, cycles and scans, a database that is away."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from market.models import IngestionRun, Installation
from signals.models import Scan
from tests import make


def run(ago: float = 30, kind: str = "quotes", outcome: str = "finished", took: float = 1.5) -> None:
    finished = timezone.now() - timedelta(seconds=ago)
    IngestionRun.objects.create(
        kind=kind, outcome=outcome, started_at=finished - timedelta(seconds=took), finished_at=finished
    )


@pytest.fixture
def working() -> None:
    """A system at work: a cycle half a minute ago, a fresh quote of the one instrument, round the clock."""
    now = timezone.now()
    Installation.objects.create(pk=1, data="simulated", decided_at=now)
    make.round_the_clock(now)
    make.only("AAPL", calendar="24/7")
    make.quote("AAPL", as_of=now - timedelta(seconds=40), feed="simulated")
    make.ready(now)
    IngestionRun.objects.all().delete()
    run()
    scan(ago=30)
    make.beats(now)


def scan(ago: float) -> None:
    finished = timezone.now() - timedelta(seconds=ago)
    Scan.objects.create(
        outcome=Scan.Outcome.FINISHED, started_at=finished - timedelta(seconds=2), finished_at=finished
    )


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The database's address is a port that nothing listens on, until the test does."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(line.getsockname()[1]))
        yield line
