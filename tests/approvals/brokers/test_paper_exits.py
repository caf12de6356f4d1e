"""How stops, targets and the session's end work on paper. Minutes count from 10:00."""

import pytest

from approvals.brokers.base import Leg, Report, State
from tests.approvals.paper_tape import MINUTE, Account, Tape, bracket, held, short
from tests.make import T0

STOP, TARGET, FLAT = Leg.STOP, Leg.TARGET, Leg.FLAT


@pytest.fixture
def account() -> Account:
    return Account(Tape())


def test_in_the_bar_of_the_fill_a_quote_at_the_stop_sells_at_the_quotes_price(account: Account) -> None:
    held(account)
    account.tape.quote(94.5, 3, half=0.1)
    assert account.fills(4)[1:] == [(STOP, 100, "94.38", 3)]


def test_in_the_bar_of_the_fill_a_quote_at_the_target_sells_at_the_target(account: Account) -> None:
    held(account)
    account.tape.quote(111.0, 3, half=0.1)
    assert account.fills(4)[1:] == [(TARGET, 100, "110", 3)]


@pytest.mark.parametrize(
    ("bar", "end"),
    [
        ((99.0, 99.0, 95.0, 96.0), (STOP, 100, "94.97", 10)),  # a tick of spread, and the slippage
        ((99.0, 112.0, 94.0, 100.0), (STOP, 100, "94.97", 10)),  # both inside: the stop first
        ((93.0, 112.0, 92.0, 100.0), (STOP, 100, "92.97", 5)),  # opens beyond the stop
        ((99.0, 110.01, 98.0, 99.0), (TARGET, 100, "110", 10)),
        ((112.0, 113.0, 90.0, 99.0), (TARGET, 100, "110", 5)),  # on its way there it has traded at its own
    ],
)
def test_after_it_bars_work_the_exits(
    account: Account, bar: tuple[float, float, float, float], end: tuple[Leg, int, str, float]
) -> None:
    held(account)
    account.tape.bar(0, 99.0, 120.0, 80.0, 99.0)  # the bar of the fill itself
    account.tape.bar(5, *bar)
    assert account.fills(15)[1:] == [end]


def test_a_short_position_ends_the_other_way_round(account: Account) -> None:
    held(account, short())
    account.tape.bar(5, 100.0, 105.0, 89.0, 100.0)
    assert account.fills(15)[1:] == [(STOP, 100, "105.04", 10)]


@pytest.mark.parametrize(
    ("opening", "end"), [(94.0, (STOP, 100, "93.97", 5)), (112.0, (TARGET, 100, "112", 5))]
)
def test_what_a_session_opens_beyond_is_filled_at_the_open(
    account: Account, opening: float, end: tuple[Leg, int, str, float]
) -> None:
    held(account)
    account.tape.bar(5, opening, 113.0, 93.0, 99.0, first=True)
    assert account.fills(15)[1:] == [end]


def test_a_high_at_the_target_alone_is_a_last_trade_and_no_bid_there(account: Account) -> None:
    held(account)
    account.tape.bar(5, 99.0, 110.0, 98.0, 109.0)
    assert len(account.fills(60)) == 1


def test_a_bid_below_the_target_fills_nothing(account: Account) -> None:
    held(account)
    account.tape.quote(110.0, 3, half=0.05)
    assert len(account.fills(3)) == 1
    account.tape.quote(110.04, 4, half=0.04)
    assert account.fills(5)[1:] == [(TARGET, 100, "110", 4)]


def test_quotes_after_the_bar_of_the_fill_work_the_stop_before_their_bar_has_closed(account: Account) -> None:
    held(account)
    account.tape.quote(94.0, 6)
    assert account.fills(6.1)[1:] == [(STOP, 100, "93.97", 6)]
    account.tape.bar(5, 99.0, 99.0, 93.0, 94.0)
    assert len(account.fills(60)) == 2


def test_a_bar_works_the_stop_that_no_quote_has_seen(account: Account) -> None:
    held(account)
    account.tape.quote(96.0, 6)
    account.tape.bar(5, 99.0, 99.0, 94.0, 96.0)
    account.tape.quote(96.0, 10.2)
    assert account.fills(10.6)[1:] == [(STOP, 100, "94.97", 10)]


def test_a_quote_waits_for_the_bar_before_it_and_no_longer_than_that_may_be_late(account: Account) -> None:
    held(account)
    account.tape.quote(94.0, 10.2)
    assert len(account.fills(10.4)) == 1
    assert account.fills(15.2)[1:] == [(STOP, 100, "93.97", 10.2)]


def test_a_bar_without_volume_fills_nothing(account: Account) -> None:
    held(account)
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0, volume=0)
    account.tape.bar(10, 115.0, 115.0, 115.0, 115.0, volume=0)
    assert len(account.fills(60)) == 1


def test_a_stop_sells_what_the_book_shows_and_goes_on_at_the_market(account: Account) -> None:
    order = held(account)
    account.tape.quote(94.0, 3, half=0.1, size=30)
    account.tape.quote(97.0, 4, half=0.1, size=50)
    account.tape.quote(98.0, 4.5, half=0.1, size=500)
    stopped = [(STOP, 30, "93.88", 3), (STOP, 50, "96.88", 4), (STOP, 20, "97.88", 4.5)]
    assert account.fills(4)[1:] == stopped[:2]
    assert account.at(4).orders()[0].exits_working
    assert account.fills(5)[1:] == stopped
    assert account.book.tickets[order.client_id].exited == 100


def test_a_stop_sells_a_share_of_the_volume_of_its_bar_and_goes_on_at_the_next_open(account: Account) -> None:
    held(account)
    account.tape.bar(5, 99.0, 99.0, 94.0, 96.0, volume=600)
    account.tape.bar(10, 97.0, 98.0, 96.0, 96.0, volume=0)
    account.tape.bar(15, 97.0, 98.0, 96.0, 96.0, volume=10_000)
    assert account.fills(30)[1:] == [(STOP, 60, "94.97", 10), (STOP, 40, "96.97", 15)]


def test_a_target_sells_what_the_book_shows_and_the_stop_keeps_the_rest(account: Account) -> None:
    held(account)
    account.tape.quote(111.0, 3, half=0.1, size=30)
    account.tape.quote(94.0, 4, half=0.1, size=500)
    assert account.fills(4)[1:] == [(TARGET, 30, "110", 3), (STOP, 70, "93.88", 4)]


def test_an_order_pays_the_least_commission_once_for_all_of_its_parts(account: Account) -> None:
    held(account)
    for minute, size in ((3, 30), (4, 30), (4.5, 500)):
        account.tape.quote(94.0, minute, half=0.1, size=size)
    commissions = [execution.commission for execution in account.at(5).executions(T0)]
    assert commissions == [1, 1, 0, 0]
    assert len({execution.execution_id for execution in account.at(5).executions(T0)}) == 4


def test_a_late_quote_of_the_bar_of_the_fill_still_goes_before_the_next_bar(account: Account) -> None:
    account.tape.length = MINUTE
    held(account)
    account.tape.bar(2, 99.0, 111.0, 99.0, 99.0)
    account.tape.quote(94.0, 1.5, late=3)
    assert len(account.fills(4)) == 1
    assert account.fills(5)[1:] == [(STOP, 100, "93.97", 1.5)]


def test_over_a_gap_the_next_bar_counts(account: Account) -> None:
    held(account)
    account.tape.bar(30, 94.0, 96.0, 93.0, 95.0)
    assert account.fills(60)[1:] == [(STOP, 100, "93.97", 30)]


def test_a_bar_that_comes_after_a_later_one_still_counts(account: Account) -> None:
    """A gap that is refilled is looked at as if it had never been one."""
    held(account)
    account.tape.bar(10, 99.0, 100.0, 98.0, 99.0)
    assert len(account.fills(20)) == 1
    account.tape.bar(5, 99.0, 100.0, 94.0, 99.0)
    assert account.fills(30)[1:] == [(STOP, 100, "94.97", 10.0)]


def test_without_any_bars_quotes_go_on_counting(account: Account) -> None:
    account.tape.length = None
    held(account)
    account.tape.quote(94.0, 90)
    assert account.fills(91)[1:] == [(STOP, 100, "93.97", 90)]


def test_one_exit_ends_the_other(account: Account) -> None:
    order = held(account)
    account.tape.bar(5, 99.0, 111.0, 98.0, 109.0)
    account.tape.bar(10, 99.0, 100.0, 90.0, 91.0)
    assert account.fills(20)[1:] == [(TARGET, 100, "110", 10)]
    report = account.at(20).order(order.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 100, False)


def test_what_is_held_at_flat_at_is_sold_at_the_close_of_the_last_bar(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 20 * MINUTE))
    account.tape.quote(98.0, 18)
    account.tape.bar(15, 98.0, 98.5, 97.0, 97.5)
    assert account.fills(25)[1:] == [(FLAT, 100, "97.47", 20)]
    assert not account.at(25).orders()


def test_or_at_a_quote_that_is_later_than_that_bar(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 22 * MINUTE))
    account.tape.bar(15, 98.0, 98.5, 97.0, 97.5)
    account.tape.quote(98.0, 21.5, half=0.1)
    account.tape.bar(
        20, 98.0, 120.0, 80.0, 97.5
    )  # it goes on beyond flat_at: its prices are not known by then
    assert account.fills(30)[1:] == [(FLAT, 100, "97.88", 22)]


def test_which_one_is_late_is_waited_for(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 22 * MINUTE))
    account.tape.bar(20, 98.0, 120.0, 80.0, 97.5)
    account.tape.quote(98.0, 21.5, late=4.5)
    assert len(account.fills(25.6)) == 1
    assert account.fills(27)[1:] == [(FLAT, 100, "97.97", 22)]


def test_after_an_outage_it_waits_for_the_bars(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 20 * MINUTE))
    assert len(account.fills(300)) == 1
    account.tape.bar(5, 99.0, 99.0, 94.0, 95.0)
    account.tape.bar(15, 95.0, 95.0, 95.0, 95.0)
    assert account.fills(301)[1:] == [(STOP, 100, "94.97", 10)]


def test_but_no_longer_than_a_day(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 20 * MINUTE))
    assert account.fills(24 * 60 + 20)[1:] == [(FLAT, 100, "98.97", 20)]
