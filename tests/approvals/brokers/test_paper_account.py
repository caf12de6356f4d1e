"""What an account on paper holds and is worth, also over splits. Minutes count from 10:00."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from approvals.brokers.base import Holding, Instrument, Leg, OrderRefused
from approvals.brokers.paper import Restating
from tests.approvals.paper_tape import MINUTE, Account, Tape, bracket, closing, held, short
from tests.make import T0

STOP, CLOSE = Leg.STOP, Leg.CLOSE


@pytest.fixture
def account() -> Account:
    return Account(Tape())


def test_a_split_restates_levels_and_shares_so_that_it_hits_no_stop(account: Account) -> None:
    held(account)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(4)))
    account.tape.bar(5, 99.0, 99.0, 98.0, 98.0)
    account.tape.bar(10, 24.5, 25.0, 24.0, 24.5)
    assert account.at(20).holdings()["AAPL"].quantity == 400
    assert account.at(20).holdings()["AAPL"].average_cost == Decimal("24.7575")
    account.tape.bar(20, 24.0, 24.0, 23.5, 23.5)
    assert account.fills(30)[1:] == [(STOP, 400, "23.73", 25)]  # 95 / 4 = 23.75
    assert not account.at(30).holdings()


def test_a_target_over_a_split_is_never_sold_below(account: Account) -> None:
    held(account)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(3)))
    account.tape.bar(10, 36.0, 37.0, 35.9, 36.9)
    assert account.fills(20)[1:] == [(Leg.TARGET, 300, "36.666667", 15)]  # 110 / 3, between two ticks


def test_a_closing_over_a_split_closes_as_many_shares_as_there_are_then(account: Account) -> None:
    held(account)
    first = closing()
    account.at(2).close(first)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(4)))
    account.tape.quote(24.5, 11)
    assert account.fills(12)[1:] == [(CLOSE, 400, "24.48", 11)]
    assert account.at(12).close(first).filled == 100  # as it was ordered


def test_a_reverse_split_leaves_whole_shares(account: Account) -> None:
    held(account, bracket(quantity=105))
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(1, 10)))
    account.tape.bar(10, 940.0, 940.0, 940.0, 940.0)
    assert account.fills(20)[1:] == [(STOP, 10, "939.8", 10)]
    assert not account.at(20).holdings()


@pytest.mark.parametrize(
    ("schedule", "quantity", "commission"),
    [
        ("ib_fixed", 1, "0.9903"),  # one percent of 99.03, though the least is 1.00
        ("ib_fixed", 200, "1.00"),
        ("ib_fixed", 201, "1.005"),
        ("ib_tiered", 10, "0.382"),  # 0.35 at least, and 0.0032 a share for exchange and clearing
        ("ib_tiered", 200, "1.34"),
        ("per_share", 200, "0.40"),
        ("zero", 200, "0"),
    ],
)
def test_each_order_pays_by_its_schedule(
    account: Account, schedule: str, quantity: int, commission: str
) -> None:
    account.commission = schedule
    held(account, bracket(quantity=quantity))
    (execution,) = account.at(2).executions(T0)
    assert execution.commission == Decimal(commission)


def test_a_sale_pays_the_fees_of_sales_too(account: Account) -> None:
    account.commission = "ib_tiered"
    held(account)
    account.at(2).close(closing())
    account.tape.quote(98.0, 3)
    assert [execution.commission for execution in account.at(4).executions(T0)] == [
        Decimal("0.67"),
        Decimal("0.6866"),
    ]


def test_the_buying_power_has_to_be_enough_for_the_commission_too(account: Account) -> None:
    with pytest.raises(OrderRefused, match=r"cost 100005\.00 with its commission"):
        account.at(0).place(bracket(quantity=1_000))
    account.at(0).place(bracket(quantity=999))
    assert account.at(0).account().buying_power == Decimal("95.00")


def test_working_entries_are_kept_back_from_the_buying_power(account: Account) -> None:
    account.at(0).place(bracket())
    worth = account.at(0).account()
    assert [worth.cash, worth.equity, worth.buying_power] == [100_000, 100_000, 89_999]


def test_a_shorts_proceeds_buy_nothing_and_its_value_is_kept_back(account: Account) -> None:
    held(account, short())
    account.tape.quote(104.0, 2)
    worth = account.at(3).account()
    proceeds = Decimal("100.96") * 100
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
    assert account.at(3).holdings() == {"AAPL": Holding(Instrument("AAPL"), Decimal(150), Decimal("98.01"))}


def test_what_was_found_after_an_outage_is_told_as_new(account: Account) -> None:
    held(account)
    account.tape.bar(5, 94.0, 94.0, 94.0, 94.0)
    since = T0 + timedelta(hours=3)
    assert [execution.leg for execution in account.at(180).executions(since)] == [STOP]
