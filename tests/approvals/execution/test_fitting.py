"""A broker's row either fits the columns or says why; nothing that a broker can send raises anything else."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.brokers.base import (
    Account,
    Charge,
    Execution,
    Holding,
    Instrument,
    Leg,
    LegReport,
    LegState,
    Report,
    Side,
    State,
    WhatIf,
)
from approvals.execution import fitting, quarantine
from approvals.execution.fitting import DoesNotFit
from tests import make

AAPL = Instrument("AAPL", exchange="XNAS")
EXECUTION = Execution("X1", uuid4(), Leg.ENTRY, AAPL, Side.BUY, 10, Decimal(100), Decimal(1), make.T0)
STOP = LegReport(Leg.STOP, LegState.HELD, "B2", 10, 0, Decimal(95), "held")
REPORT = Report(uuid4(), "B1", AAPL, Side.BUY, State.WORKING, 10, 0, legs=(STOP,))
HOLDING = Holding(AAPL, Decimal(10), Decimal(100))
ACCOUNT = Account("USD", Decimal(9), Decimal(9), Decimal(9), "DU1", {"EUR": Decimal(-5)})
CHARGE = Charge("C1", make.T0, Decimal("-0.02"), "USD", "regulatory fee", "X1", "AAPL")
WHAT_IF = WhatIf("USD", Decimal(300), None, Decimal(99_000), Decimal(1))
ROWS = [
    (fitting.execution, EXECUTION),
    (fitting.report, REPORT),
    (fitting.holding, HOLDING),
    (fitting.account, ACCOUNT),
    (fitting.charge, CHARGE),
    (fitting.whatif, WHAT_IF),
]


class Rude:
    """An object that cannot even be written down."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.lists(st.integers()),
    st.sampled_from(
        [
            *[10**5000, Decimal("sNaN"), Decimal("1e9999999"), Decimal("-1e-9999999"), "A" * 100_000],
            *[datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "\ud800", "\0"],
        ]
    ),
)


def outcome(fit: Any, row: Any) -> tuple[str, Any]:
    """Return why the row does not fit, empty when it does, and the row that fits."""
    try:
        return "", fit(row)
    except DoesNotFit as misfit:
        return str(misfit), None


@pytest.mark.parametrize(("fit", "row"), ROWS)
def test_a_row_as_it_should_be_fits_as_it_is(fit: Any, row: Any) -> None:
    assert fit(row) == row


@pytest.mark.parametrize(("fit", "row"), ROWS)
@given(chosen=st.data())
def test_whatever_a_value_is_the_row_fits_or_says_why_not(fit: Any, row: Any, chosen: st.DataObject) -> None:
    name = chosen.draw(st.sampled_from([field.name for field in fields(row)]))
    odd = replace(row, **{name: chosen.draw(VALUES)})
    reason, fitted = outcome(fit, odd)
    assert reason.startswith(f"{name} is ") or fit(fitted) == fitted
    assert len(reason) < 200
    kept = quarantine.as_json(odd)
    assert kept.isascii()
    assert set(json.loads(kept)) == {field.name for field in fields(row)}
    assert len(kept) < 10_000


@pytest.mark.parametrize(("fit", "row"), ROWS)
@given(odd=VALUES)
def test_what_is_no_row_at_all_does_not_fit(fit: Any, row: Any, odd: Any) -> None:
    with pytest.raises(DoesNotFit):
        fit(odd)
    json.loads(quarantine.as_json(odd))


def test_an_object_that_cannot_be_written_down_is_named_by_its_type() -> None:
    odd: Any = {"price": Rude()}
    reason, _ = outcome(fitting.execution, replace(EXECUTION, **odd))
    assert reason == "price is of type Rude without a text (RuntimeError), no number"
    assert "Rude without a text" in quarantine.as_json(replace(EXECUTION, **odd))


@pytest.mark.parametrize(
    ("values", "fitted"),
    [
        ({"quantity": Decimal("10.0")}, {"quantity": 10}),
        ({"quantity": 10.0}, {"quantity": 10}),
        ({"price": 99.5}, {"price": Decimal("99.5")}),
        ({"price": Decimal("99.12345678901")}, {"price": Decimal("99.12345678901")}),
        ({"commission": 0}, {"commission": Decimal(0)}),
        ({"commission": Decimal("-0.0")}, {"commission": Decimal(0)}),
        ({"side": "SELL"}, {"side": Side.SELL}),
        ({"client_id": None}, {"client_id": None}),
    ],
)
def test_a_figure_of_another_type_that_means_the_same_fits(
    values: dict[str, Any], fitted: dict[str, Any]
) -> None:
    assert fitting.execution(replace(EXECUTION, **values)) == replace(EXECUTION, **fitted)


def test_all_that_does_not_fit_is_named() -> None:
    values: Any = {"price": 0, "quantity": 0.5, "executed_at": make.T0.replace(tzinfo=None)}
    odd = replace(EXECUTION, **values)
    with pytest.raises(DoesNotFit) as misfit:
        fitting.execution(odd)
    assert str(misfit.value) == (
        "price is 0, not above 0; quantity is 0.5, not a whole number; "
        "executed_at is datetime.datetime(2024, 7, 3, 14, 0), without a time zone"
    )


def test_of_a_leg_that_was_replaced_its_successor_counts() -> None:
    first, second = replace(STOP, state=LegState.REPLACED), replace(STOP, broker_id="B3", level=Decimal(96))
    target = replace(STOP, leg=Leg.TARGET, state=LegState.REPLACED)
    told = replace(REPORT, legs=(second, first, target))
    assert set(fitting.report(told).legs) == {second, target}
