"""Putting a stop back on shares that have none, by people and by Jax: one stop a share, never a short."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from approvals import execution, exits, halt, positions
from approvals.brokers.base import Capabilities
from approvals.exits import ExitRefused, Guard
from approvals.models import AuditEvent, Fill, Notification, Order, OrderDecision, TradingHalt
from market.models import Quote
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.client import SPEC, WITH_ALL
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, agree, now

WHOLE = replace(WITH_ALL, capabilities=Capabilities(partial_brackets=False))
UNABLE = replace(SPEC, capabilities=Capabilities(protects=False, partial_brackets=False))
GUARD = Guard(Decimal(96), Decimal(112))


@pytest.fixture(autouse=True)
def _market(fake: FakeBroker) -> None:
    make.july_2024()
    make.only("AAPL")
    make.quote("AAPL", 102.0, make.T0)
    fake.worth(100_000)


@pytest.fixture
def ann(db: None) -> User:
    return make.trader()


@pytest.fixture
def bare(fake: FakeBroker) -> Order:
    """10 shares bought whose exits were cancelled at the broker."""
    return stripped(fake, execution_rows.bought(fake))


@pytest.fixture
def whole(fake: FakeBroker, settings: Settings) -> FakeBroker:
    """A broker whose exits guard whole entries only."""
    settings.BROKER = f"{__name__}:WHOLE"
    return fake


def stripped(fake: FakeBroker, order: Order) -> Order:
    fake.amend_order(order.pk, exits_working=False)
    reconcile(1)
    assert not now(order).exits_working
    return order


def reconcile(*minutes: float) -> None:
    for minute in minutes:
        at = make.T0 + minute * MINUTE
        Quote.objects.update(as_of=at)
        execution.reconcile_orders(at)


def put_back(by: User, guard: Guard = GUARD, minutes: float = 1, shown: int | None = None) -> Order:
    at = make.T0 + minutes * MINUTE
    return exits.put_back("AAPL", guard, by=by, at=at, notes="it was gone", shown=shown)


def submit(order: Order, minutes: float = 1) -> Order:
    execution.submit_order(order.pk, make.T0 + minutes * MINUTE)
    return now(order)


def protections() -> list[Order]:
    return list(Order.objects.protections().order_by("created_at", "pk"))


def stops_there(fake: FakeBroker) -> int:
    """Return the shares that working exits of our orders may sell at the broker."""
    orders = [fake.order(order.pk) for order in Order.objects.guarding()]
    return sum(
        order["quantity"] - order["filled"] if "limit_price" not in order else order["filled"]
        for order in orders
        if order.get("exits_working")
    )


# --- by a person ------------------------------------------------------------------------------------------


def test_a_stop_is_put_back_and_guards_what_is_held(fake: FakeBroker, bare: Order, ann: User) -> None:
    assert positions.protected()[0].unprotected == 10
    order = submit(put_back(ann, shown=10))
    assert (order.status, order.exits_working, order.quantity) == (Status.SUBMITTED, True, 10)
    assert (fake.order(order.pk)["stop_loss"], fake.order(order.pk)["side"]) == ("96.000000", "SELL")
    (protected,) = positions.protected()
    assert protected.unprotected == 0
    assert protected.at_risk == 10 * (102 - 96)
    decision = OrderDecision.objects.get(order=order)
    assert (decision.action, decision.decided_by, decision.shown["stop"]) == ("protect", ann, "96.000000")
    assert AuditEvent.objects.filter(kind="order made", subject=f"order {order.pk}").count() == 1


def test_its_stop_closes_the_trade_and_all_adds_up(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann))
    fake.fill(order.pk, 10, "stop", "96.00")
    reconcile(2, 3)
    assert (now(order).status, order.filled_quantity, order.exits_working) == (Status.FILLED, 10, False)
    assert positions.of("AAPL").quantity == 0
    assert Fill.objects.get(order=order).leg == "stop"
    assert agree(fake)
    assert not TradingHalt.objects.exists()


def test_a_part_that_its_stop_sold_leaves_the_rest_guarded(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann))
    fake.fill(order.pk, 4, "stop", "96.00")
    reconcile(2, 3)
    assert now(order).status == Status.PARTIALLY_FILLED
    assert positions.protected()[0].unprotected == 0
    assert not TradingHalt.objects.exists()


def test_it_works_under_halt(fake: FakeBroker, bare: Order, ann: User) -> None:
    halt.start(TradingHalt.Cause.PERSON, "enough", make.T0, by=ann)
    assert submit(put_back(ann)).exits_working


def test_people_are_told_with_the_page_that_puts_it_back(bare: Order) -> None:
    message = Notification.objects.get(key__startswith="bare AAPL")
    assert message.title == "10 AAPL are held without a stop and a target: put them back, or close them."
    assert message.path == "/positions/AAPL/manage/"


def test_a_second_one_is_refused_while_the_first_is_on_its_way_and_when_it_works(
    fake: FakeBroker, bare: Order, ann: User
) -> None:
    order = put_back(ann)
    with pytest.raises(ExitRefused, match="on its way already"):
        put_back(ann)
    submit(order)
    with pytest.raises(ExitRefused, match="No share of AAPL is held without a stop"):
        put_back(ann)
    assert stops_there(fake) == 10


@pytest.mark.parametrize(
    ("guard", "reason"),
    [
        (Guard(Decimal(103)), "at or beyond the price of 102"),
        (Guard(Decimal(102)), "at or beyond the price of 102"),
        (Guard(Decimal(96), Decimal(101)), "target of 101.00 is at or beyond"),
        (Guard(Decimal(0)), "above zero"),
    ],
)
def test_a_level_that_would_be_executed_at_once_is_refused(
    bare: Order, ann: User, guard: Guard, reason: str
) -> None:
    with pytest.raises(ExitRefused, match=reason):
        put_back(ann, guard)
    assert not protections()


def test_what_was_shown_is_what_is_guarded(bare: Order, ann: User) -> None:
    with pytest.raises(ExitRefused, match="the page said 7"):
        put_back(ann, shown=7)


def test_shares_that_have_a_stop_get_no_second_one(fake: FakeBroker, ann: User) -> None:
    execution_rows.bought(fake)
    with pytest.raises(ExitRefused, match="No share of AAPL"):
        put_back(ann)


def test_a_position_that_is_being_closed_gets_none(bare: Order, ann: User) -> None:
    execution_rows.closing()
    with pytest.raises(ExitRefused, match="is being closed"):
        put_back(ann)


def test_a_broker_that_takes_none_says_so(bare: Order, ann: User, settings: Settings) -> None:
    settings.BROKER = f"{__name__}:UNABLE"
    with pytest.raises(ExitRefused, match="takes no stop for shares that are held"):
        put_back(ann)


def test_without_a_target_there_is_a_stop_alone(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann, Guard(Decimal(96))))
    assert order.take_profit is None
    assert "take_profit" not in fake.order(order.pk)


def test_it_is_moved_and_trails_as_any_stop(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann))
    seen = exits.seen_as(order)
    exits.move(order, exits.Wanted(stop=Decimal(98)), by=ann, seen=seen, at=make.T0 + MINUTE)
    execution.change_exits(order.pk, make.T0 + MINUTE)
    assert now(order).stop_now == 98
    assert fake.order(order.pk)["stop_loss"] == "98.000000"


def test_a_cancel_takes_the_stop_only_when_it_says_so(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann))
    with pytest.raises(ExitRefused, match="cancel with exits"):
        exits.cancel(order, by=ann, at=make.T0 + MINUTE)
    exits.cancel(order, by=ann, at=make.T0 + MINUTE, exits=True)
    execution.cancel_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, order.exits_working) == (Status.CANCELLED, False)
    assert positions.protected()[0].unprotected == 10


# --- how many by now --------------------------------------------------------------------------------------


def test_a_stop_that_came_back_meanwhile_is_the_only_one(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = put_back(ann)
    fake.amend_order(bare.pk, exits_working=True)
    assert submit(order).status == Status.CANCELLED
    assert fake.received(order.pk) == 0
    assert stops_there(fake) == 10


def test_shares_that_are_gone_meanwhile_are_not_guarded(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = put_back(ann)
    fake.hold(AAPL=4)
    assert submit(order).quantity == 4
    assert stops_there(fake) == 4


def test_an_order_of_others_that_sells_the_shares_keeps_it_back(
    fake: FakeBroker, bare: Order, ann: User
) -> None:
    fake.rest_foreign("AAPL", "SELL", 10)
    order = submit(put_back(ann))
    assert (order.status, fake.received(order.pk)) == (Status.CANCELLED, 0)
    assert "not of Jax" in order.status_reason
    assert Notification.objects.filter(title__contains="was not placed").exists()


def test_one_whose_count_cannot_be_read_waits(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = put_back(ann)
    fake.hold(AAPL="many")
    assert submit(order).status == Status.PENDING_SUBMIT
    fake.hold()
    reconcile(3)
    assert now(order).exits_working


def test_a_closing_ends_one_that_waits_and_takes_one_that_works_along(
    fake: FakeBroker, bare: Order, ann: User
) -> None:
    order = put_back(ann)
    closing = exits.close("AAPL", by=ann, at=make.T0 + MINUTE)
    assert submit(order).status == Status.PENDING_SUBMIT
    submit(closing)
    assert (now(order).status, fake.received(order.pk)) == (Status.CANCELLED, 0)


@pytest.mark.parametrize("path", ["SPEC", "WITH_ALL"])
def test_a_closing_of_what_it_guards_leaves_no_stop(
    fake: FakeBroker, bare: Order, ann: User, settings: Settings, path: str
) -> None:
    settings.BROKER = f"tests.approvals.broker.client:{path}"
    order = submit(put_back(ann))
    closing = submit(exits.close("AAPL", by=ann, at=make.T0 + MINUTE))
    assert closing.status == Status.SUBMITTED
    fake.fill(closing.pk, 10, "close")
    reconcile(2, 3)
    assert (now(closing).status, now(order).exits_working) == (Status.FILLED, False)
    assert positions.of("AAPL").quantity == 0
    assert stops_there(fake) == 0
    assert not TradingHalt.objects.exists()


# --- whatever is lost -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["500 after", "drop", "hang after"])
def test_one_whose_answer_is_lost_is_found(fake: FakeBroker, bare: Order, ann: User, fault: str) -> None:
    order = put_back(ann)
    fake.fail("protect", fault)
    assert submit(order).status == Status.UNKNOWN
    reconcile(2, 3)
    assert (now(order).status, order.exits_working) == (Status.SUBMITTED, True)
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (1, 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["500 before", "hang before"])
def test_one_that_was_never_received_is_sent_again(
    fake: FakeBroker, bare: Order, ann: User, fault: str
) -> None:
    order = put_back(ann)
    fake.fail("protect", fault)
    submit(order)
    reconcile(*range(2, 9))
    assert (now(order).exits_working, fake.accepted(order.pk)) == (True, 1)


def test_one_that_is_too_old_to_know_is_not_sent_again(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann))
    fake.outlive(order.pk)
    reconcile(2, 3)
    assert (now(order).status, order.exits_working) == (Status.CANCELLED, False)
    assert positions.protected()[0].unprotected == 10
    assert fake.received(order.pk) == 1


def test_one_that_the_broker_had_and_lost_is_not_sent_again(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = submit(put_back(ann))
    fake.forget(order.pk)
    reconcile(*range(2, 9))
    assert (now(order).status, order.exits_working, fake.received(order.pk)) == (Status.CANCELLED, False, 1)
    assert Notification.objects.filter(title__contains="The broker has lost it").exists()


def test_one_that_is_refused_is_told_and_can_be_put_back_anew(
    fake: FakeBroker, bare: Order, ann: User
) -> None:
    fake.fail("protect", "refuse")
    order = submit(put_back(ann))
    assert order.status == Status.REJECTED
    assert Notification.objects.filter(title__contains="was rejected by the broker").exists()
    assert submit(put_back(ann)).exits_working


def test_one_for_a_broker_that_is_away_waits(
    fake: FakeBroker, bare: Order, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_BROKER_URL", "http://127.0.0.1:1")
    order = submit(put_back(ann))
    assert order.status == Status.PENDING_SUBMIT
    monkeypatch.setenv("TEST_BROKER_URL", fake.url)
    reconcile(2, 3)
    assert (now(order).exits_working, fake.accepted(order.pk)) == (True, 1)


def test_sent_twice_it_is_placed_once(fake: FakeBroker, bare: Order, ann: User) -> None:
    order = put_back(ann)
    submit(order)
    submit(order)
    reconcile(2, 3)
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (1, 1)


# --- by Jax itself ----------------------------------------------------------------------------------------


def ended_in_part(fake: FakeBroker, shares: int = 4) -> Order:
    """An entry that was cancelled after a part, at a broker whose exits then go, too."""
    order = execution_rows.sent()
    fake.fill(order.pk, shares)
    fake.amend_order(order.pk, exits_working=False, state="cancelled")
    reconcile(1)
    return now(order)


def test_what_a_cancelled_entry_has_filled_is_guarded_at_its_levels(whole: FakeBroker) -> None:
    entry = ended_in_part(whole)
    (order,) = protections()
    levels = (Decimal(95), Decimal(110))
    assert (order.quantity, order.stop_loss, order.take_profit) == (4, *levels)
    assert order.shares_of == entry
    assert order.requested_by == entry.requested_by
    reconcile(2, 3)
    assert now(order).exits_working
    assert stops_there(whole) == 4
    titles = list(Notification.objects.values_list("title", flat=True))
    assert any("4 AAPL are guarded anew, with a stop at 95" in title for title in titles)
    assert not any("without a stop" in title for title in titles)


def test_it_is_done_once(whole: FakeBroker) -> None:
    ended_in_part(whole)
    reconcile(*range(2, 6))
    assert len(protections()) == 1


def test_what_fills_late_is_guarded_too(whole: FakeBroker) -> None:
    entry = ended_in_part(whole)
    reconcile(2)
    whole.fill(entry.pk, 3)
    whole.amend_order(entry.pk, exits_working=False, state="cancelled")
    reconcile(*range(3, 6))
    assert [order.quantity for order in protections()] == [4, 3]
    assert stops_there(whole) == 7


def test_a_broker_that_guards_a_part_is_left_to_it(fake: FakeBroker) -> None:
    ended_in_part(fake)
    assert not protections()


def test_exits_that_a_person_cancelled_stay_away(whole: FakeBroker, ann: User) -> None:
    order = execution_rows.sent()
    whole.fill(order.pk, 4)
    reconcile(1)
    exits.cancel(order, by=ann, at=make.T0 + MINUTE, exits=True)
    execution.cancel_order(order.pk, make.T0 + MINUTE)
    reconcile(2, 3)
    assert not protections()


def test_one_that_is_refused_is_told_and_not_tried_for_ever(whole: FakeBroker) -> None:
    whole.fail("protect", "refuse", 9)
    ended_in_part(whole)
    reconcile(*range(2, 8))
    (order,) = protections()
    assert (order.status, whole.received(order.pk)) == (Status.REJECTED, 1)
    assert Notification.objects.filter(key__startswith="bare AAPL").count() == 1


def test_shares_of_a_later_entry_are_not_taken_for_those(
    fake: FakeBroker, ann: User, settings: Settings
) -> None:
    settings.BROKER = f"{__name__}:UNABLE"
    ended_in_part(fake)
    closing = submit(exits.close("AAPL", by=ann, at=make.T0 + 2 * MINUTE), 2)
    fake.fill(closing.pk, 4, "close")
    reconcile(3, 4)
    settings.BROKER = f"{__name__}:WHOLE"
    execution_rows.feed(make.T0 + 5 * MINUTE)
    later = execution_rows.bought(fake, at=make.T0 + 5 * MINUTE)
    fake.amend_order(later.pk, exits_working=False)
    reconcile(6, 7)
    assert positions.protected()[0].unprotected == 10
    assert not protections()


def test_it_is_flat_when_its_entry_was_to_be(whole: FakeBroker) -> None:
    order = execution_rows.entry(flat_at=make.T0 + timedelta(hours=1))
    execution.submit_order(order.pk, make.T0)
    whole.fill(order.pk, 4)
    whole.amend_order(order.pk, exits_working=False, state="cancelled")
    reconcile(1, 2)
    assert protections()[0].flat_at == order.flat_at
    reconcile(60, 61)
    closing = Order.objects.get(kind="close")
    assert (closing.status, closing.quantity) == (Status.SUBMITTED, 4)
