"""The page of positions: what is held, orders and their history, and getting out."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from approvals.models import AccountSnapshot, Order
from core.formatting import axis_ticks
from desk.positions import EquityCurve
from market.ingestion import delistings
from market.models import Quote
from tests import make


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 186.0)


def page(client: Client) -> str:
    return client.get("/positions/").content.decode()


def test_empty_parts_say_what_fills_them(trader: Client) -> None:
    html = page(trader)
    for expected in ("Nothing is held", "No order yet", "No curve yet"):
        assert expected in html, expected
    assert "No fill yet" in trader.get("/positions/?list=fills").content.decode()


def test_a_position_shows_its_result_its_stop_and_what_is_at_risk(trader: Client) -> None:
    make.held()
    html = page(trader)
    for expected in ("▲ +5.00", "▲ +0.10 R", "180.50 / 191.75", "55.00", "Close …"):
        assert expected in html, expected


def test_a_position_in_a_delisted_share_says_so_and_what_closing_it_brings(trader: Client) -> None:
    make.held()
    make.action(ex_date="2024-07-03", kind="merger", amount=Decimal("54.20"), currency="USD")
    delistings.follow_due(make.T0)
    assert "delisted on 2024-07-03" in page(trader)
    html = trader.get("/positions/AAPL/close/").content.decode()
    assert "Settled at 54.2, recorded by alpaca: AAPL was delisted on 2024-07-03." in html
    assert "at the market" not in html


def test_what_is_out_of_the_ordinary_with_a_price_stands_beside_it(trader: Client) -> None:
    make.held()
    assert "doubtful" not in page(trader)
    states = {"doubt": "outside_book", "doubtful_price": 1860.0, "doubtful_as_of": make.T0}
    Quote.objects.update(**states, bid=186.1, ask=186.0, halt="news is pending")
    html = page(trader)
    for state in ("doubtful: the newest price is far", "crossed: the bid", "halted: news is pending"):
        assert state in html, state


def test_a_position_without_a_stop_says_so(trader: Client) -> None:
    make.held()
    Order.objects.update(exits_working=False)
    assert "no stop works" in page(trader)


def test_what_the_broker_sent_and_could_not_be_recorded_is_shown_with_a_way_out(trader: Client) -> None:
    order = make.order(status=Order.Status.FILLED, submitted_at=make.T0, ended_at=make.T0)
    make.quarantined_row(order)
    make.quarantined_row(reason="price is NaN, no finite number", ended_at=make.T0)
    html = page(trader)
    assert "Execution: q0. commission is -1.00, below 0. It is of AAPL." in html
    assert "price is NaN" not in html
    assert 'href="/positions/AAPL/close/"' in html


def test_missing_shares_are_asked_about_and_answered(trader: Client) -> None:
    make.held()
    drift = make.drift()
    html = page(trader)
    assert "AAPL: the account holds 0, our orders made 10" in html
    assert "left alone" not in html
    address = f"/positions/drifts/{drift.pk}/"
    answered = {"answer": "adopted", "price": "184", "why": "sold at the broker's page"}
    assert "say why" in trader.post(address, answered | {"why": ""}, follow=True).content.decode()
    html = trader.post(address, answered, follow=True).content.decode()
    assert "AAPL: closed at what it was sold at." in html
    assert Order.objects.get(kind="close").fills.get().price == 184
    assert "It is over since" in trader.post(address, answered, follow=True).content.decode()


def test_more_shares_than_ours_can_only_be_left_alone(trader: Client) -> None:
    make.held()
    drift = make.drift(held=15)
    assert "they are left alone" in page(trader)
    trader.post(f"/positions/drifts/{drift.pk}/", {"answer": "not ours", "why": "mine"})
    drift.refresh_from_db()
    assert (drift.answer, drift.exits_end) == ("not ours", False)


def test_who_only_reads_sees_a_drift_and_cannot_answer(db: None) -> None:
    viewer = Client()
    user = User.objects.create_user("vera")
    user.groups.add(Group.objects.get(name="viewer"))
    viewer.force_login(user)
    make.held()
    drift = make.drift()
    assert "/positions/drifts/" not in page(viewer)
    answer = {"answer": "written off", "why": "gone"}
    assert viewer.post(f"/positions/drifts/{drift.pk}/", answer).status_code == 403


class TestClosing:
    def test_shares_that_could_not_be_recorded_are_closed_too(self, trader: Client) -> None:
        make.quarantined_row(make.held())
        html = trader.get("/positions/AAPL/close/").content.decode()
        assert "Sells all 20 AAPL" in html
        assert "10 are recorded." in html
        trader.post("/positions/AAPL/close/", {"shares": "10"})
        assert Order.objects.get(kind="close").quantity == 20

    def test_first_it_says_what_it_will_do(self, trader: Client) -> None:
        make.held()
        html = trader.get("/positions/AAPL/close/").content.decode()
        assert "Sells all 10 AAPL at the market, now." in html
        assert not Order.objects.filter(kind=Order.Kind.CLOSE).exists()

    def test_after_the_close_it_waits_for_the_open(self, trader: Client) -> None:
        make.held()
        late = make.T0.replace(hour=18)
        with mock.patch.object(timezone, "now", return_value=late):
            assert "at the open" in trader.get("/positions/AAPL/close/").content.decode()

    def test_a_press_closes_it_once(self, trader: Client) -> None:
        make.held()
        trader.post("/positions/AAPL/close/", {"notes": "enough"})
        answer = trader.post("/positions/AAPL/close/", follow=True)
        order = Order.objects.get(kind=Order.Kind.CLOSE)
        assert (order.side, order.quantity) == ("SELL", 10)
        assert "being closed already" in answer.content.decode()

    def test_nothing_held_is_nothing_to_close(self, trader: Client) -> None:
        assert "Nothing of AAPL is held" in trader.get("/positions/AAPL/close/").content.decode()

    def test_a_viewer_may_not(self, client: Client) -> None:
        make.held()
        viewer = User.objects.create_user("vera")
        viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        client.force_login(viewer)
        assert "Close …" not in page(client)
        assert client.post("/positions/AAPL/close/").status_code == 403


class TestOrders:
    def test_a_working_one_can_be_cancelled(self, trader: Client) -> None:
        order = make.order(status=Order.Status.SUBMITTED)
        assert "Cancel what is not filled" in page(trader)
        trader.post(f"/orders/{order.pk}/cancel/")
        order.refresh_from_db()
        assert order.cancel_requested_at == make.T0

    def test_an_unknown_one_says_that_it_is_never_sent_again(self, trader: Client) -> None:
        make.order(status=Order.Status.UNKNOWN, submitted_at=make.T0)
        assert "it is never sent again" in page(trader)

    def test_a_held_one_says_why_and_what_releasing_does(self, trader: Client) -> None:
        make.order(status=Order.Status.HELD, status_reason="Trading was halted.")
        html = page(trader)
        assert "Trading was halted." in html
        assert "Buys 10 AAPL now" in html

    def test_a_held_one_is_released_as_it_was_seen(self, trader: Client) -> None:
        order = make.order(status=Order.Status.HELD, status_reason="Trading was halted.")
        order.refresh_from_db()
        trader.post(f"/orders/{order.pk}/release/", {"etag": order.fingerprint()})
        order.refresh_from_db()
        assert order.status == Order.Status.PENDING_SUBMIT

    def test_it_goes_out_at_no_other_limit_than_was_shown(self, trader: Client) -> None:
        order = make.order(status=Order.Status.HELD, status_reason="Trading was halted.")
        order.refresh_from_db()
        shown = re.search(r'name="limit_price" value="([\d.]+)"', page(trader))
        assert shown is not None
        Quote.objects.update(price=186.2)
        trader.post(f"/orders/{order.pk}/release/", {"etag": order.fingerprint(), "limit_price": shown[1]})
        order.refresh_from_db()
        assert (order.status, order.limit_price) == (Order.Status.PENDING_SUBMIT, Decimal(shown[1]))

    def test_it_does_not_go_out_at_another_time_than_was_shown(self, trader: Client) -> None:
        order = make.order(status=Order.Status.HELD, status_reason="Trading was halted.")
        order.refresh_from_db()
        shown = re.search(r'name="terms" value="([^"]+)"', page(trader))
        assert (shown and shown[1]) == "opens long now"
        body = {"etag": order.fingerprint(), "terms": "opens long 2024-07-03T13:32:00+00:00"}
        answer = trader.post(f"/orders/{order.pk}/release/", body, follow=True)
        order.refresh_from_db()
        assert (order.status, "something else now" in answer.content.decode()) == (Order.Status.HELD, True)

    def test_figures_that_cannot_be_read_release_nothing(self, trader: Client) -> None:
        order = make.order(status=Order.Status.HELD)
        order.refresh_from_db()
        trader.post(f"/orders/{order.pk}/release/", {"etag": order.fingerprint(), "limit_price": "much"})
        order.refresh_from_db()
        assert order.status == Order.Status.HELD

    def test_another_version_is_not_released(self, trader: Client) -> None:
        order = make.order(status=Order.Status.HELD, status_reason="Trading was halted.")
        answer = trader.post(f"/orders/{order.pk}/release/", {"etag": "old"}, follow=True)
        order.refresh_from_db()
        assert order.status == Order.Status.HELD
        assert "It was not released." in answer.content.decode()

    def test_a_held_one_can_be_dropped(self, trader: Client) -> None:
        order = make.order(status=Order.Status.HELD)
        trader.post(f"/orders/{order.pk}/drop/")
        order.refresh_from_db()
        assert order.status == Order.Status.CANCELLED


def test_the_curve_of_the_account_is_drawn_and_told(trader: Client) -> None:
    money = {"cash": Decimal(1), "buying_power": Decimal(1), "broker": "paper", "currency": "USD"}
    for hours, equity in ((1, "100100"), (2, "99900")):
        at = make.T0 - timedelta(hours=hours)
        AccountSnapshot.objects.create(at=at, equity=Decimal(equity), **money)
    html = page(trader)
    assert '<polyline class="line"' in html
    assert "between 99,900.00 and 100,100.00" in html


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 50, 100]),
        (99_890, 100_110, [99_900, 100_000, 100_100]),
        (-0.3, 0.4, [-0.2, 0, 0.2, 0.4]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert axis_ticks(low, high) == pytest.approx(expected)


def test_a_curve_goes_from_edge_to_edge() -> None:
    at = datetime(2024, 7, 3, tzinfo=UTC)
    curve = EquityCurve.of([(at, Decimal(100)), (at + timedelta(hours=1), Decimal(110))])
    first, last = (point.split(",") for point in curve.points.split())
    assert (first[0], last[0]) == ("2.0", "638.0")
    assert float(first[1]) > float(last[1])
    assert EquityCurve.of([(at, Decimal(100))]).points == ""


def test_the_history_of_an_order_tells_decisions_and_fills_in_their_order(trader: Client) -> None:
    order = make.order(status=Order.Status.HELD, status_reason="Trading was halted.")
    trader.post(f"/orders/{order.pk}/drop/", {"notes": "too late"})
    make.fill(order, 4, "185.50", executed_at=make.T0 + timedelta(minutes=1), commission=Decimal("1.25"))
    orders = re.sub(r"<[^>]+>", "", page(trader).split("<h2>Orders</h2>")[1])
    first, second = (
        orders.index("drop by ann (“too late”)"),
        orders.index("Entry, BUY 4 at 185.50, 1.25 commission"),
    )
    assert first < second


def test_fills_have_a_list_of_their_own(trader: Client) -> None:
    make.held()
    html = trader.get("/positions/?list=fills&span=week").content.decode()
    assert "<h2>Fills</h2>" in html
    assert "185.50" in html.split("<h2>Fills</h2>")[1]
