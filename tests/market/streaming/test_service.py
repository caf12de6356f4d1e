"""The stream at work, from a vendor's socket to the database and back."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from market import feeds
from market.ingestion.streaming import service as module
from market.ingestion.streaming.service import SILENT, Service, State
from market.models import Instrument, Quote, RefusedRow, ReviewItem, StreamStatus
from tests import make
from tests.clock import NOW
from tests.market.streaming import test_alpaca_dialogue as alpaca
from tests.vendors.streams import AlpacaStream

pytestmark = [pytest.mark.django_db(transaction=True)]

LONG = 30.0


@pytest.fixture
def vendor(settings: Settings) -> Iterator[AlpacaStream]:
    make.only("AAPL", "AMD", calendar="24/7")
    make.round_the_clock(NOW)
    with AlpacaStream() as vendor:
        settings.STREAMING, settings.DATA_KIND = "auto", "real"
        for name, value in vendor.settings.items():
            setattr(settings, name, value)
        yield vendor


class Watch:
    """A clock of seconds that can be put forward."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Player:
    """Runs a service while steps are taken. What the steps ask the database goes by a thread of its own."""

    def __init__(self) -> None:
        source = feeds.streaming(lambda: NOW)
        assert source is not None
        self.watch = Watch()
        self.service = Service(source, lambda: NOW, monotonic=self.watch, look_every=0.1)
        self.database = ThreadPoolExecutor(1)

    def play(self, *steps: Callable[[], object]) -> None:
        connection.close()  # so that a step can end all connections but its own
        try:
            asyncio.run(self._play(steps))
        finally:
            self.database.submit(lambda: connection.close()).result()
            self.database.shutdown()

    async def _play(self, steps: tuple[Callable[[], object], ...]) -> None:
        task = asyncio.ensure_future(self.service.run())
        loop, deadline = asyncio.get_running_loop(), time.monotonic() + LONG
        try:
            for step in steps:
                while (said := await loop.run_in_executor(self.database, step)) is not None and not said:
                    assert not task.done(), task.result()
                    assert time.monotonic() < deadline, f"it did not happen in time: {self.service.status()}"
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def player(vendor: AlpacaStream) -> Player:
    return Player()


def trade(symbol: str, price: float, seconds: float = 0.0) -> dict[str, Any]:
    at = NOW + timedelta(seconds=seconds)
    return alpaca.TRADE | {"S": symbol, "p": price, "t": at.isoformat()}


def price(symbol: str) -> float | None:
    return Quote.objects.filter(pk=symbol).values_list("price", flat=True).first()


def is_live(player: Player) -> Callable[[], bool]:
    return lambda: player.service.state == State.LIVE and len(player.service.latest.symbols) == 2


def test_a_trade_is_in_the_database_within_moments_and_its_state_told(
    vendor: AlpacaStream, player: Player
) -> None:
    player.play(
        is_live(player),
        lambda: vendor.push(trade("AAPL", 100.0), trade("AMD", 50.0)),
        lambda: price("AAPL") == 100.0 and price("AMD") == 50.0,
        lambda: StreamStatus.objects.filter(state="live", symbols=2, messages=2).exists(),
    )
    row = StreamStatus.objects.get()
    assert (row.provider, row.state, row.feed) == ("alpaca", "stopped", "live")


def test_a_trade_that_is_none_waits_for_a_person_as_a_row(vendor: AlpacaStream, player: Player) -> None:
    player.play(
        is_live(player),
        lambda: vendor.push(trade("AAPL", 100.0), trade("AAPL", -5.0, 1.0)),
        lambda: price("AAPL") == 100.0,
        lambda: RefusedRow.objects.filter(symbol="AAPL", reason="price_not_positive").exists(),
    )
    row = RefusedRow.objects.get()
    assert (row.source, row.run_id, row.given["price"], row.times) == ("alpaca", None, -5.0, 1)
    assert ReviewItem.objects.filter(kind="refused", symbol="AAPL").count() == 1


def test_a_lost_connection_is_made_again_and_the_watchlist_asked_for(
    vendor: AlpacaStream, player: Player
) -> None:
    player.play(
        is_live(player),
        vendor.hang_up,
        lambda: vendor.connections == 2 and len(vendor.subscribed) == 2,
        is_live(player),
        lambda: vendor.push(trade("AAPL", 101.0)),
        lambda: price("AAPL") == 101.0,
    )


def test_a_refusal_is_stored_with_when_it_is_tried_again(vendor: AlpacaStream, player: Player) -> None:
    vendor.most = 0
    again = NOW + timedelta(minutes=5)
    player.play(lambda: StreamStatus.objects.filter(state="refused", retry_at=again).exists())


def test_a_database_that_ends_the_connection_loses_nothing(vendor: AlpacaStream, player: Player) -> None:
    def end_other_connections() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    player.play(
        is_live(player),
        end_other_connections,
        lambda: vendor.push(trade("AAPL", 102.0)),
        lambda: price("AAPL") == 102.0,
    )


def test_a_database_that_is_slow_gets_the_newest_once_and_holds_nothing_else_up(
    vendor: AlpacaStream, player: Player
) -> None:
    make.quote("AAPL", 100.0, NOW - timedelta(seconds=5))

    def hold_up() -> None:
        transaction.set_autocommit(False)
        Quote.objects.select_for_update().get(pk="AAPL")

    def push_many() -> None:
        for n in range(500):
            vendor.push(trade("AAPL", 100.0 + n / 1000, n / 1000))

    def let_go() -> None:
        transaction.rollback()
        transaction.set_autocommit(True)

    player.play(
        is_live(player),
        hold_up,
        push_many,
        lambda: player.service.latest.messages == 500,
        let_go,
        lambda: price("AAPL") == 100.499,
    )
    assert len(player.service.latest.symbols) == 2


def test_what_is_taken_off_the_watchlist_is_streamed_no_more(vendor: AlpacaStream, player: Player) -> None:
    player.play(
        is_live(player),
        lambda: Instrument.objects.filter(pk="AMD").update(watched=False) and None,
        lambda: vendor.subscribed == {"AAPL"},
    )


def test_a_symbol_of_which_nothing_comes_though_a_poll_saw_it_trade_is_silent(
    vendor: AlpacaStream, player: Player
) -> None:
    def go_on() -> None:
        player.watch.ahead = 90.0
        vendor.push(trade("AMD", 50.0))
        make.quote("AAPL", 100.0, NOW)

    player.play(is_live(player), go_on, lambda: StreamStatus.objects.filter(silent=["AAPL"]).exists())
    assert player.service.state == State.STOPPED


def test_a_connection_over_which_nothing_comes_is_made_anew(
    vendor: AlpacaStream, player: Player, caplog: pytest.LogCaptureFixture
) -> None:
    def go_on() -> None:
        player.watch.ahead = 90.0
        make.quote("AAPL", 100.0, NOW)
        make.quote("AMD", 50.0, NOW)

    with caplog.at_level(logging.WARNING):
        player.play(is_live(player), go_on, lambda: vendor.connections >= 2)
    assert SILENT in caplog.text


def test_it_is_stuck_once_the_database_holds_one_thing_up_for_long(player: Player) -> None:
    assert not player.service.is_stuck()
    player.service._pending.append(player.watch() - module.STUCK - 1)
    assert player.service.is_stuck()
