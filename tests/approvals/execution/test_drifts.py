"""The account holds other shares than our orders made: executions explain it, or a person does."""

from decimal import Decimal
from typing import Any

import pytest

from approvals import entry_check, execution, positions
from approvals.execution import drift_answers
from approvals.execution.drift_answers import DriftRefused
from approvals.models import AuditEvent, Drift, Fill, Notification, Order, TradingHalt
from tests import make
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, bought, entry, now, sent, trader

Answer = Drift.Answer
T0 = make.T0


def reconcile(minutes: int = 1) -> None:
    execution.reconcile_orders(T0 + minutes * MINUTE)


def told() -> list[str]:
    kinds = (Notification.Kind.ORDER_FAILED, Notification.Kind.ORDER_FILLED)
    return [message.title for message in Notification.objects.filter(kind__in=kinds, key__startswith="drift")]


def entries_of(symbol: str) -> bool:
    """Return whether an entry in the symbol that waits for the open may go out."""
    return not entry_check.drifting(symbol, "BUY")


def test_shares_sold_by_hand_are_closed_by_their_execution(fake: FakeBroker) -> None:
    order = bought(fake)
    fake.fill_foreign("AAPL", -10)
    reconcile()
    assert positions.of("AAPL").quantity == 0
    closing = Order.objects.get(kind="close")
    assert (closing.status, closing.quantity, closing.side) == ("filled", 10, "SELL")
    assert closing.fills.get().price == 100
    assert not now(order).exits_working
    (drift,) = Drift.objects.all()
    assert (drift.answer, drift.cause, drift.answered_by, drift.exits_end) == ("adopted", "sold", None, False)
    assert "10 at 100 were sold at the broker" in told()[0]
    assert not TradingHalt.objects.exists()
    reconcile(2)
    assert Order.objects.filter(kind="close").count() == 1
    assert entries_of("AAPL")


def test_of_a_part_that_was_sold_the_rest_keeps_its_exits(fake: FakeBroker) -> None:
    order = bought(fake)
    fake.fill_foreign("AAPL", -4)
    reconcile()
    assert positions.of("AAPL").quantity == 6
    assert fake.order(order.pk)["quantity"] == 6
    assert now(order).exits_working
    reconcile(2)
    assert Drift.objects.get().answer == "adopted"


def test_exits_that_cannot_be_reduced_are_cancelled_and_people_told(fake: FakeBroker) -> None:
    order = bought(fake)
    fake.fill_foreign("AAPL", -4)
    fake.fail("replace", "refuse")
    reconcile()
    assert not now(order).exits_working
    reconcile(2)
    titles = Notification.objects.values_list("title", flat=True)
    assert "6 AAPL are held without a stop and a target: put them back, or close them." in titles


def test_shares_of_the_owner_sold_by_him_are_no_drift(fake: FakeBroker) -> None:
    bought(fake)
    fake.fill_foreign("AAPL", 5)
    reconcile()
    fake.fill_foreign("AAPL", -5)
    reconcile(2)
    assert positions.of("AAPL").quantity == 10
    assert not Drift.objects.filter(answer="adopted").exists()


def test_shares_that_are_gone_wait_for_a_person_and_keep_their_exits(fake: FakeBroker) -> None:
    order, other = bought(fake), bought(fake, "MSFT")
    fake.hold(AAPL=0)
    reconcile()
    assert told() == []
    assert not entries_of("AAPL")
    reconcile(2)
    reconcile(3)
    assert told() == ["AAPL: the account holds 0, our orders made 10."]
    assert now(order).exits_working
    assert now(other).exits_working
    assert entries_of("MSFT")
    assert not TradingHalt.objects.exists()
    assert AuditEvent.objects.filter(kind="drift found").count() == 1


def test_it_ends_when_the_account_agrees_again(fake: FakeBroker) -> None:
    bought(fake)
    fake.hold(AAPL=0)
    reconcile()
    reconcile(2)
    fake.hold()
    reconcile(3)
    drift = Drift.objects.get()
    assert (drift.answer, drift.ended_at) == ("", T0 + 3 * MINUTE)
    assert positions.of("AAPL").quantity == 10


@pytest.mark.parametrize(
    ("answer", "price", "made"),
    [
        (Answer.ADOPTED, "90.5", "905"),
        (Answer.ASSIGNED, "95", "950"),
        (Answer.WRITTEN_OFF, None, "0"),
    ],
)
def test_a_person_says_what_became_of_them(
    fake: FakeBroker, answer: Drift.Answer, price: str | None, made: str
) -> None:
    order, drift = bought(fake), missing(fake)
    drift_answers.answer(
        drift,
        answer,
        by=trader(),
        at=T0 + 3 * MINUTE,
        why="as the broker says",
        price=Decimal(price) if price else None,
    )
    assert positions.of("AAPL").quantity == 0
    fill = Fill.objects.get(order__kind="close")
    assert fill.price * fill.quantity == Decimal(made)
    reconcile(4)
    assert not now(order).exits_working
    assert now_of(drift).exits_end is False
    event = AuditEvent.objects.get(kind="drift answered")
    assert "as the broker says" in event.text


def missing(fake: FakeBroker) -> Drift:
    fake.hold(AAPL=0)
    reconcile()
    reconcile(2)
    return Drift.objects.get()


def now_of(drift: Drift) -> Drift:
    drift.refresh_from_db()
    return drift


@pytest.mark.parametrize(
    ("answer", "why", "price", "expected"),
    [
        (Answer.ADOPTED, "sold", None, "Give the price"),
        (Answer.WRITTEN_OFF, "gone", "1", "A price belongs"),
        (Answer.NOT_OURS, "mine", None, "Shares of ours are missing"),
        (Answer.WRITTEN_OFF, " ", None, "Say in a few words why"),
    ],
)
def test_what_cannot_be_is_refused(
    fake: FakeBroker, answer: Drift.Answer, why: str, price: str | None, expected: str
) -> None:
    bought(fake)
    drift = missing(fake)
    with pytest.raises(DriftRefused, match=expected):
        drift_answers.answer(
            drift, answer, by=trader(), at=T0, why=why, price=Decimal(price) if price else None
        )
    assert positions.of("AAPL").quantity == 10


def test_an_answer_is_final(fake: FakeBroker) -> None:
    bought(fake)
    drift = missing(fake)
    given: dict[str, Any] = {"by": trader(), "at": T0 + 3 * MINUTE, "why": "gone"}
    drift_answers.answer(drift, Answer.WRITTEN_OFF, **given)
    with pytest.raises(DriftRefused, match="It is over since 2024-07-03 14:03 UTC by tina"):
        drift_answers.answer(drift, Answer.WRITTEN_OFF, **given)
    assert Order.objects.filter(kind="close").count() == 1


def test_shares_bought_by_hand_are_left_alone_and_told_once(fake: FakeBroker) -> None:
    order = bought(fake)
    fake.fill_foreign("AAPL", 5)
    reconcile()
    reconcile(2)
    assert Drift.objects.get().answer == "not ours"
    assert len(told()) == 1
    assert (positions.of("AAPL").quantity, int(positions.of("AAPL").foreign)) == (10, 5)
    assert now(order).exits_working


def test_more_shares_that_nothing_explains_can_be_left_alone(fake: FakeBroker) -> None:
    bought(fake)
    fake.hold(AAPL=13)
    reconcile()
    reconcile(2)
    drift = Drift.objects.get()
    drift_answers.answer(drift, Answer.NOT_OURS, by=trader(), at=T0 + 3 * MINUTE, why="an assignment")
    reconcile(4)
    reconcile(5)
    assert Drift.objects.count() == 1
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("held", "cause", "said"),
    [
        ({"AAPL": 40}, "split", "4 for 1"),
        ({"AAPL": 1}, "split", "1 for 10"),
        ({"AAPL": 0, "AAPX": 10}, "renamed", "as many AAPX"),
        ({"AAPL": 7}, "unknown", "No execution explains it"),
        ({"AAPL": -15}, "unknown", "No execution explains it"),
    ],
)
def test_what_it_looks_like_is_said(fake: FakeBroker, held: dict[str, int], cause: str, said: str) -> None:
    order = bought(fake)
    fake.hold(**held)
    reconcile()
    reconcile(2)
    drift = Drift.objects.get()
    assert drift.cause == cause
    assert said in drift.detail
    assert now(order).exits_working


def test_a_short_bought_back_by_hand_is_closed(fake: FakeBroker) -> None:
    order = entry("AAPL", side="SELL", stop_loss=Decimal(105), take_profit=Decimal(90))
    execution.submit_order(order.pk, T0)
    fake.fill(order.pk, 10)
    execution.reconcile_orders(T0)
    fake.fill_foreign("AAPL", 10)
    reconcile()
    assert positions.of("AAPL").quantity == 0
    assert Order.objects.get(kind="close").side == "BUY"


def test_an_entry_that_still_fills_is_cancelled(fake: FakeBroker) -> None:
    order = sent()
    fake.fill(order.pk, 4)
    execution.reconcile_orders(T0)
    fake.fill_foreign("AAPL", -4)
    reconcile()
    assert positions.of("AAPL").quantity == 0
    assert now(order).status == "cancelled"
