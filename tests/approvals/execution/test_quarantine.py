"""An execution of the broker that does not fit is kept as it came, shown and told once; all else goes on."""

import json
from typing import Any

import pytest
from django.db import connection

from approvals import audit, gate
from approvals.models import (
    AuditEvent,
    BrokerPosition,
    Fill,
    QuarantinedRow,
    TradingHalt,
)
from market import doctor
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution.unfit_rows import (
    ANYWHERE,
    FIRST,
    UNFIT_EXECUTIONS,
    notified_titles,
    rounds,
    went_through,
)
from tests.approvals.execution_rows import MINUTE


@pytest.mark.parametrize(
    ("values", "place"),
    [*ANYWHERE, *((values, number % 3) for number, values in enumerate(UNFIT_EXECUTIONS))],
)
def test_an_execution_that_does_not_fit_keeps_no_other_from_being_recorded(
    fake: FakeBroker, values: dict[str, Any], place: int
) -> None:
    for symbol in ("AAPL", "MSFT", "TSLA"):
        fake.fill_foreign(symbol, 5)
    fake.amend_execution(place, **values)
    rounds(1, 2, 3)
    others = {"AAPL", "MSFT", "TSLA"} - {["AAPL", "MSFT", "TSLA"][place]}
    assert set(Fill.objects.values_list("symbol", flat=True)) == others
    assert BrokerPosition.objects.count() == 3
    assert went_through(3)
    row = QuarantinedRow.objects.get()
    assert (row.kind, row.times_seen, row.first_seen_at, row.ended_at) == ("execution", 3, FIRST, None)
    assert AuditEvent.objects.get(kind="broker row quarantined").subject == f"quarantined row {row.pk}"
    (title,) = notified_titles()
    assert title.startswith("The broker sent a row that does not fit: it is not recorded. Execution: ")
    assert audit.verify().count > 0


def test_a_row_is_kept_as_it_came(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="NaN", execution_id="9" * 200)
    rounds(1)
    row = QuarantinedRow.objects.get()
    assert json.loads(row.row) == {
        "execution_id": "9" * 200,
        "client_id": None,
        "leg": "entry",
        "instrument": "AAPL stock USD",
        "side": "BUY",
        "quantity": 5,
        "price": "100.00",
        "commission": "NaN",
        "executed_at": json.loads(row.row)["executed_at"],
        "is_settlement": False,
        "corrects": "",
        "commission_currency": "",
        "broker_order_id": "",
    }
    assert row.name == "9" * 200
    assert "longer than 64 characters" in row.reason
    assert row.reason.endswith("commission is NaN, no finite number")


def test_another_version_of_an_execution_is_another_row(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    for commission in ("NaN", "cheap"):
        fake.amend_execution(0, commission=commission)
        rounds(1)
    assert QuarantinedRow.objects.count() == 2


def test_many_rows_at_once_are_one_message(fake: FakeBroker) -> None:
    for place in range(30):
        fake.fill_foreign("AAPL", 5)
        fake.amend_execution(place, price="0")
    rounds(1, 2)
    assert notified_titles() == ["The broker sent 30 rows that do not fit: they are not recorded."]
    assert QuarantinedRow.objects.count() == 30


def test_the_doctor_names_what_does_not_fit_and_why(fake: FakeBroker) -> None:
    rounds(1)
    assert [finding.text for finding in broker_findings()] == ["every row that it sent fits"]
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="NaN")
    rounds(2)
    (finding,) = broker_findings()
    assert "commission is NaN, no finite number" in finding.text
    assert finding.advice


def broker_findings() -> list[doctor.Finding]:
    return [finding for finding in doctor.examine(make.T0) if finding.about == "broker"]


def test_what_others_did_does_not_halt_trading(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="NaN")
    rounds(1, 2, 3)
    assert gate.state(make.T0 + 3 * MINUTE).halted == ""


def test_an_execution_that_is_recorded_is_not_undone_by_a_later_row_of_it(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.amend_execution(0, commission="NaN")
    rounds(1, 2, 3)
    assert Fill.objects.get().commission == 1
    assert not QuarantinedRow.objects.exists()
    assert not TradingHalt.objects.exists()


def test_what_the_database_refuses_is_kept_aside_too(fake: FakeBroker) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE fills ADD CONSTRAINT no_tesla CHECK (symbol <> 'TSLA')")
    for symbol in ("AAPL", "TSLA", "MSFT"):
        fake.fill_foreign(symbol, 5)
    rounds(1, 2)
    assert set(Fill.objects.values_list("symbol", flat=True)) == {"AAPL", "MSFT"}
    assert "no_tesla" in QuarantinedRow.objects.get().reason
    assert went_through(2)


# --- executions of our orders -----------------------------------------------------------------------------
