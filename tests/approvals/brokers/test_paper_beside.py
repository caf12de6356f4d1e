"""Closings beside exits, and exits alone, on paper. Minutes count from 10:00."""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID, uuid4

import pytest

from approvals.brokers.base import Bracket, Leg, OrderRefused, Report, State
from approvals.brokers.paper import Listing, Restating, Settlement
from tests.approvals.paper_tape import LAG, MINUTE, Account, Tape, bracket, closing, held, protection
from tests.make import T0

ENTRY, STOP, TARGET, CLOSE = Leg.ENTRY, Leg.STOP, Leg.TARGET, Leg.CLOSE


@pytest.fixture
def account() -> Account:
    return Account(Tape())


def report(account: Account, client_id: UUID, minute: float) -> Report:
    answer = account.at(minute).order(client_id)
    assert isinstance(answer, Report)
    return answer


def covered(account: Account) -> int:
    return sum(ticket.covered for ticket in account.book.tickets.values())


def bare(account: Account) -> Bracket:
    order = held(account)
    account.at(2).cancel(order.client_id, exits=True)
    return order


def test_the_closing_of_a_part_takes_its_shares_from_the_exits_when_it_fills(account: Account) -> None:
    order = held(account)
    part = closing(40, guards=(order.client_id,))
    account.at(2).close(part)
    assert covered(account) == 100
    account.tape.quote(99.0, 3, half=0.1, size=25)
    assert account.fills(3)[1:] == [(CLOSE, 25, "98.88", 3)]
    assert covered(account) == 75
    account.tape.quote(98.0, 4, half=0.1)
    account.tape.quote(94.0, 4.5, half=0.1)
    assert account.fills(5)[2:] == [(CLOSE, 15, "97.88", 4), (STOP, 60, "93.88", 4.5)]
    assert report(account, part.client_id, 5).state is State.FILLED


def test_the_stop_that_comes_first_ends_the_closing(account: Account) -> None:
    order = held(account)
    whole = closing(guards=(order.client_id,))
    account.at(2).close(whole)
    account.tape.quote(94.0, 3, half=0.1)
    assert account.fills(3)[1:] == [(STOP, 100, "93.88", 3)]
    ended = report(account, whole.client_id, 3)
    assert (ended.state, ended.filled, ended.reason) == (
        State.CANCELLED,
        0,
        "Its stop or its target was first.",
    )
    account.tape.quote(94.0, 4, half=0.1)
    assert len(account.fills(4)) == 2


def test_a_closing_that_fills_first_leaves_nothing_to_a_stop_that_is_read_with_it(account: Account) -> None:
    """After an outage both are read in one turn: each has its turn by its own time."""
    order = held(account)
    account.at(2).close(closing(60, guards=(order.client_id,)))
    account.tape.quote(99.0, 3, half=0.1, size=20)
    account.tape.quote(94.0, 4, half=0.1, size=50)
    account.tape.quote(93.0, 4.5, half=0.1)
    fills = account.fills(5)[1:]
    assert fills[:2] == [(CLOSE, 20, "98.88", 3), (STOP, 50, "93.88", 4)]
    assert sum(quantity for _, quantity, *_ in fills) == 100
    assert covered(account) == 0


def test_a_closing_without_guards_takes_its_shares_at_once(account: Account) -> None:
    held(account)
    account.at(2).close(closing(40))
    assert covered(account) == 60


def test_a_closing_that_is_cancelled_or_refused_leaves_the_exits(account: Account) -> None:
    order = held(account)
    part = closing(40, guards=(order.client_id,))
    account.at(2).close(part)
    account.at(2).cancel(part.client_id, exits=False)
    with pytest.raises(OrderRefused, match="Lower the quantity"):
        account.at(2).close(closing(101, guards=(order.client_id,)))
    assert covered(account) == 100


def test_two_closings_beside_the_same_exits_close_no_more_than_is_held(account: Account) -> None:
    order = held(account)
    account.at(2).close(closing(70, guards=(order.client_id,)))
    with pytest.raises(OrderRefused, match="70 are being closed"):
        account.at(2).close(closing(40, guards=(order.client_id,)))
    account.at(2).close(closing(30, guards=(order.client_id,)))
    account.tape.quote(99.0, 3, half=0.1)
    assert [(leg, quantity) for leg, quantity, *_ in account.fills(3)[1:]] == [(CLOSE, 70), (CLOSE, 30)]
    assert covered(account) == 0


def test_a_closing_waits_over_a_split_with_the_exits(account: Account) -> None:
    order = held(account)
    account.at(2).close(closing(40, guards=(order.client_id,)))
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(2)))
    account.tape.quote(49.0, 11, half=0.1)
    account.tape.quote(47.0, 12, half=0.1)
    assert [(leg, quantity) for leg, quantity, *_ in account.fills(17.1)[1:]] == [(CLOSE, 80), (STOP, 120)]


def test_a_share_that_was_delisted_is_settled_beside_its_exits(account: Account) -> None:
    order = held(account)
    account.at(2).close(closing(guards=(order.client_id,)))
    account.tape.listed = Listing("USD", Decimal("0.01"), LAG, settlement=Settlement(Decimal(7), "Acquired."))
    assert account.fills(3)[1:] == [(CLOSE, 100, "7", 3)]
    assert covered(account) == 0


# --- exits alone ------------------------------------------------------------------------------------------


def test_a_stop_alone_ends_what_is_held(account: Account) -> None:
    bare(account)
    guard = protection(take_profit=None)
    account.at(2).protect(guard)
    account.tape.bar(5, 98.0, 99.0, 94.0, 96.0)
    assert account.fills(15)[1:] == [(STOP, 100, "94.97", 10)]
    ended = report(account, guard.client_id, 15)
    assert (ended.state, ended.filled, ended.exits_working) == (State.FILLED, 100, False)


def test_what_traded_before_it_was_placed_does_not_reach_it(account: Account) -> None:
    bare(account)
    account.at(3).protect(protection(stop_loss=Decimal(98), take_profit=Decimal(99)))
    account.tape.bar(0, 98.0, 120.0, 80.0, 98.0)
    account.tape.quote(97.0, 2.5, late=1)
    account.tape.quote(100.0, 2.6, late=1)
    assert len(account.fills(10)) == 1


def test_a_target_alone_that_is_within_reach_gets_the_bid(account: Account) -> None:
    bare(account)
    account.at(2).protect(protection(stop_loss=None, take_profit=Decimal(98)))
    account.tape.quote(99.5, 3, half=0.1)
    assert account.fills(3)[1:] == [(TARGET, 100, "99.4", 3)]


def test_exits_of_a_part_leave_the_rest_without(account: Account) -> None:
    bare(account)
    account.at(2).protect(protection(quantity=60))
    with pytest.raises(OrderRefused, match="60 are guarded"):
        account.at(2).protect(protection(quantity=41))
    account.at(2).protect(protection(quantity=40, stop_loss=Decimal(90)))
    assert covered(account) == 100


def test_exits_that_replace_others_take_their_place_whole_or_not_at_all(account: Account) -> None:
    order = held(account)
    with pytest.raises(OrderRefused, match="Lower the quantity"):
        account.at(2).protect(protection(quantity=101, cancels=order.client_id))
    with pytest.raises(OrderRefused, match="no order"):
        account.at(2).protect(protection(cancels=uuid4()))
    assert covered(account) == 100
    account.at(2).protect(protection(stop_loss=Decimal(90), cancels=order.client_id))
    assert covered(account) == 100
    assert not report(account, order.client_id, 2).exits_working


def test_exits_alone_are_moved_and_give_way_to_a_closing(account: Account) -> None:
    bare(account)
    guard = protection()
    account.at(2).protect(guard)
    account.at(3).replace(guard.client_id, STOP, level=Decimal(97), change_id=uuid4())
    account.at(3).close(closing(40, guards=(guard.client_id,)))
    account.tape.quote(98.0, 4, half=0.1)
    account.tape.quote(96.5, 4.5, half=0.1)
    assert account.fills(4.5)[1:] == [(CLOSE, 40, "97.88", 4), (STOP, 60, "96.38", 4.5)]
    ended = report(account, guard.client_id, 5)
    assert (ended.state, ended.quantity, ended.filled) == (State.FILLED, 60, 60)


def test_exits_alone_of_shares_that_were_closed_end(account: Account) -> None:
    bare(account)
    guard = protection()
    account.at(2).protect(guard)
    account.at(3).close(closing(guards=(guard.client_id,)))
    account.tape.quote(98.0, 4, half=0.1)
    assert len(account.fills(4)) == 2
    ended = report(account, guard.client_id, 4)
    assert (ended.state, ended.filled) == (State.CANCELLED, 0)


@pytest.mark.parametrize(
    "terms",
    [
        {"stop_loss": None, "take_profit": None},
        {"stop_loss": Decimal(111)},
        {"quantity": 0},
        {"stop_loss": Decimal(0)},
    ],
)
def test_exits_that_make_no_sense_are_refused(account: Account, terms: dict[str, Decimal | None]) -> None:
    bare(account)
    with pytest.raises(OrderRefused, match="Give a stop"):
        account.at(2).protect(protection(**terms))


def test_exits_of_shares_that_are_not_held_are_refused(account: Account) -> None:
    with pytest.raises(OrderRefused, match="holds 0 AAPL"):
        account.at(2).protect(protection())


def test_exits_of_an_entry_go_on_in_a_reverse_split_until_no_share_is_left(account: Account) -> None:
    held(account, bracket(quantity=5))
    account.at(2).cancel(next(iter(account.book.tickets)), exits=True)
    guard = protection(quantity=5)
    account.at(2).protect(guard)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(1, 10)))
    ended = report(account, guard.client_id, 12)
    assert (ended.state, ended.exits_working) == (State.CANCELLED, False)
