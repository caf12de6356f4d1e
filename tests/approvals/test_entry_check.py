"""The fresh look at the newest price."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from approvals import entry_check
from approvals.entry_check import MarketContext, levels_of
from market.models import Instrument, Quote, Split
from signals.models import Signal, StrategyConfig
from tests import make

pytestmark = pytest.mark.django_db

SATURDAY = datetime(2024, 7, 6, 12, tzinfo=UTC)
FRIDAYS_CLOSE = datetime(2024, 7, 5, 20, tzinfo=UTC)
MONDAYS_OPEN = datetime(2024, 7, 8, 13, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL")
    make.july_2024()


def problems(signal: Signal, price: float, at: datetime = make.T0, **quote: Any) -> list[str]:
    Quote.objects.all().delete()
    make.quote("AAPL", price, **{"as_of": at} | quote)
    return entry_check.check(levels_of(signal), "AAPL", MarketContext.load(["AAPL"], at)).problems


def test_a_price_where_the_signal_was_is_no_problem() -> None:
    assert problems(make.signal(), 185.60) == []


def test_a_missing_quote_is() -> None:
    market = MarketContext.load(["AAPL"], make.T0)
    assert entry_check.check(levels_of(make.signal()), "AAPL", market).problems == ["There is no quote."]


def test_a_quote_is_stale_beyond_the_limit_and_not_at_it() -> None:
    signal, limit = make.signal(), timedelta(seconds=300)
    assert problems(signal, 185.60, as_of=make.T0 - limit) == []
    late = problems(signal, 185.60, as_of=make.T0 - limit - timedelta(seconds=1))
    assert late == ["The newest quote is 301 s old; 300 s are allowed."]


@pytest.mark.parametrize(
    ("doubt", "why"),
    [
        ("outside_book", "far outside its own bid and ask"),
        ("far_from_last", "far from the last believed one"),
    ],
)
def test_a_doubtful_price_is_not_decided_on(doubt: str, why: str) -> None:
    newer: dict[str, Any] = {"doubt": doubt, "doubtful_price": 1855.0, "doubtful_as_of": make.T0}
    assert problems(make.signal(), 185.60, **newer) == [
        f"The newest price of 1855.00 is doubtful: {why}. Wait for a second trade to confirm it."
    ]


def test_nothing_is_entered_while_trading_is_halted() -> None:
    assert problems(make.signal(), 185.60, halt="news is pending") == [
        "Trading is halted: news is pending. Wait until it goes on."
    ]


def test_a_crossed_or_locked_book_is_no_problem_of_an_entry() -> None:
    assert problems(make.signal(), 185.60, bid=185.61, ask=185.60) == []


def test_the_stated_delay_of_a_feed_is_taken_off() -> None:
    as_of = make.T0 - timedelta(minutes=19)
    assert problems(make.signal(), 185.60, as_of=as_of, feed="delayed", delay_seconds=900) == []


def test_a_delayed_feed_is_for_paper_only(settings: Settings) -> None:
    settings.BROKER = "tests.approvals.broker.client:REAL"
    assert problems(make.signal(), 185.60, feed="delayed") == [
        "The feed is delayed: only paper orders are made on it."
    ]


@pytest.mark.parametrize(
    ("price", "why"),
    [
        (180.50, "The price of 180.50 is at or beyond the stop of 180.50."),
        (191.75, "The price of 191.75 is at or beyond the target of 191.75."),
        (186.76, "The price has run 0.504 ATR from 185.50 to 186.76; 0.5 are allowed."),
    ],
)
def test_a_price_at_the_stop_at_the_target_or_run_away_is_told_with_its_figures(
    price: float, why: str
) -> None:
    assert problems(make.signal(), price)[0] == why


def test_half_an_atr_is_allowed_if_the_reward_is_worth_the_risk() -> None:
    # At 186.75 the target is 5.00 away and the stop 6.25: exactly 0.8.
    assert problems(make.signal(), 186.75) == []
    assert problems(make.signal("MSFT", take_profit=Decimal("191.74")), 186.75) == [
        "The reward is 0.798 times the risk at 186.75; at least 0.8 is asked for."
    ]


def test_a_sell_is_the_same_upside_down() -> None:
    signal = make.sell()
    assert problems(signal, 185.40) == []
    assert "beyond the stop" in problems(signal, 190.50)[0]
    assert "beyond the target" in problems(signal, 179.25)[0]
    assert "has run 0.520 ATR" in problems(signal, 184.20)[0]


def test_a_price_that_moved_against_the_trade_is_no_problem() -> None:
    assert problems(make.signal(), 181.00) == []


def test_after_the_close_the_closing_price_is_fresh_and_an_earlier_one_is_not() -> None:
    signal = make.signal()
    assert problems(signal, 185.60, SATURDAY, as_of=FRIDAYS_CLOSE - timedelta(seconds=10)) == []
    old = problems(signal, 185.60, SATURDAY, as_of=FRIDAYS_CLOSE - timedelta(minutes=10))
    assert old == ["The newest quote is 600 s older than the close; 300 s are allowed."]


def test_out_of_session_an_order_waits_until_two_minutes_after_the_open() -> None:
    hours = MarketContext.load(["AAPL"], SATURDAY).hours["AAPL"]
    assert not hours.is_open
    assert hours.due_at(timedelta(0)) == MONDAYS_OPEN + timedelta(minutes=2)
    assert hours.due_at(timedelta(minutes=15)) == MONDAYS_OPEN + timedelta(minutes=17)
    assert hours.closes_at == datetime(2024, 7, 8, 20, tzinfo=UTC)


def test_in_session_it_does_not_wait() -> None:
    hours = MarketContext.load(["AAPL"], make.T0).hours["AAPL"]
    assert hours.is_open
    assert hours.due_at(timedelta(0)) is None
    assert hours.closes_at == datetime(2024, 7, 3, 17, tzinfo=UTC)


def test_an_entry_is_good_until_the_close_or_the_end_of_its_signal() -> None:
    market, close = MarketContext.load(["AAPL"], make.T0), datetime(2024, 7, 3, 17, tzinfo=UTC)
    assert market.good_until(make.signal(expires_at=close + timedelta(days=1))) == close
    sooner = make.T0 + timedelta(minutes=30)
    assert market.good_until(make.signal(timeframe="15m", expires_at=sooner)) == sooner


def test_round_the_clock_midnight_ends_nothing() -> None:
    make.only("BTC", calendar="24/7")
    make.round_the_clock()
    signal = make.signal("BTC", expires_at=make.T0 + timedelta(hours=20))
    assert MarketContext.load(["BTC"], make.T0).good_until(signal) == signal.expires_at


def test_what_is_flat_at_the_close_says_when() -> None:
    signal = make.signal(timeframe="15m")
    StrategyConfig.objects.filter(timeframe="15m").update(flat_at_close=True)
    assert MarketContext.load(["AAPL"], make.T0).flat_at(signal) == datetime(2024, 7, 3, 17, tzinfo=UTC)
    StrategyConfig.objects.update(flat_at_close=False)
    assert MarketContext.load(["AAPL"], make.T0).flat_at(signal) is None


class TestAnOrderThatWaited:
    AT = MONDAYS_OPEN + timedelta(minutes=2)

    @pytest.fixture
    def problems(self) -> Any:
        signal = make.signal(status="approved", expires_at=datetime(2024, 7, 8, 20, tzinfo=UTC))
        order = make.order(approval=make.approval(signal), created_at=SATURDAY)
        return lambda at=self.AT: entry_check.problems(order, at)

    def test_goes_out_on_a_live_price(self, problems: Any) -> None:
        make.quote("AAPL", 185.60, self.AT - timedelta(seconds=20))
        assert problems() == []

    def test_not_while_a_move_of_the_size_of_a_split_is_unexplained(self, problems: Any) -> None:
        make.quote("AAPL", 185.60, self.AT - timedelta(seconds=20))
        make.move()
        assert problems()[0].startswith("Its price has moved as by a split that nothing explains")

    def test_not_on_the_price_of_the_last_close(self, problems: Any) -> None:
        make.quote("AAPL", 185.60, FRIDAYS_CLOSE)
        assert "s old; 300 s are allowed" in problems()[0]

    def test_not_on_a_price_from_just_before_the_open(self, problems: Any) -> None:
        make.quote("AAPL", 185.60, MONDAYS_OPEN - timedelta(minutes=2))
        assert problems() == ["The newest quote is from before the open. Wait for the next one."]

    def test_not_when_the_price_has_jumped_over_night(self, problems: Any) -> None:
        make.quote("AAPL", 192.00, self.AT)
        assert "beyond the target" in problems()[0]

    def test_not_after_its_signal_expired_nor_after_the_close(self, problems: Any) -> None:
        at = datetime(2024, 7, 8, 20, tzinfo=UTC)
        make.quote("AAPL", 185.60, at)
        assert problems(at) == ["Its signal expired at 2024-07-08 20:00 UTC.", "The exchange is not open."]

    def test_not_when_the_share_was_split(self, problems: Any) -> None:
        make.quote("AAPL", 185.60, self.AT)
        Split.objects.create(
            symbol="AAPL", date="2024-07-08", ratio=4, source="operator", recorded_at=self.AT
        )
        assert problems() == ["The share was split: its levels are those of the old shares."]

    def test_not_while_a_split_is_pending(self, problems: Any) -> None:
        make.quote("AAPL", 185.60, self.AT)
        Instrument.objects.update(split_pending_since=self.AT)
        assert len(problems()) == 1


def test_what_is_looked_at_is_read_in_a_constant_number_of_queries(
    django_assert_num_queries: Any,
) -> None:
    make.only("AAPL", "MSFT", "SPY")
    with django_assert_num_queries(4):
        MarketContext.load(["AAPL", "MSFT", "SPY"], make.T0)


def test_nothing_is_sold_short_at_a_broker_that_does_not(settings: Settings) -> None:
    settings.BROKER = "tests.approvals.broker.client:BARE"
    assert problems(make.sell(), 185.40) == [
        "Nothing can be sold short at the fake broker, which BROKER names."
    ]
    assert problems(make.signal(), 185.60) == []
