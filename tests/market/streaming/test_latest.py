"""What is kept of a stream: the newest of each symbol, and no more."""

from datetime import datetime, timedelta

import pytest

from market.ingestion.streaming.latest import Latest
from market.prices import QuoteTick
from market.providers.streams.base import Book
from market.quality import KEPT_ROWS
from tests.clock import NOW

BOOK = Book(9.9, 10.1, 100, 200)


class Watch:
    """A clock of seconds that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def latest() -> Latest:
    kept = Latest(Watch(), lambda: NOW)
    kept.subscribed(["A", "B"], {})
    return kept


def test_a_trade_and_a_book_are_one_quote(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW, exchange="IEX")
    latest.book("A", BOOK)
    assert latest.take_changes() == [QuoteTick("A", 10.0, NOW, 9.9, 10.1, 100, 200, None, "IEX")]


def test_of_a_thousand_trades_the_newest_is_taken_once(latest: Latest) -> None:
    for n in range(1000):
        latest.trade("A", 10.0 + n, NOW + timedelta(milliseconds=n))
    assert [tick.price for tick in latest.take_changes()] == [1009.0]
    assert latest.take_changes() == []


def test_an_older_trade_that_comes_late_changes_nothing(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW)
    latest.take_changes()
    latest.trade("A", 9.0, NOW - timedelta(seconds=1))
    assert latest.take_changes() == []


def test_the_same_message_twice_is_the_same_quote(latest: Latest) -> None:
    for _ in range(2):
        latest.trade("A", 10.0, NOW)
        latest.book("A", BOOK)
    assert len(latest.take_changes()) == 1
    latest.book("A", BOOK)
    assert latest.take_changes() == []


def test_a_book_without_a_trade_is_no_quote_until_a_stored_one_gives_the_price(latest: Latest) -> None:
    latest.book("A", BOOK)
    assert latest.take_changes() == []
    latest.seed([QuoteTick("A", 10.0, NOW, bid=1.0, ask=2.0)])
    latest.book("A", Book(9.8, 10.2))
    assert latest.take_changes() == [QuoteTick("A", 10.0, NOW, 9.8, 10.2)]


def test_a_stored_quote_never_replaces_what_was_streamed(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW)
    latest.seed([QuoteTick("A", 5.0, NOW + timedelta(hours=1))])
    assert latest.take_changes() == [QuoteTick("A", 10.0, NOW)]


def test_what_could_not_be_stored_is_taken_again_and_newer_by_then(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW)
    latest.give_back(latest.take_changes())
    latest.trade("A", 11.0, NOW)
    assert [tick.price for tick in latest.take_changes()] == [11.0]


def test_a_trade_from_the_future_keeps_out_no_other_once_it_was_refused(latest: Latest) -> None:
    latest.trade("A", 99.0, NOW + timedelta(days=1))
    latest.forget(latest.take_changes())
    latest.trade("A", 10.0, NOW)
    assert [tick.price for tick in latest.take_changes()] == [10.0]


def test_a_correction_counts_while_its_trade_is_the_last(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW, key=7)
    latest.take_changes()
    latest.corrected("A", 7, 9.5)
    assert [tick.price for tick in latest.take_changes()] == [9.5]
    latest.corrected("A", 8, 1.0)
    assert latest.take_changes() == []


def test_a_trade_that_was_taken_back_is_no_price(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW, key=7)
    latest.corrected("A", 7, None)
    assert latest.take_changes() == []
    latest.trade("A", 11.0, NOW)
    assert [tick.price for tick in latest.take_changes()] == [11.0]


def test_an_announced_halt_is_told_each_time_until_it_ends(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW)
    latest.halted("A", "trading halt")
    assert [latest.take_changes()[0].halt for _ in range(3)] == ["trading halt"] * 3
    latest.halted("A", "")
    assert [tick.halt for tick in latest.take_changes()] == [""]
    assert latest.take_changes() == []


@pytest.mark.parametrize(
    ("price", "as_of"),
    [
        (float("nan"), NOW),
        (0.0, NOW),
        (-1.0, NOW),
        (float("inf"), NOW),
        (11.0, NOW + timedelta(days=1)),
        (11.0, NOW - timedelta(days=20_000)),
    ],
)
def test_a_trade_that_is_none_is_handed_on_to_be_refused_and_replaces_nothing(
    latest: Latest, price: float, as_of: datetime
) -> None:
    latest.trade("A", 10.0, NOW)
    latest.trade("A", price, as_of)
    unfit, good = latest.take_changes()
    assert (repr(unfit.price), unfit.as_of) == (repr(price), as_of)
    assert (good.price, good.as_of) == (10.0, NOW)
    latest.trade("A", 12.0, NOW)
    assert [tick.price for tick in latest.take_changes()] == [12.0]


def test_a_correction_to_what_is_no_price_corrects_nothing(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW, key=7)
    latest.corrected("A", 7, float("nan"))
    assert [tick.price for tick in latest.take_changes()][1:] == [10.0]


def test_trades_that_are_none_take_little_room(latest: Latest) -> None:
    for _ in range(5_000):
        latest.trade("A", 0.0, NOW)
    assert len(latest.take_changes()) == KEPT_ROWS


def test_a_halt_outlasts_the_connection_and_ends_with_a_later_trade(latest: Latest) -> None:
    stored = QuoteTick("A", 10.0, NOW, halt="trading halt")
    latest.start()
    latest.subscribed(["A"], {})
    latest.seed([stored])
    assert [tick.halt for tick in latest.take_changes()] == ["trading halt"]
    latest.trade("A", 10.0, NOW)  # the last one again
    assert [tick.halt for tick in latest.take_changes()] == ["trading halt"]
    latest.trade("A", 10.1, NOW + timedelta(seconds=1))
    assert [tick.halt for tick in latest.take_changes()] == [""]


def test_what_is_not_watched_is_not_kept(latest: Latest) -> None:
    latest.trade("C", 10.0, NOW)
    latest.trade("A", 10.0, NOW)
    latest.subscribed(["B"], {})
    assert latest.take_changes() == []
    assert latest.symbols.keys() == {"B"}


def test_a_new_connection_begins_with_nothing(latest: Latest) -> None:
    latest.trade("A", 10.0, NOW)
    latest.start()
    assert latest.take_changes() == []
    assert latest.symbols == {}


def test_it_takes_the_same_room_however_much_comes_while_nothing_is_written(latest: Latest) -> None:
    for n in range(5_000):
        latest.trade("A", 10.0, NOW + timedelta(milliseconds=n), key=n)
        latest.unreadable("no JSON")
    assert len(latest.symbols) == 2
    assert latest.problems == {"no JSON": 5_000}
    assert len(latest.take_changes()) == 1
