"""The message after the close."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from approvals.models import AccountSnapshot, Fill, Notification, Order
from approvals.positions import day_report, trades
from signals.models import Signal
from tests import make
from tests.make import T0

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CLOSE = datetime(2024, 7, 3, 17, tzinfo=UTC)  # half a day
AFTER = CLOSE + 20 * MINUTE


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()


def worth(equity: str, at: datetime) -> None:
    money = {name: Decimal(equity) for name in ("equity", "cash", "buying_power")}
    AccountSnapshot.objects.create(broker="paper", at=at, currency="USD", **money)


def report(at: datetime = AFTER) -> Notification:
    day_report.send(at)
    return Notification.objects.get(kind=Notification.Kind.DAY_REPORT)


def test_a_day_without_news() -> None:
    worth("100000", CLOSE - DAY)
    worth("100250", CLOSE - MINUTE)
    message = report()
    assert message.title == "Wednesday 2024-07-03: +250.00 USD (+0.25 %), 100,250.00 in all"
    assert message.body == "All quiet: nothing was filled, nothing expired, nothing waits."


def test_an_account_that_was_not_seen() -> None:
    worth("100000", CLOSE - 3 * DAY)
    assert report().title == "Wednesday 2024-07-03: what it made is not known, the account was not seen"


def test_what_was_done_and_what_waits() -> None:
    order = make.held("AAPL")
    make.fill(order, price="192", side=Signal.Type.SELL, leg=Fill.Leg.TARGET, executed_at=T0 + HOUR)
    Order.objects.update(exits_working=False)
    make.held("MSFT")
    trades.refresh(T0 + DAY)
    make.signal("AAPL", expires_at=CLOSE - HOUR)
    make.signal("MSFT", expires_at=CLOSE + DAY)
    make.order("AAPL", status=Order.Status.HELD)
    make.earnings("MSFT", "2024-07-05", time="after")
    make.earnings("AAPL", "2024-07-05", time="after")
    make.earnings("MSFT", "2024-10-30")
    assert report().body.splitlines() == [
        "Filled: 3",
        "- BUY 10 AAPL at 185.50",
        "- BUY 10 MSFT at 185.50",
        "- SELL 10 AAPL at 192.00",
        "Closed: 1",
        "- BUY 10 AAPL +65.00 USD, +1.30 R",
        "Expired undecided: 1",
        "- BUY AAPL macd_crossover_v1 1d",
        "Waiting for a decision: 1 signal",
        "Needing a new look: 1 order",
        "Held: 1, at risk to their stops 50.00 USD",
        "MSFT: reports earnings on Fri 5 Jul after the close, estimated",
    ]


def test_many_lines_of_a_kind_are_cut() -> None:
    for _ in range(12):
        make.held("AAPL", quantity=1)
    lines = report().body.splitlines()
    assert (lines[0], lines[11]) == ("Filled: 12", "- and 2 more")


def test_it_is_sent_once_and_for_each_day() -> None:
    day_report.send(AFTER)
    day_report.send(AFTER + MINUTE)
    day_report.send(datetime(2024, 7, 5, 20, 20, tzinfo=UTC))
    assert Notification.objects.count() == 2


@pytest.mark.parametrize("at", [CLOSE + 19 * MINUTE, CLOSE + 12 * HOUR, CLOSE - HOUR])
def test_it_is_not_sent_at_other_times(at: datetime) -> None:
    day_report.send(at)
    assert not Notification.objects.exists()


def test_what_happened_after_the_close_is_of_the_next_day() -> None:
    make.held("AAPL", at=CLOSE + MINUTE)
    assert "Filled" not in report().body
    assert date(2024, 7, 3).isoformat() in report().title
