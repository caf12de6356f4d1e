"""The paper broker's rules one at a time. Minutes count from 10:00; bars last five of them."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import uuid4

import pytest

from approvals.brokers.base import Bracket, Holding, Leg, Refused, Side, State
from approvals.brokers.paper import Listing, Restating
from tests.approvals.made_paper import LAG, MINUTE, Account, Tape, bracket, closing, short
from tests.make import T0

ENTRY, STOP, TARGET, CLOSE, FLAT = Leg.ENTRY, Leg.STOP, Leg.TARGET, Leg.CLOSE, Leg.FLAT


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def account(tape: Tape) -> Account:
    return Account(tape)


def held(account: Account, order: Bracket | None = None) -> Bracket:
    """Filled in minute 1 at 99 (99.02 with the slippage), in the bar that closes in minute 5."""
    order = order or bracket()
    account.at(0).place(order)
    account.tape.quote(99.0 if order.side is Side.BUY else 101.0, 1)
    assert account.at(1).order(order.client_id).state is State.FILLED  # type: ignore[union-attr]  # placed
    return order


# --- the entry --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "half", "paid"),
    [
        (99.0, 0.0, "99.02"),  # 99 and 2 basis points are 99.0198, and up to the next cent
        (99.0, 0.10, "99.12"),
        (99.99, 0.0, "100"),  # the slippage would carry it beyond the limit
        (100.0, 0.0, "100"),
        (99.9, 0.1, "100"),
    ],
)
def test_a_purchase_pays_half_the_spread_and_the_slippage_up_to_its_limit(
    account: Account, price: float, half: float, paid: str
) -> None:
    account.at(0).place(bracket())
    account.tape.quote(price, 1, half=half)
    assert account.fills(2) == [(ENTRY, 100, paid, 1)]


def test_a_sale_gets_less_by_them(account: Account) -> None:
    account.at(0).place(short())
    account.tape.quote(101.0, 1, half=0.1)
    assert account.fills(2) == [(ENTRY, 100, "100.87", 1)]


def test_a_price_that_is_beyond_the_limit_with_half_the_spread_fills_nothing(account: Account) -> None:
    account.at(0).place(bracket())
    account.tape.quote(99.95, 1, half=0.06)
    assert account.fills(2) == []


def test_unfilled_in_time_it_is_cancelled_once_no_quote_from_before_can_come_any_more(
    account: Account,
) -> None:
    order = bracket()
    account.at(0).place(order)
    assert account.at(124).orders()
    assert not account.at(125).orders()
    report = account.at(125).order(order.client_id)
    assert report is not None
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
    assert account.fills(123) == [(ENTRY, 100, "99.02", 119)]


def test_nothing_is_entered_once_it_should_be_flat(account: Account) -> None:
    account.at(0).place(bracket(flat_at=T0 + 10 * MINUTE))
    account.tape.quote(99.0, 11)
    assert account.fills(20) == []


# --- the exits --------------------------------------------------------------------------------------------


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
        ((99.0, 99.0, 95.0, 96.0), (STOP, 100, "94.98", 10)),
        ((99.0, 112.0, 94.0, 100.0), (STOP, 100, "94.98", 10)),  # both inside: the stop first
        ((93.0, 112.0, 92.0, 100.0), (STOP, 100, "92.98", 5)),  # opens beyond the stop
        ((99.0, 110.0, 98.0, 99.0), (TARGET, 100, "110", 10)),
        ((112.0, 113.0, 90.0, 99.0), (TARGET, 100, "112", 5)),  # opens beyond the target
    ],
)
def test_after_it_bars_work_the_exits(
    account: Account, bar: tuple[float, float, float, float], end: tuple[Leg, int, str, float]
) -> None:
    held(account)
    account.tape.bar(0, 99.0, 120.0, 80.0, 99.0)  # the bar of the fill itself
    account.tape.bar(5, *bar)
    assert account.fills(11)[1:] == [end]


def test_a_short_position_ends_the_other_way_round(account: Account) -> None:
    held(account, short())
    account.tape.bar(5, 100.0, 105.0, 89.0, 100.0)
    assert account.fills(11)[1:] == [(STOP, 100, "105.03", 10)]


def test_quotes_after_the_bar_of_the_fill_do_not_work_the_exits(account: Account) -> None:
    held(account)
    account.tape.quote(94.0, 6)
    assert len(account.fills(60)) == 1


def test_a_late_quote_of_the_bar_of_the_fill_still_goes_before_the_next_bar(account: Account) -> None:
    account.tape.length = MINUTE
    held(account)
    account.tape.bar(2, 99.0, 111.0, 99.0, 99.0)
    account.tape.quote(94.0, 1.5, late=3)
    assert len(account.fills(4)) == 1
    assert account.fills(5)[1:] == [(STOP, 100, "93.98", 1.5)]


def test_over_a_gap_the_next_bar_counts(account: Account) -> None:
    held(account)
    account.tape.bar(30, 94.0, 96.0, 93.0, 95.0)
    assert account.fills(60)[1:] == [(STOP, 100, "93.98", 30)]


def test_a_bar_that_comes_after_a_later_one_is_passed_over(account: Account) -> None:
    held(account)
    account.tape.bar(10, 99.0, 100.0, 98.0, 99.0)
    assert len(account.fills(20)) == 1
    account.tape.bar(5, 99.0, 100.0, 94.0, 99.0)
    assert len(account.fills(30)) == 1


def test_without_any_bars_quotes_go_on_counting(account: Account) -> None:
    account.tape.length = None
    held(account)
    account.tape.quote(94.0, 90)
    assert account.fills(91)[1:] == [(STOP, 100, "93.98", 90)]


def test_one_exit_ends_the_other(account: Account) -> None:
    order = held(account)
    account.tape.bar(5, 99.0, 110.0, 98.0, 109.0)
    account.tape.bar(10, 99.0, 100.0, 90.0, 91.0)
    assert account.fills(20)[1:] == [(TARGET, 100, "110", 10)]
    report = account.at(20).order(order.client_id)
    assert report is not None
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 100, False)


# --- flat at the close ------------------------------------------------------------------------------------


def test_what_is_held_at_flat_at_is_sold_at_the_close_of_the_last_bar(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 20 * MINUTE))
    account.tape.quote(98.0, 18)
    account.tape.bar(15, 98.0, 98.5, 97.0, 97.5)
    assert account.fills(25)[1:] == [(FLAT, 100, "97.48", 20)]
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
    assert account.fills(27)[1:] == [(FLAT, 100, "97.98", 22)]


def test_after_an_outage_it_waits_for_the_bars(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 20 * MINUTE))
    assert len(account.fills(300)) == 1
    account.tape.bar(5, 99.0, 99.0, 94.0, 95.0)
    account.tape.bar(15, 95.0, 95.0, 95.0, 95.0)
    assert account.fills(301)[1:] == [(STOP, 100, "94.98", 10)]


def test_but_no_longer_than_a_day(account: Account) -> None:
    held(account, bracket(flat_at=T0 + 20 * MINUTE))
    assert account.fills(24 * 60 + 20)[1:] == [(FLAT, 100, "98.98", 20)]


# --- closing and cancelling -------------------------------------------------------------------------------


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
    assert report is not None
    assert not report.exits_working


def test_the_exits_of_the_rest_go_on(account: Account) -> None:
    held(account)
    account.at(2).close(closing(40))
    account.tape.quote(98.0, 3)
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    assert account.fills(20)[1:] == [(CLOSE, 40, "97.98", 3), (STOP, 60, "93.98", 5)]


@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, 100), (Side.SELL, 101), (Side.SELL, 0)])
def test_what_would_open_or_turn_a_position_is_refused(account: Account, side: Side, quantity: int) -> None:
    held(account)
    with pytest.raises(Refused, match="Lower the quantity"):
        account.at(2).close(closing(quantity, side))
    assert account.at(2).orders()[0].exits_working


def test_the_same_shares_are_not_closed_twice(account: Account) -> None:
    held(account)
    account.at(2).close(closing(60))
    with pytest.raises(Refused, match="60 are being closed already"):
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
    assert account.at(1).cancel(order.client_id) == account.at(2).cancel(order.client_id)
    account.tape.quote(99.0, 1.5)
    assert account.fills(9) == []


def test_cancelling_ends_the_exits_and_leaves_the_position(account: Account) -> None:
    order = held(account)
    assert account.at(2).cancel(order.client_id).state is State.FILLED
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    assert account.at(60).holdings()["AAPL"].quantity == 100
    assert not account.at(60).orders()
    account.at(60).close(closing())


def test_a_fill_that_was_there_before_the_cancel_stands(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1)
    report = account.at(2).cancel(order.client_id)
    assert (report.state, report.exits_working) == (State.FILLED, False)


def test_cancelling_what_was_never_received_is_refused(account: Account) -> None:
    assert account.at(0).order(uuid4()) is None
    with pytest.raises(Refused, match="no order"):
        account.at(0).cancel(uuid4())


# --- what is refused --------------------------------------------------------------------------------------


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
    with pytest.raises(Refused, match=why):
        account.at(0).place(bracket())
    assert not account.book.tickets


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (bracket(stop_loss=Decimal(100)), "between"),
        (short(take_profit=Decimal(101)), "between"),
        (bracket(quantity=0), "one share"),
        (bracket(good_until=T0), "later end"),
        (bracket(quantity=1_001), "100100.00 and the buying power is 100000.00"),
    ],
)
def test_terms_that_make_no_sense_or_cost_too_much_are_refused(
    account: Account, order: Bracket, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        account.at(0).place(order)


def test_an_entry_against_a_position_or_a_working_entry_is_refused(account: Account) -> None:
    working = bracket()
    account.at(0).place(working)
    with pytest.raises(Refused, match="other side"):
        account.at(0).place(short())
    account.tape.quote(99.0, 1)
    with pytest.raises(Refused, match="holds 100 AAPL"):
        account.at(2).place(short())


# --- splits -----------------------------------------------------------------------------------------------


def test_a_split_restates_levels_and_shares_so_that_it_hits_no_stop(account: Account) -> None:
    held(account)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(4)))
    account.tape.bar(5, 99.0, 99.0, 98.0, 98.0)
    account.tape.bar(10, 24.5, 25.0, 24.0, 24.5)
    assert account.at(20).holdings()["AAPL"].quantity == 400
    assert account.at(20).holdings()["AAPL"].average_cost == Decimal("24.755")
    account.tape.bar(20, 24.0, 24.0, 23.5, 23.5)
    assert account.fills(30)[1:] == [(STOP, 400, "23.74", 25)]  # 95 / 4 = 23.75
    assert not account.at(30).holdings()


def test_a_closing_over_a_split_closes_as_many_shares_as_there_are_then(account: Account) -> None:
    held(account)
    first = closing()
    account.at(2).close(first)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(4)))
    account.tape.quote(24.5, 11)
    assert account.fills(12)[1:] == [(CLOSE, 400, "24.49", 11)]
    assert account.at(12).close(first).filled == 100  # as it was ordered


def test_a_reverse_split_leaves_whole_shares(account: Account) -> None:
    held(account, bracket(quantity=105))
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(1, 10)))
    account.tape.bar(10, 940.0, 940.0, 940.0, 940.0)
    assert account.fills(20)[1:] == [(STOP, 10, "939.81", 10)]
    assert not account.at(20).holdings()


# --- the account ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "commission"), [(1, "1.00"), (200, "1.000"), (201, "1.005")])
def test_each_execution_pays_per_share_and_a_minimum(
    account: Account, quantity: int, commission: str
) -> None:
    held(account, bracket(quantity=quantity))
    (execution,) = account.at(2).executions(T0)
    assert execution.commission == Decimal(commission)


def test_working_entries_are_kept_back_from_the_buying_power(account: Account) -> None:
    account.at(0).place(bracket())
    worth = account.at(0).account()
    assert [worth.cash, worth.equity, worth.buying_power] == [100_000, 100_000, 90_000]


def test_a_shorts_proceeds_buy_nothing_and_its_value_is_kept_back(account: Account) -> None:
    held(account, short())
    account.tape.quote(104.0, 2)
    worth = account.at(3).account()
    proceeds = Decimal("100.97") * 100
    assert worth.cash == 100_000 + proceeds - 1
    assert worth.equity == worth.cash - 10_400
    assert worth.buying_power == worth.cash - proceeds - 10_400


def test_the_average_cost_of_what_was_added_to_outlives_a_part_that_was_closed(account: Account) -> None:
    account.slippage_bps = Decimal(0)
    held(account)
    account.at(1).place(bracket())
    account.tape.quote(97.0, 2)
    account.at(2).close(closing(50))
    account.tape.quote(105.0, 3)
    assert account.at(3).holdings() == {"AAPL": Holding("AAPL", 150, Decimal(98))}


def test_what_was_found_after_an_outage_is_told_as_new(account: Account) -> None:
    held(account)
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    since = T0 + timedelta(hours=3)
    assert [one.leg for one in account.at(180).executions(since)] == [STOP]
