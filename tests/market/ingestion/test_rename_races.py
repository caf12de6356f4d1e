"""A change of symbol while others work on the same share: two workers, and bars that come in its midst."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from time import monotonic, sleep

import pytest
from django.db import connection, transaction

from approvals import positions
from market import store
from market.ingestion import renames
from market.models import Candle, Instrument, SymbolChange
from market.prices import Feed, Timeframe
from tests import make
from tests.approvals.test_decision_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 30.0
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture(autouse=True)
def fb() -> None:
    make.only("FB")
    make.july_2024()
    for day in ("2024-06-28", "2024-07-01"):
        make.candle("FB", day, 100.0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor
        executor.submit(lambda: connection.close()).result()


def rename() -> int:
    return int(renames.follow("FB", "META", date(2024, 7, 2), "person", make.T0).pk)


def write_a_bar() -> None:
    bars = make.bars([101.0], make.T0, Timeframe.D1)
    store.write_candles({"FB": bars}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)


def wait_until_another_waits() -> None:
    deadline = monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # it is of the transaction's beginning
            cursor.execute(WAITING)
            if cursor.fetchone() != (0,):
                return
            sleep(0.02)
    raise AssertionError("nobody waits")


def test_of_two_workers_at_once_one_follows_it() -> None:
    make.held("FB")
    assert len(set(at_once([rename, rename]))) == 1
    assert SymbolChange.objects.count() == 1
    assert (positions.of("META").quantity, positions.of("FB").quantity) == (10, 0)


def test_bars_that_are_being_written_are_moved_with_the_others(pool: ThreadPoolExecutor) -> None:
    with transaction.atomic():
        write_a_bar()
        renaming = pool.submit(rename)
        wait_until_another_waits()
    renaming.result(PATIENCE)
    assert set(Candle.objects.values_list("symbol", flat=True)) == {"META"}
    assert Candle.objects.count() == 3


def test_bars_that_come_in_its_midst_are_refused_and_asked_for_under_the_new_symbol(
    pool: ThreadPoolExecutor,
) -> None:
    begun = Event()

    def write() -> str:
        begun.set()
        try:
            write_a_bar()
        except store.UnknownSymbols as refusal:
            return type(refusal).__name__
        return "written"

    with transaction.atomic():
        rename()
        writing = pool.submit(write)
        begun.wait(PATIENCE)
        wait_until_another_waits()
    assert writing.result(PATIENCE) == "UnknownSymbols"
    assert list(Instrument.objects.fetched().values_list("symbol", flat=True)) == ["META"]
    assert not Candle.objects.filter(symbol="FB").exists()
