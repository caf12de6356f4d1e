"""Moving what works at the broker: by people and by rules, once, whatever is lost or killed on the way."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals import execution, exits, halt, positions
from approvals.brokers.base import Capabilities
from approvals.exits import ExitRefused, Trail, Wanted
from approvals.models import (
    AuditEvent,
    ExitChange,
    Notification,
    Order,
    OrderDecision,
    TradingHalt,
    TrailingStop,
)
from market.models import Quote
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.client import SPEC
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, now

UNABLE = replace(SPEC, capabilities=Capabilities(replaces=False))
Kind, State = TrailingStop.Kind, ExitChange.State
PERCENT = Trail(Kind.PERCENT, Decimal(2))


@pytest.fixture
def order(fake: FakeBroker) -> Order:
    """10 shares bought at 100, with a stop at 95 and a target at 110; the price is 102."""
    make.july_2024()
    make.only("AAPL")
    make.quote("AAPL", 102.0, make.T0)
    fake.worth(100_000)
    order = execution_rows.bought(fake)
    execution_rows.feed(make.T0 + MINUTE)
    return order


@pytest.fixture
def ann(db: None) -> User:
    return make.trader()


def decided(order: Order, by: User, minutes: int = 1) -> dict[str, Any]:
    order.refresh_from_db()
    return {"by": by, "seen": exits.seen_as(order), "at": make.T0 + minutes * MINUTE, "notes": "tighter"}


def move(
    order: Order, by: User, stop: str | None = None, target: str | None = None, *, sure: bool = False
) -> list[ExitChange]:
    wanted = Wanted(Decimal(stop) if stop else None, Decimal(target) if target else None, sure)
    return exits.move(order, wanted, **decided(order, by))


def reconcile(minutes: int, price: float | None = None) -> None:
    at = make.T0 + minutes * MINUTE
    if price is not None:
        Quote.objects.update(price=price, as_of=at)
    execution.reconcile_orders(at)


def here(order: Order) -> tuple[Any, Any]:
    order.refresh_from_db()
    return order.stop_now, order.target_now


def levels(fake: FakeBroker, order: Order) -> tuple[Any, Any]:
    there = fake.order(order.pk)
    return Decimal(there["stop_loss"]), Decimal(there["take_profit"])


def kinds() -> list[str]:
    return list(
        AuditEvent.objects.filter(kind__contains="exit").order_by("number").values_list("kind", flat=True)
    )


def test_a_stop_is_moved_at_the_broker_and_then_here(fake: FakeBroker, order: Order, ann: User) -> None:
    move(order, ann, stop="98", target="112")
    assert here(order) == (95, 110)  # the old ones work until the answer
    execution.change_exits(order.pk, make.T0 + MINUTE)
    assert levels(fake, order) == (98, 112)
    assert here(order) == (98, 112)
    assert order.stop_loss == 95
    assert {change.state for change in ExitChange.objects.all()} == {State.DONE}
    assert kinds() == ["exits asked to move", "exit moved", "exit moved"]
    decision = OrderDecision.objects.get(order=order)
    assert (decision.action, decision.decided_by, decision.notes) == ("move", ann, "tighter")
    assert positions.protected()[0].at_risk == 10 * (102 - 98)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["500 before", "500 after", "drop", "hang after"])
def test_one_whose_answer_is_lost_is_done_once(fake: FakeBroker, order: Order, ann: User, fault: str) -> None:
    move(order, ann, stop="98")
    fake.fail("replace", fault)
    execution.change_exits(order.pk, make.T0 + MINUTE)
    assert now(order).stop_now == 95
    reconcile(2)
    assert levels(fake, order)[0] == here(order)[0] == 98
    assert len(fake.order(order.pk)["changes"]) == 1


def test_what_the_broker_refuses_stays_and_is_told(fake: FakeBroker, order: Order, ann: User) -> None:
    move(order, ann, stop="98")
    fake.fail("replace", "refuse")
    execution.change_exits(order.pk, make.T0 + MINUTE)
    assert levels(fake, order)[0] == here(order)[0] == 95
    assert ExitChange.objects.get().state == State.REFUSED
    assert "the broker refused to move it" in Notification.objects.get(kind="order_failed").title


def test_a_stop_that_was_executed_meanwhile_is_not_moved(fake: FakeBroker, order: Order, ann: User) -> None:
    move(order, ann, stop="98")
    fake.fill(order.pk, 10, "stop", "95.00")
    reconcile(2)
    assert ExitChange.objects.get().state == State.LAPSED


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        ("stop", "target", "why"),
        [
            ("102", None, "at or beyond the price"),
            ("103", None, "at or beyond the price"),
            (None, "102", "at or beyond the price"),
            (None, "101", "at or beyond the price"),
            ("0", None, "above zero"),
            ("95", "110", "there already"),
            ("95.001", None, "there already"),  # on the tick
        ],
    )
    def test_is_refused(
        self, order: Order, ann: User, stop: str | None, target: str | None, why: str
    ) -> None:
        with pytest.raises(ExitRefused, match=why):
            move(order, ann, stop, target, sure=True)
        assert not ExitChange.objects.exists()

    def test_a_second_one_waits_for_the_first(self, order: Order, ann: User) -> None:
        move(order, ann, stop="98")
        with pytest.raises(ExitRefused, match="moved already"):
            move(order, ann, stop="99")

    def test_nor_on_another_version_than_was_seen(self, order: Order, ann: User) -> None:
        seen = decided(order, ann)
        move(order, ann, stop="98")
        execution.change_exits(order.pk, make.T0 + MINUTE)
        with pytest.raises(exits.Changed):
            exits.move(order, Wanted(Decimal(97)), **seen)

    def test_nor_while_it_is_being_closed(self, order: Order, ann: User) -> None:
        exits.close("AAPL", by=ann, at=make.T0 + MINUTE)
        with pytest.raises(ExitRefused, match="being closed"):
            move(order, ann, stop="98")

    def test_nor_at_a_broker_that_changes_nothing(self, order: Order, ann: User, settings: Any) -> None:
        settings.BROKER = "tests.approvals.execution.test_changes:UNABLE"
        with pytest.raises(ExitRefused, match="changes no stop"):
            move(order, ann, stop="98")


class TestAStopThatIsMovedAway:
    def test_needs_to_be_meant(self, fake: FakeBroker, order: Order, ann: User) -> None:
        with pytest.raises(ExitRefused, match=r"risk 20\.00 USD more, 70\.00 in all .* Confirm"):
            move(order, ann, stop="93")
        move(order, ann, stop="93", sure=True)
        execution.change_exits(order.pk, make.T0 + MINUTE)
        assert levels(fake, order)[0] == here(order)[0] == 93

    def test_needs_the_limits_room(self, order: Order, ann: User, settings: Any) -> None:
        settings.MAX_OPEN_RISK = Decimal("0.0008")  # 80, of which 70 are taken from the price of 102
        with pytest.raises(ExitRefused, match=r"all stops together may lose only 10\.00 more"):
            move(order, ann, stop="93", sure=True)
        settings.MAX_OPEN_RISK, settings.RISK_PER_TRADE = Decimal("0.05"), Decimal("0.0006")
        with pytest.raises(ExitRefused, match=r"a trade may lose 60\.00"):
            move(order, ann, stop="93", sure=True)

    def test_is_refused_under_halt_when_one_that_is_moved_nearer_is_not(
        self, order: Order, ann: User
    ) -> None:
        halt.start(TradingHalt.Cause.PERSON, "News.", make.T0)
        with pytest.raises(ExitRefused, match="more risk"):
            move(order, ann, stop="93", sure=True)
        move(order, ann, stop="98", target="105")


def test_break_even_is_what_the_shares_cost(fake: FakeBroker, order: Order, ann: User) -> None:
    exits.break_even(order, **decided(order, ann))
    execution.change_exits(order.pk, make.T0 + MINUTE)
    assert levels(fake, order)[0] == 100
    with pytest.raises(ExitRefused, match="loses nothing already"):
        exits.break_even(order, **decided(order, ann))


class TestTrailing:
    def test_follows_in_the_trades_favour_only_and_survives_restarts(
        self, fake: FakeBroker, order: Order, ann: User
    ) -> None:
        exits.trail(order, PERCENT, **decided(order, ann))
        stops = []
        for minute, price in enumerate([102.0, 105.0, 103.5, 104.0, 107.3], 2):
            reconcile(minute, price)
            stops.append(levels(fake, order)[0])
        assert stops == [Decimal(stop) for stop in ["99.96", "102.90", "102.90", "102.90", "105.15"]]
        assert now(order).stop_now == Decimal("105.15")
        assert TrailingStop.objects.get().best == Decimal("107.3")

    def test_begins_after_a_gain(self, fake: FakeBroker, order: Order, ann: User) -> None:
        exits.trail(order, Trail(Kind.PERCENT, Decimal(2), Decimal(1)), **decided(order, ann))
        reconcile(2, 104.9)
        assert levels(fake, order)[0] == 95
        reconcile(3, 105.0)  # +1 R: 5 a share
        assert levels(fake, order)[0] == Decimal("102.90")

    def test_by_atr(self, fake: FakeBroker, order: Order, ann: User) -> None:
        exits.trail(order, Trail(Kind.ATR, Decimal(2)), **decided(order, ann))  # the ATR is 2.50
        reconcile(2, 106.0)
        assert levels(fake, order)[0] == 101

    def test_works_under_halt(self, fake: FakeBroker, order: Order, ann: User) -> None:
        halt.start(TradingHalt.Cause.PERSON, "News.", make.T0)
        exits.trail(order, PERCENT, **decided(order, ann))
        reconcile(2, 106.0)
        assert levels(fake, order)[0] == Decimal("103.88")

    @pytest.mark.usefixtures("impatient")
    def test_a_lost_answer_is_asked_for_again(self, fake: FakeBroker, order: Order, ann: User) -> None:
        exits.trail(order, PERCENT, **decided(order, ann))
        fake.fail("replace", "500 after")
        reconcile(2, 106.0)
        reconcile(3, 107.0)
        reconcile(4, 107.0)
        assert levels(fake, order)[0] == now(order).stop_now == Decimal("104.86")

    def test_a_refusal_ends_it_and_is_told(self, fake: FakeBroker, order: Order, ann: User) -> None:
        exits.trail(order, PERCENT, **decided(order, ann))
        fake.fail("replace", "refuse")
        reconcile(2, 106.0)
        assert TrailingStop.objects.get().ended_reason.startswith("The broker refused 103.88")
        assert Notification.objects.filter(kind="order_failed").count() == 1

    def test_ends_with_its_position_and_by_a_person(self, fake: FakeBroker, order: Order, ann: User) -> None:
        exits.trail(order, PERCENT, **decided(order, ann))
        exits.stop_trailing(order, **decided(order, ann))
        reconcile(2, 106.0)
        assert levels(fake, order)[0] == 95
        exits.trail(order, PERCENT, **decided(order, ann, 2))
        fake.fill(order.pk, 10, "stop", "95.00")
        reconcile(3)
        reconcile(4)
        assert not TrailingStop.objects.filter(ended_at=None).exists()

    def test_a_stop_that_trails_is_not_moved_away(self, order: Order, ann: User) -> None:
        exits.trail(order, PERCENT, **decided(order, ann))
        with pytest.raises(ExitRefused, match="end that before"):
            move(order, ann, stop="93", sure=True)

    @pytest.mark.parametrize("distance", ["0", "100", "250"])
    def test_a_distance_that_cannot_be(self, order: Order, ann: User, distance: str) -> None:
        with pytest.raises(ExitRefused):
            exits.trail(order, Trail(Kind.PERCENT, Decimal(distance)), **decided(order, ann))


def test_rules_of_shorts_mirror_those_of_longs() -> None:
    rule = TrailingStop(kind=Kind.PERCENT, distance=Decimal(2), best=Decimal(100))
    assert [rule.level(sign) for sign in (1, -1)] == [98, 102]
    by_atr = TrailingStop(kind=Kind.ATR, distance=Decimal(3), atr=Decimal("2.5"), best=Decimal(100))
    assert [by_atr.level(sign) for sign in (1, -1)] == [Decimal("92.5"), Decimal("107.5")]
    assert str(by_atr) == "trails 3 ATR behind the best price"
