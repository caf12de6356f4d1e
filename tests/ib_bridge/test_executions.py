"""Executions, their corrections and commissions, in whatever order they come."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ib_bridge.journal.executions import executed, shares, standing, stem, suffix
from tests.ib_bridge import told


def test_a_commission_that_comes_before_its_execution_counts() -> None:
    (execution,) = executed([told.commission("e.1.01.01", 1.25), told.executed("e.1.01.01", 4)])
    assert (execution.commission, execution.commission_currency) == (Decimal("1.25"), "USD")


def test_a_commission_that_has_not_come_is_not_zero() -> None:
    (execution,) = executed([told.executed("e.1.01.01", 4)])
    assert execution.commission is None


def test_a_rebate_is_negative_and_the_last_word_counts() -> None:
    lines = [
        told.executed("e.1.01.01", 4),
        told.commission("e.1.01.01", 1.0),
        told.commission("e.1.01.01", -0.35),
    ]
    assert executed(lines)[0].commission == Decimal("-0.35")


def test_a_correction_names_what_it_replaces() -> None:
    lines = [told.executed("e.1.01.01", 4), told.executed("e.1.01.02", 3), told.executed("e.1.01.03", 5)]
    first, second, third = executed(lines)
    assert (first.corrects, second.corrects, third.corrects) == ("", "e.1.01.01", "e.1.01.02")
    assert [execution.execution_id for execution in standing([third, first, second])] == ["e.1.01.03"]


def test_suffixes_are_numbers() -> None:
    lines = [told.executed(f"e.1.01.{n:02}", n) for n in (9, 10, 2)]
    assert shares(executed(lines)) == Decimal(10)


def test_fills_of_one_order_are_summed_by_execution() -> None:
    lines = [told.executed("e.1.01.01", 4), told.executed("e.1.02.01", 6), told.executed("e.1.02.02", 5)]
    assert shares(executed(lines)) == Decimal(9)


@pytest.mark.parametrize(
    ("execution_id", "parts"),
    [("0000e0d5.5f.01.01", ("0000e0d5.5f.01", 1)), ("plain", ("plain", 0)), ("a.b", ("a", 0)), ("", ("", 0))],
)
def test_the_last_part_of_an_id_is_the_correction(execution_id: str, parts: tuple[str, int]) -> None:
    assert (stem(execution_id), suffix(execution_id)) == parts


def test_times_are_utc() -> None:
    (execution,) = executed([told.executed("e.1.01.01", 4)])
    assert execution.executed_at == datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
