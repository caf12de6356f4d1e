"""The kit for brokers notices what brokers do wrong, and its report says what ran and what did not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from approvals.brokers.base import Capabilities
from tests.conformance import faulty_brokers as faulty
from tests.conformance.broker import (
    table,
    test_account,
    test_cancelling,
    test_closing,
    test_errors,
    test_executions,
    test_exits,
    test_filling,
    test_nights,
    test_placing,
)
from tests.conformance.broker.bench import Bench
from tests.conformance.broker.counterpart import Counterpart, all_but, because, unexplained
from tests.conformance.broker.reference import SPEC, counterpart
from tests.conformance.broker.reference.broker import Line, Reference

Trial = Callable[[Bench], None]

FAULTS: list[tuple[type[Reference], Trial]] = [
    (faulty.PlacesTwice, test_placing.test_a_known_id_is_never_placed_twice),
    (faulty.PlacesTwice, test_nights.test_a_known_id_is_not_placed_again_after_a_restart),
    (faulty.PlacesTwice, test_errors.test_an_entry_placed_again_after_a_lost_answer_is_one_order),
    (faulty.ProtectsTwice, test_exits.test_a_known_protection_is_never_placed_twice),
    (faulty.RefusesInSilence, test_placing.test_an_entry_that_is_refused_says_why_and_does_not_exist),
    (faulty.TakesAnySymbol, test_placing.test_an_unknown_symbol_is_refused_in_words),
    (faulty.TakesAnySymbol, test_placing.test_levels_on_the_wrong_side_are_refused_in_words),
    (faulty.WhatIfPlaces, test_placing.test_a_what_if_says_what_an_order_needs_and_places_nothing),
    (faulty.CancelsExitsAlways, test_cancelling.test_a_part_that_filled_before_the_cancel_keeps_its_exits),
    (
        faulty.NeverCancelsExits,
        test_cancelling.test_a_filled_entry_keeps_its_exits_unless_they_are_cancelled_too,
    ),
    (faulty.CancelsOthers, test_errors.test_an_order_of_another_person_outlives_a_cancel_of_ours),
    (
        faulty.TakesPendingForCancelled,
        test_cancelling.test_a_cancel_that_is_pending_for_an_hour_leaves_the_order_working,
    ),
    (faulty.CountsWholeFillsOnly, test_filling.test_a_part_that_is_filled_is_counted_and_the_rest_works),
    (faulty.TellsNoLegs, test_placing.test_each_leg_is_reported_with_its_level),
    (faulty.NeverReceivedWhatIsGone, test_nights.test_what_it_has_forgotten_was_too_long_ago),
    (faulty.ForgetsWhatEnded, test_nights.test_what_has_ended_is_never_called_unknown_after_a_restart),
    (faulty.UsesIdsAgain, test_nights.test_an_id_that_was_forgotten_makes_no_second_order),
    (faulty.NumbersAnew, test_nights.test_an_entry_works_on_over_a_restart),
    (
        faulty.HidesOrdersOfOthers,
        test_errors.test_an_order_of_another_person_is_told_without_an_id_of_ours,
    ),
    (faulty.ClosesWithoutExits, test_closing.test_the_exits_stay_until_the_closing_has_filled),
    (faulty.ClosesWithoutExits, test_closing.test_a_closing_that_is_refused_leaves_the_exits),
    (faulty.ClosesWhatTheStopSold, test_closing.test_the_stop_that_comes_before_the_closing_takes_its_shares),
    (faulty.ChangesTwice, test_exits.test_a_known_change_is_made_once),
    (faulty.ProtectsBeside, test_exits.test_a_protection_takes_the_place_of_the_exits_before),
    (faulty.TellsAllExecutions, test_executions.test_what_was_executed_before_is_left_out),
    (faulty.TellsByTradeOnly, test_executions.test_a_corrected_price_replaces_the_execution),
    (faulty.TellsByTradeOnly, test_executions.test_a_commission_that_comes_later_is_told_with_its_execution),
    (faulty.TellsLaterOnly, test_executions.test_what_was_executed_at_that_instant_is_told),
    (faulty.TellsNewestFirst, test_executions.test_executions_are_told_oldest_first),
    (faulty.TakesNoCommissionForZero, test_executions.test_a_commission_that_is_not_known_yet_is_not_zero),
    (faulty.LosesTheSignOfRebates, test_executions.test_a_rebate_is_a_negative_commission),
    (faulty.LosesTheCurrency, test_executions.test_a_commission_in_another_currency_says_so),
    (faulty.CorrectsBeside, test_executions.test_a_corrected_quantity_is_counted_once),
    (faulty.TakesAllForEntries, test_filling.test_the_stop_ends_the_position_and_the_target_goes),
    (faulty.TellsNaiveTimes, test_filling.test_an_execution_has_an_instant_that_makes_sense),
    (faulty.HoldsWholeShares, test_account.test_a_fraction_of_a_share_is_held_as_it_is),
    (faulty.SaysNothingOfBlocks, test_account.test_a_blocked_account_says_why_and_refuses_an_entry),
    (faulty.HasNoNumber, test_account.test_the_account_number_is_told_and_stays_over_a_restart),
    (faulty.BreaksWhenAway, test_errors.test_a_broker_that_is_away_says_so_whatever_it_is_asked),
    (faulty.SaysNothingIsHeldWhenAway, test_errors.test_a_broker_that_is_away_says_so_whatever_it_is_asked),
]


def bench(broker: type[Reference], line: Line, behind: Counterpart) -> Bench:
    spec = replace(SPEC, build=lambda values, at: broker(SPEC, line))
    return Bench(spec, behind)


@pytest.mark.parametrize(
    ("broker", "trial"), FAULTS, ids=lambda part: getattr(part, "__name__", "").removeprefix("test_")
)
def test_a_fault_is_noticed(broker: type[Reference], trial: Trial) -> None:
    with counterpart() as behind, pytest.raises((Exception, pytest.fail.Exception)):
        trial(bench(broker, behind.line, behind))


# --- what does not apply, and the report ------------------------------------------------------------------


class Half(Counterpart):
    cannot = because({"nobody is there": "fill halt"})


def test_an_act_without_a_reason_is_named() -> None:
    assert "resume" in unexplained(Half())
    assert not {"fill", "halt", "held"} & set(unexplained(Half()))


def test_an_act_that_cannot_be_played_skips_its_case_with_the_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="not played: halt: nobody is there"):
        Half().halt()


def test_all_acts_but_some_have_a_reason() -> None:
    cannot = all_but("an example", "fill")
    assert "fill" not in cannot
    assert cannot["halt"] == "an example"


def test_a_case_needs_what_a_broker_has_or_lacks() -> None:
    lacking, having = Capabilities(replaces=False), Capabilities()
    assert table.lacks(["replaces"], lacking) == "it lacks the capability replaces"
    assert table.lacks(["no replaces"], having) == "it has the capability replaces"
    assert table.lacks(["replaces", "shorting"], having) == ""
    assert table.lacks(["no replaces"], lacking) == ""


def ran(number: int, outcome: Any, why: Any = None, when: Any = "call", **more: Any) -> pytest.TestReport:
    told = ("case", ("acme", table.label(number), "an order is placed"))
    place = ("test.py", 1, "test")
    return pytest.TestReport("test", place, {}, outcome, why, when, user_properties=[told], **more)


def test_the_report_names_each_case_with_its_result_and_reason() -> None:
    skipped = ("conftest.py", 1, "Skipped: it lacks the capability replaces")
    unplayed = ("conftest.py", 1, "Skipped: not played: halt: nobody is there")
    rows = table.lines(
        [
            ran(3, "passed", when="setup"),
            ran(3, "passed"),
            ran(1, "failed", "AssertionError"),
            ran(2, "failed", "a fixture broke", when="setup"),
            ran(5, "skipped", skipped, when="setup"),
            ran(4, "skipped", unplayed),
            ran(6, "skipped", "...", wasxfail="nothing is corrected"),
            ran(7, "passed", wasxfail="mended"),
        ]
    )
    assert [(row.number, row.result, row.why) for row in rows] == [
        ("B001", "failed", ""),
        ("B002", "failed", ""),
        ("B003", "passed", ""),
        ("B004", "not played", "halt: nobody is there"),
        ("B005", "not applicable", "it lacks the capability replaces"),
        ("B006", "known to fail", "nothing is corrected"),
        ("B007", "passed", ""),
    ]
    assert list(table.summary(rows)) == [
        "acme: 7 cases, 2 passed, 2 failed, 1 known to fail, 1 not applicable, 1 not played"
    ]
    assert "| B004 | an order is placed | not played | halt: nobody is there |" in table.document(rows)
