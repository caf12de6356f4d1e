"""How a leg stands by what the gateway said, and what it must not be taken for."""

from datetime import timedelta
from decimal import Decimal

import pytest

from ib_bridge.journal.entries import Entry, Kind
from ib_bridge.journal.standing import Standing, State, standings
from tests.ib_bridge.told import T0, error, executed, gone, line, opened, placed, status

A_DAY = timedelta(days=1)


def standing(*told: Entry) -> Standing:
    (leg,) = standings(told)
    return leg


@pytest.mark.parametrize("code", [399, 10349, 404, 2109, 10167, 105])
def test_a_remark_ends_no_living_order(code: int) -> None:
    assert standing(placed(), opened(), error(code)).state is State.WORKING
    assert standing(placed(), error(code), opened()).state is State.WORKING


@pytest.mark.parametrize("code", [110, 321, 201, 9999])
def test_an_error_alone_ends_no_acknowledged_order(code: int) -> None:
    assert standing(placed(), opened(), error(code)).state is State.WORKING


def test_an_error_before_any_acknowledgement_is_no_verdict_until_the_orders_were_listed() -> None:
    assert standing(placed(), error(110)).state is State.UNANSWERED
    refused = standing(placed(), error(110, "The price does not conform"), gone())
    assert (refused.state, refused.reason) == (State.REJECTED, "The price does not conform (110)")


def test_a_refused_order_that_comes_alive_lives() -> None:
    assert standing(placed(), error(110), gone(), opened()).state is State.WORKING


@pytest.mark.parametrize("word", ["Cancelled", "ApiCancelled"])
def test_a_status_ends_an_order(word: str) -> None:
    assert standing(placed(), opened(), status(word)).state is State.CANCELLED


def test_a_rejection_is_told_with_its_reason() -> None:
    rejected = standing(placed(), opened(), error(201, "Margin"), status("Inactive"))
    assert (rejected.state, rejected.reason) == (State.REJECTED, "Margin (201)")


def test_inactive_alone_is_not_gone() -> None:
    assert standing(placed(), opened(), status("Inactive")).state is State.WORKING


def test_a_day_order_whose_time_is_up_has_expired() -> None:
    due = placed(body={"good_until": (T0 + timedelta(hours=5)).isoformat()})
    ended = status("Cancelled", at=T0 + timedelta(hours=5, seconds=1))
    assert standing(due, opened(), ended).state is State.EXPIRED
    cancelled = line(Kind.CANCEL, {}, at=T0 + timedelta(hours=5))
    assert standing(due, opened(), cancelled, ended).state is State.CANCELLED


def test_a_child_is_held_and_a_stop_that_waits_for_its_trigger_works() -> None:
    held = standing(opened("PreSubmitted", leg="stop"), status("PreSubmitted", held="child", leg="stop"))
    works = standing(opened("PreSubmitted", leg="stop"), status("PreSubmitted", held="trigger", leg="stop"))
    assert (held.state, works.state) == (State.HELD, State.WORKING)


def test_a_pending_cancel_is_a_state() -> None:
    assert standing(placed(), opened(), status("PendingCancel")).state is State.PENDING_CANCEL


def test_what_was_sent_and_not_answered_is_unknown_until_the_gateway_lists_its_orders() -> None:
    assert standing(placed()).state is State.UNANSWERED
    assert standing(placed(), gone()).state is State.NEVER_RECEIVED


def test_over_midnight_never_received_cannot_be_told_from_forgotten() -> None:
    assert standing(placed(), gone(at=T0 + A_DAY)).state is State.UNKNOWN


def test_an_order_that_vanished_on_the_same_day_was_cancelled_for_its_fills_would_have_been_told() -> None:
    assert standing(placed(), opened(), gone()).state is State.CANCELLED


def test_an_order_that_vanished_over_midnight_may_have_filled() -> None:
    assert standing(placed(), opened(), gone(at=T0 + A_DAY)).state is State.UNKNOWN
    told = [placed(), opened(), gone(seen_at=T0 + A_DAY, at=T0 + A_DAY + timedelta(minutes=1))]
    assert standing(*told).state is State.CANCELLED


def test_an_order_that_is_listed_again_was_not_gone() -> None:
    assert standing(placed(), opened(), gone(at=T0 + A_DAY), opened()).state is State.WORKING


def test_placed_again_it_waits_for_an_answer_again() -> None:
    assert standing(placed(), gone(), placed()).state is State.UNANSWERED


def test_executions_fill_an_order_before_and_without_its_status() -> None:
    partly = standing(placed(), opened(), executed("e.1.01.01", 4))
    wholly = standing(placed(), opened(), executed("e.1.01.01", 4), executed("e.1.02.01", 6))
    assert (partly.state, partly.filled) == (State.WORKING, Decimal(4))
    assert (wholly.state, wholly.filled) == (State.FILLED, Decimal(10))


def test_a_late_fill_of_a_cancelled_order_counts() -> None:
    late = standing(placed(), opened(), status("Cancelled"), executed("e.1.01.01", 3))
    assert (late.state, late.filled) == (State.CANCELLED, Decimal(3))


def test_a_correction_replaces_what_it_corrects() -> None:
    told = [placed(), opened(), executed("e.1.01.01", 10), status("Submitted", filled=10)]
    corrected = standing(*told, executed("e.1.01.02", 6))
    assert (corrected.filled, corrected.state) == (Decimal(6), State.WORKING)


def test_a_status_may_be_ahead_of_the_executions() -> None:
    assert standing(placed(), opened(), status("Submitted", filled=4)).filled == Decimal(4)


def test_terms_are_those_that_the_gateway_last_told() -> None:
    stop = {"orderType": "STP", "auxPrice": 180.0, "action": "SELL"}
    moved = standing(opened(leg="stop", terms=stop), opened(leg="stop", terms=stop | {"auxPrice": 185.5}))
    assert (moved.level, moved.side) == (Decimal("185.5"), "SELL")


def test_legs_are_told_the_first_one_first() -> None:
    legs = standings([opened(leg="target"), opened(leg="stop"), opened(leg="entry")])
    assert [leg.leg for leg in legs] == ["entry", "stop", "target"]
