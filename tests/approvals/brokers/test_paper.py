"""What the paper broker takes, and how entries and closings fill. Minutes count from 10:00."""

from decimal import Decimal
from fractions import Fraction
from uuid import uuid4

import pytest

from approvals.brokers.base import Bracket, Leg, Missing, OrderRefused, Report, Side, State
from approvals.brokers.paper import Listing, Restating
from tests.approvals.paper_tape import LAG, MINUTE, Account, Tape, bracket, closing, held, short
from tests.make import T0

ENTRY, STOP, CLOSE = Leg.ENTRY, Leg.STOP, Leg.CLOSE


@pytest.fixture
def account() -> Account:
    return Account(Tape())


@pytest.mark.parametrize(
    ("price", "half", "paid"),
    [
        (99.0, 0.0, "99.02"),  # 99 and 2 basis points are 99.0198, and up to the next cent
        (99.0, 0.10, "99.12"),
        (99.99, 0.0, "100"),  # the slippage would carry it beyond the limit
        (99.9, 0.1, "100"),
        (99.0, None, "99.03"),  # where no book is known, one of a tick around the last trade counts
        (99.99, None, "100"),
    ],
)
def test_a_purchase_pays_the_ask_and_the_slippage_up_to_its_limit(
    account: Account, price: float, half: float | None, paid: str
) -> None:
    account.at(0).place(bracket())
    account.tape.quote(price, 1, half=half)
    assert account.fills(2) == [(ENTRY, 100, paid, 1)]


def test_a_sale_gets_less_by_them(account: Account) -> None:
    account.at(0).place(short())
    account.tape.quote(101.0, 1, half=0.1)
    assert account.fills(2) == [(ENTRY, 100, "100.87", 1)]


@pytest.mark.parametrize(("price", "half"), [(99.95, 0.06), (100.0, None), (100.0, 0.01)])
def test_a_limit_between_the_last_trade_and_the_ask_fills_nothing(
    account: Account, price: float, half: float | None
) -> None:
    account.at(0).place(bracket())
    account.tape.quote(price, 1, half=half)
    assert account.fills(2) == []


def test_an_entry_takes_what_the_book_shows_and_its_exits_cover_that(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1, half=0.1, size=30)
    report = account.at(1).order(order.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled, report.exits_working) == (State.WORKING, 30, True)
    account.tape.quote(98.0, 2, half=0.1, size=500)
    assert account.fills(2) == [(ENTRY, 30, "99.12", 1), (ENTRY, 70, "98.12", 2)]
    assert account.at(2).orders()[0].state is State.FILLED


def test_two_orders_share_what_the_book_shows(account: Account) -> None:
    account.at(0).place(bracket())
    account.at(0).place(bracket())
    account.tape.quote(99.0, 1, half=0.1, size=150)
    account.tape.quote(98.0, 2, half=0.1, size=40)
    assert [quantity for _, quantity, *_ in account.fills(3)] == [100, 50, 40]


def test_a_quote_without_sizes_fills_a_share_of_the_last_bar(account: Account) -> None:
    account.tape.bar(-20, 99.0, 99.0, 99.0, 99.0, volume=400)
    account.at(0).place(bracket())
    account.tape.quote(99.0, 1)
    account.tape.quote(99.0, 2)
    assert account.fills(3) == [(ENTRY, 40, "99.03", 1)]


def test_what_of_an_entry_has_filled_in_time_stays(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1, half=0.1, size=30)
    report = account.at(125).order(order.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled, report.exits_working) == (State.CANCELLED, 30, True)
    assert report.reason == "It was not filled by 2024-07-03 16:00 UTC. 30 of 100 were."


def test_once_an_exit_is_reached_the_rest_is_not_entered_any_more(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1, half=0.1, size=30)
    account.tape.quote(94.0, 2, half=0.1, size=500)
    assert account.fills(3) == [(ENTRY, 30, "99.12", 1), (Leg.STOP, 30, "93.88", 2)]
    report = account.at(3).order(order.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled) == (State.CANCELLED, 30)
    assert report.reason == "Its stop was reached: the rest is not entered."


def test_a_closing_takes_what_the_book_shows_and_goes_on(account: Account) -> None:
    held(account)
    order = closing()
    account.at(2).close(order)
    account.tape.quote(98.0, 3, half=0.1, size=30)
    assert account.at(3).order(order.client_id).filled == 30  # type: ignore[union-attr]  # placed
    with pytest.raises(OrderRefused, match="70 are being closed already"):
        account.at(3).close(closing(1))
    account.tape.quote(97.0, 4, half=0.1, size=500)
    assert account.fills(5)[1:] == [(CLOSE, 30, "97.88", 3), (CLOSE, 70, "96.88", 4)]
    assert not account.at(5).holdings()


def test_parts_of_a_closing_over_a_split_are_whole_shares_of_both(account: Account) -> None:
    held(account)
    account.at(2).close(closing())
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(4)))
    account.tape.quote(24.5, 11, half=0.1, size=150)
    account.tape.quote(24.5, 12, half=0.1, size=500)
    assert [quantity for _, quantity, *_ in account.fills(13)[1:]] == [148, 252]
    assert not account.at(13).holdings()


def test_unfilled_in_time_it_is_cancelled_once_no_quote_from_before_can_come_any_more(
    account: Account,
) -> None:
    order = bracket()
    account.at(0).place(order)
    assert account.at(124).orders()
    assert not account.at(125).orders()
    report = account.at(125).order(order.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.reason) == (State.CANCELLED, "It was not filled by 2024-07-03 16:00 UTC.")
    assert account.book.tickets[order.client_id].ended_at == order.good_until


def test_a_later_quote_ends_it_at_once(account: Account) -> None:
    account.at(0).place(bracket())
    account.tape.quote(101.0, 120)
    account.tape.quote(99.0, 119, late=2)
    assert not account.at(120).orders()
    assert account.fills(130) == []


def test_a_quote_from_before_its_end_counts_though_it_arrives_after_it(account: Account) -> None:
    account.at(0).place(bracket())
    account.tape.quote(99.0, 119, late=3)
    assert account.at(121).orders()
    assert account.fills(123) == [(ENTRY, 100, "99.03", 119)]


def test_nothing_is_entered_once_it_should_be_flat(account: Account) -> None:
    account.at(0).place(bracket(flat_at=T0 + 10 * MINUTE))
    account.tape.quote(99.0, 11)
    assert account.fills(20) == []


def test_a_closing_fills_at_the_next_quote_in_session_with_spread_and_slippage(account: Account) -> None:
    held(account)
    account.at(2).close(closing())
    account.tape.quote(97.0, 3, in_session=False)
    account.tape.quote(98.0, 4, half=0.1)
    assert account.fills(5)[1:] == [(CLOSE, 100, "97.88", 4)]
    assert not account.at(5).holdings()


def test_a_closing_ends_the_exits_of_what_it_closes(account: Account) -> None:
    order = held(account)
    account.at(2).close(closing())
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    assert len(account.fills(20)) == 1
    report = account.at(20).order(order.client_id)
    assert isinstance(report, Report)
    assert not report.exits_working


def test_the_exits_of_the_rest_go_on(account: Account) -> None:
    held(account)
    account.at(2).close(closing(40))
    account.tape.quote(98.0, 3)
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    assert account.fills(20)[1:] == [(CLOSE, 40, "97.97", 3), (STOP, 60, "93.97", 5)]


@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, 100), (Side.SELL, 101), (Side.SELL, 0)])
def test_what_would_open_or_turn_a_position_is_refused(account: Account, side: Side, quantity: int) -> None:
    held(account)
    with pytest.raises(OrderRefused, match="Lower the quantity"):
        account.at(2).close(closing(quantity, side))
    assert account.at(2).orders()[0].exits_working


def test_a_single_share_can_be_closed(account: Account) -> None:
    held(account)
    account.at(2).close(closing(1))
    account.tape.quote(98.0, 3)
    assert account.fills(4)[1:] == [(CLOSE, 1, "97.97", 3)]


def test_the_same_shares_are_not_closed_twice(account: Account) -> None:
    held(account)
    account.at(2).close(closing(60))
    with pytest.raises(OrderRefused, match="60 are being closed already"):
        account.at(2).close(closing(60))


def test_an_order_is_placed_and_closed_once_however_often_it_is_sent(account: Account) -> None:
    order = held(account)
    first = closing()
    assert account.at(2).place(order).filled == 100
    assert account.at(2).close(first) == account.at(3).close(first)
    account.tape.quote(98.0, 4)
    assert account.at(5).close(first).state is State.FILLED
    assert len(account.fills(6)) == 2


def test_cancelling_ends_the_entry_and_twice_is_the_same_as_once(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    assert account.at(1).cancel(order.client_id, exits=True) == account.at(2).cancel(
        order.client_id, exits=True
    )
    account.tape.quote(99.0, 1.5)
    assert account.fills(9) == []


def test_what_was_cancelled_says_so(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    report = account.at(1).cancel(order.client_id, exits=True)
    assert (report.state, report.reason) == (State.CANCELLED, "It was cancelled.")


def test_cancelling_ends_the_exits_and_leaves_the_position(account: Account) -> None:
    order = held(account)
    assert account.at(2).cancel(order.client_id, exits=True).state is State.FILLED
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    assert account.at(60).holdings()["AAPL"].quantity == 100
    assert not account.at(60).orders()
    account.at(60).close(closing())


def test_cancelling_an_entry_that_has_filled_leaves_its_exits(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1)
    report = account.at(2).cancel(order.client_id, exits=False)
    assert (report.state, report.exits_working) == (State.FILLED, True)


def test_a_fill_that_was_there_before_the_cancel_stands(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1)
    report = account.at(2).cancel(order.client_id, exits=True)
    assert (report.state, report.exits_working) == (State.FILLED, False)


def test_cancelling_what_was_never_received_is_refused(account: Account) -> None:
    assert account.at(0).order(uuid4()) is Missing.NEVER_RECEIVED
    with pytest.raises(OrderRefused, match="no order"):
        account.at(0).cancel(uuid4(), exits=True)


@pytest.mark.parametrize(
    ("listing", "why"),
    [
        (None, "watchlist"),
        (Listing("USD", None, LAG), "tick size"),
        (Listing("EUR", Decimal("0.01"), LAG), "in EUR and the account holds USD"),
    ],
)
def test_what_cannot_be_traded_here_is_refused(account: Account, listing: Listing | None, why: str) -> None:
    account.tape.listed = listing
    with pytest.raises(OrderRefused, match=why):
        account.at(0).place(bracket())
    assert not account.book.tickets


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (bracket(stop_loss=Decimal(100)), "between"),
        (short(take_profit=Decimal(101)), "between"),
        (bracket(quantity=0), "one share"),
        (bracket(good_until=T0), "later end"),
        (bracket(quantity=1_001), "100105.00 with its commission and the buying power is 100000.00"),
    ],
)
def test_terms_that_make_no_sense_or_cost_too_much_are_refused(
    account: Account, order: Bracket, why: str
) -> None:
    with pytest.raises(OrderRefused, match=why):
        account.at(0).place(order)


def test_an_entry_against_a_position_or_a_working_entry_is_refused(account: Account) -> None:
    working = bracket()
    account.at(0).place(working)
    with pytest.raises(OrderRefused, match="other side"):
        account.at(0).place(short())
    account.tape.quote(99.0, 1)
    with pytest.raises(OrderRefused, match="holds 100 AAPL"):
        account.at(2).place(short())
