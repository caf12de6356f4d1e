from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings

from tests.approvals.broker.process import FakeBroker, running
from tests.approvals.execution_rows import open_gate


@pytest.fixture(scope="package")
def process() -> Iterator[FakeBroker]:
    with running() as fake:
        yield fake


@pytest.fixture
def fake(process: FakeBroker, settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> FakeBroker:
    """The broker that Jax is configured to use, with nothing in its book; the gate is open."""
    process.reset()
    settings.BROKER = "tests.approvals.broker.client:SPEC"
    monkeypatch.setenv("TEST_BROKER_URL", process.url)
    open_gate()
    return process


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait two seconds for an answer that may not come."""
    monkeypatch.setenv("TEST_BROKER_TIMEOUT", "2")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, fake: FakeBroker) -> None:
    """Nothing listens where the broker was."""
    monkeypatch.setenv("TEST_BROKER_URL", "http://127.0.0.1:1")


@pytest.fixture
def another_reconciles() -> Iterator[None]:
    """Another process is reconciling: it has the lock."""
    other_connection = connection.copy()
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('approvals.execution.reconcile', 0))")
    yield
    other_connection.close()
