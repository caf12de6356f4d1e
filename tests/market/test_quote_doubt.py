"""Which prices are doubtful, and what confirms them: polls one after the other, as the cycle judges them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from market.prices import Doubt, QuoteTick
from market.quality.quote_doubt import LastPrice, believed_again, far_moves, with_doubts

T = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OUTSIDE, FAR = Doubt.OUTSIDE_BOOK, Doubt.FAR_FROM_LAST


@dataclass
class Symbol:
    """A symbol whose polls are judged, with what is stored of it in between."""

    last: LastPrice | None = None
    typical: float = 0.002
    clocked: bool = False
    now: datetime = T

    def poll(
        self,
        price: float,
        bid: float | None = None,
        ask: float | None = None,
        *,
        same_trade: bool = False,
    ) -> Doubt | None:
        self.now += timedelta(0) if same_trade else MINUTE
        tick = QuoteTick("AAPL", price, self.now, bid=bid, ask=ask)
        known = {"AAPL": self.last} if self.last else {}
        (judged,) = with_doubts([tick], known, {"AAPL": self.typical}, clocked=self.clocked)
        if judged.doubt is None:
            self.last = LastPrice(price, self.now)
        elif self.last is None or self.last.price is None:
            self.last = LastPrice(None, self.now, price, self.now)
        else:
            self.last = replace(self.last, doubtful_price=price, doubtful_as_of=self.now)
        return judged.doubt


def believed(price: float, typical: float = 0.002, *, clocked: bool = False) -> Symbol:
    return Symbol(LastPrice(price, T), typical, clocked)


ORDINARY = {
    "the same price": (100.0, 100.0, 99.99, 100.01),
    "a small move with its book": (100.0, 101.0, 100.99, 101.01),
    "a small move without a book": (100.0, 102.0, None, None),
    "a jump up with its book": (100.0, 130.0, 129.9, 130.1),
    "a jump down with its book": (100.0, 60.0, 59.9, 60.0),
    "a split with its book": (1000.0, 100.0, 99.9, 100.1),
    "a cent outside": (100.0, 100.02, 99.99, 100.01),
    "a crossed book": (100.0, 100.0, 100.01, 100.0),
    "a locked book": (100.0, 100.0, 100.0, 100.0),
    "a wide book before the open": (100.0, 100.0, 50.0, 150.0),
    "a stub book": (100.0, 101.0, 0.01, 199_999.99),
    "a bid and no ask": (100.0, 101.0, 100.0, None),
    "an ask and no bid": (100.0, 99.0, None, 100.0),
    "a penny share's tick": (0.02, 0.0201, 0.02, 0.0202),
    "a price of cents that moves by a tenth": (0.50, 0.545, None, None),
}


@pytest.mark.parametrize(("last", "price", "bid", "ask"), ORDINARY.values(), ids=ORDINARY.keys())
def test_an_ordinary_price_is_believed_at_once(
    last: float, price: float, bid: float | None, ask: float | None
) -> None:
    assert believed(last).poll(price, bid, ask) is None


DOUBTFUL = {
    "a cent in a book of 100": (100.0, 0.01, 99.99, 100.01, OUTSIDE),
    "ten times its book": (100.0, 1000.0, 99.99, 100.01, OUTSIDE),
    "a twentieth outside": (100.0, 105.5, 99.99, 100.01, OUTSIDE),
    "below a bid without an ask": (100.0, 90.0, 99.99, None, OUTSIDE),
    "above an ask without a bid": (100.0, 110.0, None, 100.01, OUTSIDE),
    "beyond a wide book": (100.0, 400.0, 50.0, 150.0, OUTSIDE),
    "outside a crossed book": (100.0, 130.0, 100.01, 100.0, OUTSIDE),
    "outside a locked book": (100.0, 70.0, 100.0, 100.0, OUTSIDE),
    "ten times the last, without a book": (100.0, 1000.0, None, None, FAR),
    "a tenth of the last, without a book": (100.0, 10.0, None, None, FAR),
    "far inside a book that is too wide to say anything": (100.0, 140.0, 50.0, 150.0, FAR),
    "far with a stub book": (100.0, 80.0, 0.01, 199_999.99, FAR),
    "far inside a book that is crossed by a lot": (100.0, 105.0, 110.0, 90.0, FAR),
}


@pytest.mark.parametrize(("last", "price", "bid", "ask", "doubt"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_price_that_nothing_supports_is_doubtful(
    last: float, price: float, bid: float | None, ask: float | None, doubt: Doubt
) -> None:
    assert believed(last).poll(price, bid, ask) is doubt
    tick = QuoteTick("AAPL", price, T + MINUTE, bid=bid, ask=ask)
    assert far_moves([tick], {"AAPL": LastPrice(last, T)}) == ["AAPL"]


@pytest.mark.parametrize("second", [1000.0, 990.0, 1020.0, 900.0, 700.0])
def test_a_true_jump_is_believed_with_the_second_trade(second: float) -> None:
    symbol = believed(100.0)
    assert symbol.poll(1000.0) is FAR
    assert symbol.poll(second) is None


@pytest.mark.parametrize(("first", "second"), [(130.0, 115.0), (130.0, 145.0), (70.0, 80.0), (70.0, 55.0)])
def test_the_open_after_earnings_swings_and_is_believed_at_the_second_poll(
    first: float, second: float
) -> None:
    symbol = believed(100.0)
    assert symbol.poll(first) is FAR
    assert symbol.poll(second) is None


def test_a_true_jump_with_a_book_that_lags_is_believed_with_the_second_trade() -> None:
    symbol = believed(100.0)
    assert symbol.poll(150.0, 99.9, 100.1) is OUTSIDE
    assert symbol.poll(148.0, 99.9, 100.1) is None


def test_a_fat_finger_is_forgotten_with_the_next_ordinary_trade() -> None:
    symbol = believed(100.0)
    assert symbol.poll(1000.0, 99.99, 100.01) is OUTSIDE
    assert symbol.poll(100.1, 100.0, 100.2) is None
    assert symbol.last == LastPrice(100.1, symbol.now)


def test_two_different_fat_fingers_do_not_confirm_each_other() -> None:
    symbol = believed(100.0)
    assert symbol.poll(1000.0, 99.99, 100.01) is OUTSIDE
    assert symbol.poll(10.0, 99.99, 100.01) is OUTSIDE
    assert symbol.poll(100.0, 99.99, 100.01) is None


def test_the_same_trade_told_again_is_no_second_one_until_the_book_lies_there() -> None:
    symbol = believed(100.0)
    assert symbol.poll(130.0, 99.9, 100.1) is OUTSIDE
    assert symbol.poll(130.0, 99.9, 100.1, same_trade=True) is OUTSIDE
    assert symbol.poll(130.0, 129.8, 130.2, same_trade=True) is None


def test_a_trade_that_was_believed_stays_so_when_its_book_moves_away() -> None:
    symbol = believed(100.0)
    assert symbol.poll(100.5, 100.4, 100.6) is None
    assert symbol.poll(100.5, 109.0, 110.0, same_trade=True) is None


def test_from_a_provider_with_its_own_clock_a_repeated_price_does_not_confirm_itself_against_its_book() -> (
    None
):
    symbol = believed(100.0, clocked=True)
    assert [symbol.poll(1000.0, 99.99, 100.01) for _ in range(3)] == [OUTSIDE] * 3
    assert symbol.poll(1000.0, 999.0, 1001.0) is None


def test_without_a_book_a_repeated_price_is_believed_so_that_no_symbol_freezes() -> None:
    symbol = believed(100.0, clocked=True)
    assert (symbol.poll(130.0), symbol.poll(130.0)) == (FAR, None)


def test_the_first_price_of_a_symbol_is_judged_by_its_book_alone() -> None:
    assert Symbol().poll(1000.0) is None
    assert Symbol().poll(140.0, 50.0, 150.0) is None
    symbol = Symbol()
    assert symbol.poll(0.01, 99.9, 100.1) is OUTSIDE
    assert symbol.poll(100.0, 99.9, 100.1) is None


def test_a_first_price_outside_its_book_is_believed_with_a_second_one_near_it() -> None:
    symbol = Symbol()
    assert symbol.poll(80.0, 99.9, 100.1) is OUTSIDE
    assert symbol.poll(80.5, 99.9, 100.1) is None


@pytest.mark.parametrize(("typical", "doubt"), [(0.06, None), (0.005, FAR)])
def test_a_penny_share_that_often_moves_so_is_believed_at_once(typical: float, doubt: Doubt | None) -> None:
    assert believed(0.50, typical).poll(0.70) is doubt


def test_a_coin_that_trades_round_the_clock_is_believed_by_its_typical_moves() -> None:
    assert believed(60_000.0, 0.008).poll(63_500.0) is None
    symbol = believed(60_000.0, 0.008)
    assert (symbol.poll(6_000.0), symbol.poll(60_100.0)) == (FAR, None)


def test_only_trades_that_were_doubted_count_as_believed_again() -> None:
    last = {"AAPL": LastPrice(100.0, T, 130.0, T + MINUTE)}
    again = QuoteTick("AAPL", 130.0, T + MINUTE)
    assert believed_again([again], last) == {"AAPL": T + MINUTE}
    assert believed_again([replace(again, doubt=FAR)], last) == {}
    assert believed_again([replace(again, as_of=T + 2 * MINUTE)], last) == {}
    assert believed_again([again], {}) == {}
