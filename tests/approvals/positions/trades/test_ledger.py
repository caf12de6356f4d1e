"""The table of closed trades."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from approvals.models import ExitChange, Fill, Order, Trade
from approvals.positions import trades
from market.models import Candle, Split
from market.prices import Timeframe
from signals.models import Signal
from tests import make
from tests.approvals.positions.trades.rows import DAY, HOUR, LATER, closed, entry, leave
from tests.make import T0

pytestmark = pytest.mark.django_db

Leg = Fill.Leg


@pytest.fixture(autouse=True)
def _instruments() -> None:
    make.instrument("AAPL")


def minute(at: datetime, low: float, high: float, **values: Any) -> None:
    given: dict[str, Any] = {
        "symbol": "AAPL",
        "timeframe": Timeframe.M1,
        "opened_at": at,
        "open": low,
        "close": high,
        "high": high,
        "low": low,
        "volume": 100,
        "provider": "simulator",
        "feed": "simulated",
        "session": "regular",
        "is_final": True,
        "suspect": False,
    }
    Candle.objects.create(**given | values)


def test_a_closed_trade_says_what_it_made_and_why() -> None:
    order = entry()
    leave(order, "192", T0 + HOUR, commission=Decimal(2))
    assert trades.refresh(LATER) == 1
    trade = Trade.objects.get()
    assert str(trade) == "BUY 10 AAPL"
    assert (trade.entry_price, trade.exit_price) == (Decimal(186), Decimal(192))
    assert (trade.gross, trade.commission, trade.net) == (Decimal(60), Decimal(2), Decimal(58))
    assert (trade.risk, trade.planned_risk) == (Decimal(55), Decimal(50))
    assert (trade.r, trade.planned_r) == (Decimal(58) / 55, Decimal("1.16"))
    assert (trade.exit, trade.held_for, trade.entries, trade.exits) == ("target", HOUR, 1, 1)
    assert order.approval is not None
    assert (trade.signal, trade.strategy_id) == (order.approval.signal, order.approval.signal.strategy_id)
    assert (trade.decided_by, trade.signals) == (order.approval.approved_by, 1)


def test_what_is_still_held_is_no_trade() -> None:
    leave(entry(), "192", T0 + HOUR, quantity=4)
    trades.refresh(LATER)
    assert not Trade.objects.exists()


def test_scaled_in_and_out() -> None:
    first = entry(10, "186")
    second = entry(10, "190", T0 + HOUR)
    leave(first, "192", T0 + 2 * HOUR)
    leave(second, "180.50", T0 + 3 * HOUR, leg=Leg.STOP)
    trades.refresh(LATER)
    trade = Trade.objects.get()
    assert (trade.quantity, trade.entry_price, trade.exit_price) == (
        Decimal(20),
        Decimal(188),
        Decimal("186.25"),
    )
    assert (trade.exit, trade.entries, trade.exits, trade.signals) == ("several", 2, 2, 2)
    assert trade.risk == Decimal(150)


def test_a_short() -> None:
    levels: dict[str, Any] = {"stop_loss": Decimal("190.50"), "take_profit": Decimal("179.25")}
    order = entry(price="185", side=Signal.Type.SELL, **levels)
    leave(order, "190.50", T0 + HOUR, leg=Leg.STOP)
    trades.refresh(LATER)
    trade = Trade.objects.get()
    assert (trade.side, trade.net, trade.risk, trade.r) == ("SELL", Decimal(-55), Decimal(55), Decimal(-1))


def test_what_others_traded_is_not_ours() -> None:
    leave(entry(), "192", T0 + HOUR)
    Fill.objects.create(
        leg=Leg.CLOSE,
        broker="paper",
        execution_id="theirs",
        symbol="AAPL",
        side="SELL",
        quantity=5,
        price=100,
        executed_at=T0 + HOUR / 2,
        recorded_at=T0 + HOUR / 2,
    )
    trades.refresh(LATER)
    assert Trade.objects.get().net == Decimal(60)


def test_an_old_trade_is_computed_once() -> None:
    leave(entry(), "192", T0 + HOUR)
    assert [trades.refresh(LATER), trades.refresh(LATER + DAY)] == [1, 0]


def test_a_late_fill_changes_the_trade_and_keeps_its_row() -> None:
    order = entry()
    leave(order, "192", T0 + HOUR)
    trades.refresh(LATER)
    before = Trade.objects.get()
    entry(5, "187", T0 + 2 * HOUR)
    late = Order.objects.order_by("created_at", "pk").exclude(pk=order.pk).get()
    leave(late, "186", T0 + 3 * HOUR, quantity=5, recorded_at=LATER + HOUR)
    assert trades.refresh(LATER + HOUR) == 1
    assert Trade.objects.count() == 2
    assert Trade.objects.order_by("closed_at").first() == before


def test_a_fill_that_is_stored_late_is_not_missed() -> None:
    order = entry()
    leave(order, "192", T0 + HOUR)
    trades.refresh(LATER)
    again = entry(5, "187", T0 + 2 * HOUR)
    leave(again, "186", T0 + 3 * HOUR, quantity=5, recorded_at=LATER - timedelta(minutes=5))
    trades.refresh(LATER + HOUR)
    assert Trade.objects.count() == 2


def test_how_far_it_went_against_us_and_for_us() -> None:
    minute(T0 - HOUR, 100, 300)
    minute(T0 + timedelta(minutes=10), 183.25, 187)
    minute(T0 + timedelta(minutes=20), 185, 193.5)
    minute(T0 + timedelta(minutes=30), 1, 999, suspect=True)
    minute(T0 + timedelta(minutes=59, seconds=30), 100, 300)
    leave(entry(), "192", T0 + HOUR)
    trades.refresh(LATER)
    trade = Trade.objects.get()
    assert (trade.lowest, trade.highest) == (Decimal("183.25"), Decimal("193.5"))
    assert (trade.adverse, trade.favourable) == (Decimal("2.75"), Decimal("7.5"))


def test_bars_that_come_late_are_measured_a_day_after_the_close() -> None:
    leave(entry(), "192", T0 + HOUR)
    trades.refresh(T0 + HOUR)
    minute(T0 + timedelta(minutes=10), 183.25, 187)
    assert trades.refresh(T0 + HOUR + DAY) == 1
    assert Trade.objects.get().lowest == Decimal("183.25")


def test_prices_of_before_a_split_are_in_the_shares_of_then() -> None:
    leave(entry(), "192", T0 + HOUR)
    minute(T0 + timedelta(minutes=10), 45, 48.5)
    Split.objects.create(
        symbol="AAPL", date=(T0 + 3 * DAY).date(), ratio=4, source="manual", recorded_at=T0 + 3 * DAY
    )
    trades.refresh(T0 + 4 * DAY)
    trade = Trade.objects.get()
    assert (trade.net, trade.lowest, trade.highest) == (Decimal(60), Decimal(180), Decimal(194))


def test_a_split_while_it_is_held() -> None:
    order = entry(price="186")
    day = (T0 + DAY).date()
    Split.objects.create(symbol="AAPL", date=day, ratio=4, source="manual", recorded_at=T0 + DAY)
    leave(order, "48", T0 + DAY, quantity=40)
    trades.refresh(T0 + 3 * DAY)
    trade = Trade.objects.get()
    assert (trade.quantity, trade.entry_price, trade.net) == (Decimal(40), Decimal("46.5"), Decimal(60))


def figures(trade: Trade) -> list[Decimal]:
    return [trade.gross, trade.dividends, trade.net]


class TestDividends:
    """Of AAPL, whose session of 5 July opens at 13:30 UTC; trades begin on 3 July at 14:00."""

    FRIDAY = datetime(2024, 7, 5, 13, 30, tzinfo=UTC)

    @pytest.fixture(autouse=True)
    def _sessions(self) -> None:
        make.july_2024()

    def test_that_of_an_ex_date_while_it_was_held_is_in_its_net(self) -> None:
        make.action(ex_date="2024-07-05")
        trade = closed("192", self.FRIDAY)
        assert figures(trade) == [60, Decimal("2.40"), Decimal("62.40")]
        assert trade.r == Decimal("62.40") / 55

    @pytest.mark.parametrize("days", ["2024-07-03", "2024-07-08"])
    def test_one_from_before_or_after_is_not(self, days: str) -> None:
        make.action(ex_date=days)
        assert closed("192", self.FRIDAY).dividends == 0

    def test_whoever_sells_before_the_session_opens_has_none(self) -> None:
        make.action(ex_date="2024-07-05")
        assert closed("192", self.FRIDAY - timedelta(seconds=1)).dividends == 0

    def test_a_holidays_counts_with_the_next_session(self) -> None:
        make.action(ex_date="2024-07-04")
        assert closed("192", self.FRIDAY).dividends == Decimal("2.40")

    def test_a_short_pays_it(self) -> None:
        make.action(ex_date="2024-07-05")
        levels: dict[str, Any] = {"stop_loss": Decimal("190.50"), "take_profit": Decimal("179.25")}
        order = entry(side=Signal.Type.SELL, **levels)
        leave(order, "180", self.FRIDAY)
        trades.refresh(LATER)
        trade = Trade.objects.get()
        assert figures(trade) == [60, Decimal("-2.40"), Decimal("57.60")]

    def test_only_shares_that_were_held_then_have_it(self) -> None:
        make.action(ex_date="2024-07-05")
        order = entry()
        leave(order, "190", T0 + HOUR, 6)
        leave(order, "192", self.FRIDAY, 4)
        trades.refresh(LATER)
        assert Trade.objects.get().dividends == Decimal("0.96")

    def test_it_is_for_the_shares_of_before_a_later_split(self) -> None:
        make.action(ex_date="2024-07-05")
        Split.objects.create(symbol="AAPL", date=date(2024, 7, 8), ratio=4, source="manual", recorded_at=T0)
        order = entry()
        leave(order, "48", datetime(2024, 7, 8, 14, tzinfo=UTC), 40)
        trades.refresh(datetime(2024, 7, 9, tzinfo=UTC))
        assert Trade.objects.get().dividends == Decimal("2.40")

    def test_one_in_another_currency_is_not_counted(self) -> None:
        make.action(ex_date="2024-07-05", currency="EUR")
        assert closed("192", self.FRIDAY).dividends == 0

    def test_one_that_is_recorded_or_withdrawn_later_is_followed(self) -> None:
        trade = closed("192", self.FRIDAY)
        action = make.action(ex_date="2024-07-05", recorded_at=LATER + HOUR)
        trades.refresh(LATER + HOUR)
        trade.refresh_from_db()
        assert trade.dividends == Decimal("2.40")
        type(action).objects.update(ended_at=LATER + 2 * HOUR)
        trades.refresh(LATER + 2 * HOUR)
        trade.refresh_from_db()
        assert figures(trade) == [60, 0, 60]


class TestTheRiskReallyTaken:
    """Worked by hand. Limit 185.50 and stop 180.50, so 5.00 a share are planned, unless told."""

    def test_slippage_beyond_the_planned_entry(self) -> None:
        trade = closed("192")  # bought at 186: 6.00 made, 5.50 risked a share
        assert (trade.risk, trade.planned_risk, trade.no_risk) == (Decimal(55), Decimal(50), "")
        assert (trade.r, trade.planned_r) == (Decimal(60) / 55, Decimal("1.2"))

    def test_scaled_in_at_two_prices_with_two_stops(self) -> None:
        levels: dict[str, Any] = {
            "limit_price": Decimal(190),
            "stop_loss": Decimal(184),
            "take_profit": Decimal(199),
        }
        first, second = entry(10, "186"), entry(4, "190.25", T0 + HOUR, **levels)
        leave(first, "192", T0 + 2 * HOUR)
        leave(second, "192", T0 + 3 * HOUR, quantity=4)
        trades.refresh(LATER)
        trade = Trade.objects.get()
        assert (trade.risk, trade.planned_risk) == (Decimal(55 + 25), Decimal(50 + 24))
        assert (trade.net, trade.r, trade.planned_r) == (Decimal(67), Decimal(67) / 80, Decimal(67) / 74)

    def test_a_stop_that_is_moved_later_changes_nothing(self) -> None:
        order = entry()
        moved_stop(order, "186", T0 + HOUR)
        leave(order, "192", T0 + 2 * HOUR)
        trades.refresh(LATER)
        assert Trade.objects.get().r == Decimal(60) / 55

    def test_a_fill_after_the_move_counts_by_the_moved_stop(self) -> None:
        order = entry(6)
        moved_stop(order, "183", T0 + HOUR)
        make.fill(order, 4, "187", executed_at=T0 + 2 * HOUR, recorded_at=T0 + 2 * HOUR)
        leave(order, "192", T0 + 3 * HOUR)
        trades.refresh(LATER)
        trade = Trade.objects.get()
        assert trade.risk == Decimal(6) * Decimal("5.50") + 4 * 4
        assert trade.planned_risk == Decimal(50)

    @pytest.mark.parametrize("price", ["180.50", "179"])
    def test_an_entry_at_or_beyond_its_stop_has_no_r(self, price: str) -> None:
        order = entry(price=price)
        leave(order, "178", T0 + HOUR)
        trades.refresh(LATER)
        trade = Trade.objects.get()
        assert (trade.risk, trade.r, trade.no_risk) == (None, None, "beyond_stop")
        assert trade.planned_r == trade.net / 50

    def test_one_entry_beyond_its_stop_leaves_the_others_without_r(self) -> None:
        first, second = entry(10, "186"), entry(10, "180", T0 + HOUR)
        leave(first, "192", T0 + 2 * HOUR)
        leave(second, "192", T0 + 2 * HOUR)
        trades.refresh(LATER)
        assert (Trade.objects.get().r, Trade.objects.get().no_risk) == (None, "beyond_stop")

    def test_what_was_opened_without_a_stop_has_no_r(self) -> None:
        entry()
        closing: dict[str, Any] = {"kind": Order.Kind.CLOSE, "quantity": 15, "status": Order.Status.FILLED}
        sale = make.order(side=Signal.Type.SELL, **closing)  # five more than are held: a short without a stop
        make.fill(sale, 15, "192", leg=Leg.CLOSE, executed_at=T0 + HOUR, recorded_at=T0 + HOUR)
        back, at = make.order(**closing), T0 + 2 * HOUR
        make.fill(back, 5, "190", leg=Leg.CLOSE, executed_at=at, recorded_at=at)
        trades.refresh(LATER)
        long, short = Trade.objects.order_by("closed_at")
        assert (long.r, short.side, short.r, short.no_risk) == (Decimal(60) / 55, "SELL", None, "no_stop")
        assert short.get_no_risk_display() == "no R: an entry had no stop"


def moved_stop(order: Order, level: str, at: datetime) -> None:
    ExitChange.objects.create(
        order=order,
        leg=ExitChange.Leg.STOP,
        before=Decimal("180.50"),
        level=Decimal(level),
        requested_by=make.trader("mover"),
        requested_at=at,
        state=ExitChange.State.DONE,
        ended_at=at,
    )
    Order.objects.filter(pk=order.pk).update(stop_level=level)
