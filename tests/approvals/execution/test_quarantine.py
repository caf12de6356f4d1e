"""A broker's row that does not fit is kept as it came, shown and told once; everything else goes on."""

import json
from typing import Any

import pytest
from django.db import connection

from approvals import audit, execution, exits, gate, halt, positions
from approvals.execution import quarantine
from approvals.models import (
    AccountSnapshot,
    AuditEvent,
    BrokerPosition,
    Fill,
    Gate,
    Notification,
    Order,
    QuarantinedRow,
    TradingHalt,
)
from market import doctor
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now

FIRST, LONG = make.T0 + MINUTE, "A" * 30
UNFIT_EXECUTIONS: list[dict[str, Any]] = [
    {"commission": "-1.00"},
    {"commission": "NaN"},
    {"commission": None},
    {"commission": "1.7976931348623157e+308"},
    {"symbol": LONG},
    {"symbol": ""},
    {"symbol": "AA\x00PL"},
    {"symbol": None},
    {"symbol": 7},
    {"execution_id": "9" * 200},
    {"execution_id": ""},
    {"execution_id": None},
    {"execution_id": "X\ud800"},
    {"price": "0"},
    {"price": "0.0000001"},
    {"price": "-5"},
    {"price": "NaN"},
    {"price": "sNaN"},
    {"price": "Infinity"},
    {"price": "1e30"},
    {"price": "1e999999"},
    {"price": "cheap"},
    {"price": None},
    {"price": [1]},
    {"quantity": 0.5},
    {"quantity": 0},
    {"quantity": -5},
    {"quantity": 2**31},
    {"quantity": 10**400},
    {"quantity": "5"},
    {"quantity": True},
    {"quantity": None},
    {"quantity": float("inf")},
    {"quantity": float("nan")},
    {"side": "HOLD"},
    {"side": None},
    {"side": []},
    {"leg": "wing"},
    {"executed_at": "2024-07-03T14:00:00"},
    {"executed_at": "9999-12-31T23:59:59+00:00"},
    {"executed_at": "yesterday"},
    {"executed_at": None},
    {"client_id": "no uuid"},
]
ANYWHERE = [({"commission": "-1.00"}, place) for place in range(3)]
UNFIT_HOLDINGS: list[dict[str, Any]] = [
    {"quantity": 10.5, "average_cost": "100"},
    {"quantity": None, "average_cost": "100"},
    {"quantity": "ten", "average_cost": "100"},
    {"quantity": 2**31, "average_cost": "100"},
    {"quantity": float("nan"), "average_cost": "100"},
    {"quantity": 10, "average_cost": "NaN"},
    {"quantity": 10, "average_cost": "1e30"},
    {"quantity": 10, "average_cost": None},
]
UNFIT_REPORTS: list[dict[str, Any]] = [
    {"state": "asleep"},
    {"state": None},
    {"filled": 0.5},
    {"filled": -3},
    {"filled": None},
    {"filled": float("nan")},
    {"exits_working": "perhaps"},
]


def rounds(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


def notified_titles() -> list[str]:
    notifications = Notification.objects.filter(kind=Notification.Kind.BROKER_ROW)
    return list(notifications.order_by("pk").values_list("title", flat=True))


def went_through(minute: float) -> bool:
    """Return whether the reconciliation of that minute came to its end and found the broker good."""
    at = make.T0 + minute * MINUTE
    row = Gate.objects.get()
    return (row.checked_at, row.broker_error) == (at, "") and AccountSnapshot.objects.filter(at=at).exists()


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
    fake.amend_execution(0, commission="-1.00", execution_id="9" * 200)
    rounds(1)
    row = QuarantinedRow.objects.get()
    assert json.loads(row.row) == {
        "execution_id": "9" * 200,
        "client_id": None,
        "leg": "entry",
        "symbol": "AAPL",
        "side": "BUY",
        "quantity": 5,
        "price": "100.00",
        "commission": "-1.00",
        "executed_at": json.loads(row.row)["executed_at"],
    }
    assert row.name == "9" * 200
    assert "longer than 64 characters" in row.reason
    assert row.reason.endswith("commission is -1.00, below 0")


def test_another_version_of_an_execution_is_another_row(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    for commission in ("-1.00", "-2.00"):
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
    fake.amend_execution(0, commission="-1.00")
    rounds(2)
    (finding,) = broker_findings()
    assert "commission is -1.00, below 0" in finding.text
    assert finding.advice


def broker_findings() -> list[doctor.Finding]:
    return [finding for finding in doctor.examine(make.T0) if finding.about == "broker"]


def test_what_others_did_does_not_halt_trading(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="-1.00")
    rounds(1, 2, 3)
    assert gate.state(make.T0 + 3 * MINUTE).halted == ""


def test_an_execution_that_is_recorded_is_not_undone_by_a_later_row_of_it(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.amend_execution(0, commission="-1.00")
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


def bought_without_a_fill(fake: FakeBroker, **values: Any) -> Order:
    """Return an entry that the broker filled; its execution does not fit."""
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.amend_execution(0, **values or {"commission": "-1.00"})
    rounds(1)
    return now(order)


@pytest.mark.parametrize("values", UNFIT_EXECUTIONS[::5], ids=repr)
def test_a_filled_entry_that_cannot_be_recorded_halts_trading_the_second_time(
    fake: FakeBroker, values: dict[str, Any]
) -> None:
    order = bought_without_a_fill(fake, **values)
    assert (order.status, order.filled_quantity) == (Status.FILLED, 10)
    assert not TradingHalt.objects.exists()
    rounds(2, 3)
    assert TradingHalt.objects.get().cause == TradingHalt.Cause.MISMATCH


def test_a_stop_that_cannot_be_recorded_halts_trading_though_the_orders_sums_agree(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.fill(order.pk, 10, "stop", "95.00")
    fake.amend_execution(1, commission="-1.00")
    rounds(1)
    assert not TradingHalt.objects.exists()
    rounds(2)
    assert "could not be recorded: commission is -1.00, below 0" in TradingHalt.objects.get().reason


def test_an_execution_of_which_it_cannot_be_told_whose_it_is_halts_trading(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, client_id="no uuid")
    rounds(1, 2)
    assert TradingHalt.objects.get().cause == TradingHalt.Cause.MISMATCH


@pytest.mark.parametrize("leg", ["entry", "stop"])
def test_resuming_ends_the_row_and_does_not_halt_again(fake: FakeBroker, leg: str) -> None:
    if leg == "entry":
        bought_without_a_fill(fake)
    else:
        fake.fill(execution_rows.bought(fake).pk, 10, "stop", "95.00")
        fake.amend_execution(1, commission="-1.00")
    rounds(2, 3)
    halt.end(make.T0 + 3 * MINUTE, execution_rows.trader(), "booked by hand")
    rounds(4, 5)
    assert TradingHalt.objects.count() == 1
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 4 * MINUTE
    assert len(notified_titles()) == 1


def test_an_execution_that_the_broker_corrects_is_recorded_and_halts_nothing(fake: FakeBroker) -> None:
    order = bought_without_a_fill(fake)
    fake.amend_execution(0, commission="1.00")
    rounds(2, 3)
    assert order.fills.get().quantity == 10
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE
    assert not TradingHalt.objects.exists()


def test_an_execution_of_another_is_recorded_when_it_is_corrected_hours_later(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="-1.00", executed_at=make.T0.isoformat())
    rounds(1, 200)
    fake.amend_execution(0, commission="1.00")
    rounds(201)
    assert Fill.objects.get().symbol == "AAPL"
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 201 * MINUTE


def test_an_execution_that_nobody_mended_is_over_after_a_week(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="-1.00")
    rounds(1)
    QuarantinedRow.objects.update(first_seen_at=make.T0 - quarantine.OPEN_FOR)
    rounds(2, 3)
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE
    assert len(notified_titles()) == 1


# --- closing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", UNFIT_EXECUTIONS[1::4], ids=repr)
def test_a_closing_goes_out_while_an_execution_does_not_fit(fake: FakeBroker, values: dict[str, Any]) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("MSFT", 5)
    fake.amend_execution(1, **values)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, 10)


@pytest.mark.parametrize(
    "values",
    [values for values in UNFIT_EXECUTIONS[::3] if not {"quantity", "side", "client_id"} & values.keys()],
    ids=repr,
)
def test_shares_whose_execution_does_not_fit_are_closed_all_the_same(
    fake: FakeBroker, values: dict[str, Any]
) -> None:
    bought_without_a_fill(fake, **values)
    make.instrument("AAPL")
    order = exits.close("AAPL", by=execution_rows.trader(), at=make.T0 + MINUTE)
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, 10)
    assert fake.order(order.pk)["side"] == "SELL"


def test_a_position_of_which_a_part_is_not_recorded_is_closed_whole(fake: FakeBroker) -> None:
    entry = execution_rows.sent()
    fake.fill(entry.pk, 4)
    fake.fill(entry.pk, 6)
    fake.amend_execution(1, commission="-1.00")
    rounds(1)
    assert positions.of("AAPL").quantity == 4
    make.instrument("AAPL")
    order = exits.close("AAPL", by=execution_rows.trader(), at=make.T0 + MINUTE, shown=4)
    assert order.quantity == 10
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, 10)


def test_what_a_stop_sold_that_could_not_be_recorded_is_not_sold_again(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    fake.fill_foreign("AAPL", 10)
    fake.fill(entry.pk, 10, "stop", "95.00")
    fake.amend_execution(2, commission="-1.00")
    rounds(1)
    make.instrument("AAPL")
    order = exits.close("AAPL", by=execution_rows.trader(), at=make.T0 + MINUTE)
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, fake.received(order.pk)) == (Status.CANCELLED, 0)


def test_shares_that_were_recorded_late_count_once(fake: FakeBroker) -> None:
    bought_without_a_fill(fake)
    fake.fill_foreign("AAPL", 90)
    fake.amend_execution(0, commission="1.00")
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0 + 2 * MINUTE)
    assert now(order).quantity == 10


@pytest.mark.parametrize(
    ("holding", "sold"),
    [
        ({"quantity": 10.5, "average_cost": "100"}, 10),
        ({"quantity": 3.5, "average_cost": "100"}, 3),
        ({"quantity": 10, "average_cost": "NaN"}, 10),
        ({"quantity": 4, "average_cost": None}, 4),
        ({"quantity": "ten", "average_cost": "100"}, 10),
        ({"quantity": None, "average_cost": "100"}, 10),
        ({"quantity": float("nan"), "average_cost": "100"}, 10),
    ],
    ids=repr,
)
def test_a_closing_sells_at_most_the_whole_shares_of_an_account_that_can_be_read(
    fake: FakeBroker, holding: dict[str, Any], sold: int
) -> None:
    execution_rows.bought(fake)
    fake.hold(AAPL=holding)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, sold)


def test_a_closing_goes_out_when_the_answers_number_is_too_long(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    fake.amend_order(entry.pk, broker_id="9" * 200)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    assert now(order).status == Status.SUBMITTED
    assert now(entry).broker_order_id.startswith("99")


# --- how orders stand, what is held, what the account is worth --------------------------------------------


@pytest.mark.parametrize(("values", "place"), [(values, n % 3) for n, values in enumerate(UNFIT_REPORTS)])
def test_a_report_that_does_not_fit_leaves_its_order_and_no_other_behind(
    fake: FakeBroker, values: dict[str, Any], place: int
) -> None:
    orders = [execution_rows.sent(symbol) for symbol in ("AAPL", "MSFT", "TSLA")]
    for order in orders:
        fake.fill(order.pk, 4)
    fake.amend_order(orders[place].pk, **values)
    rounds(1, 2)
    assert [now(order).filled_quantity for order in orders] == [
        0 if each == place else 4 for each in range(3)
    ]
    assert Fill.objects.count() == 3
    assert went_through(2)
    row = QuarantinedRow.objects.get()
    assert (row.kind, row.order, row.name) == ("order", orders[place], str(orders[place].pk))
    assert len(notified_titles()) == 1
    assert TradingHalt.objects.get().reason.startswith(f"Order {orders[place].pk}")


def test_an_order_whose_report_fits_again_is_brought_up_to_date(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 4)
    fake.amend_order(order.pk, state="asleep")
    rounds(1)
    fake.amend_order(order.pk, state="working")
    rounds(2)
    assert now(order).filled_quantity == 4
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE


def test_a_number_of_200_letters_is_cut_and_the_report_counts(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.amend_order(order.pk, broker_id="9" * 200)
    rounds(1)
    assert (now(order).status, order.filled_quantity) == (Status.FILLED, 10)
    assert len(order.broker_order_id) == 64
    assert "9" * 200 in QuarantinedRow.objects.get().row


def test_a_report_without_a_readable_id_of_ours_is_looked_up(fake: FakeBroker) -> None:
    """The list is of no use for it, but the broker is asked for each order that is not in the list."""
    order, other = execution_rows.sent(), execution_rows.sent("MSFT")
    fake.fill(order.pk, 4)
    fake.fill(other.pk, 4)
    fake.amend_order(order.pk, client_id="no uuid")
    rounds(1)
    assert [now(each).filled_quantity for each in (order, other)] == [0, 4]
    assert went_through(1)


def test_an_order_whose_answer_does_not_fit_is_unknown_until_the_broker_says_how_it_stands(
    fake: FakeBroker,
) -> None:
    fake.fail("place", "odd")
    order = execution_rows.sent()
    assert (order.status, "state is 'asleep'" in order.status_reason) == (Status.UNKNOWN, True)
    rounds(1)
    assert (now(order).status, fake.received(order.pk)) == (Status.SUBMITTED, 1)


def test_an_order_of_which_nothing_can_be_read_stays_unknown_and_is_never_sent_again(
    fake: FakeBroker,
) -> None:
    fake.fail("place", "odd")
    order = execution_rows.sent()
    fake.amend_order(order.pk, state="asleep")
    rounds(1, 2, 3, 4)
    assert (now(order).status, fake.received(order.pk)) == (Status.UNKNOWN, 1)
    assert went_through(4)


@pytest.mark.parametrize("holding", UNFIT_HOLDINGS, ids=repr)
def test_a_holding_that_does_not_fit_stays_as_it_was_seen_last(
    fake: FakeBroker, holding: dict[str, Any]
) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("AAPL", 5)
    fake.fill_foreign("MSFT", 7)
    rounds(1)
    fake.hold(AAPL=holding)
    fake.fill_foreign("MSFT", 1)
    rounds(2, 3)
    held = {row.symbol: (row.quantity, row.seen_at) for row in BrokerPosition.objects.all()}
    assert held == {"AAPL": (15, make.T0 + MINUTE), "MSFT": (8, make.T0 + 3 * MINUTE)}
    assert positions.of("AAPL").foreign == 5
    assert (QuarantinedRow.objects.get().name, QuarantinedRow.objects.get().times_seen) == ("AAPL", 2)
    assert len(notified_titles()) == 1
    assert went_through(3)


def test_a_holding_of_a_symbol_of_30_letters_is_kept_aside(fake: FakeBroker) -> None:
    fake.hold(**{LONG: 5, "MSFT": 7})
    rounds(1)
    assert BrokerPosition.objects.get().symbol == "MSFT"
    assert QuarantinedRow.objects.get().name == LONG


def test_a_holding_that_fits_again_is_written_and_told_again_when_it_does_not_on_another_day(
    fake: FakeBroker,
) -> None:
    fake.hold(AAPL=10.5)
    rounds(1)
    fake.hold(AAPL=10)
    rounds(2)
    assert BrokerPosition.objects.get().quantity == 10
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE
    fake.hold(AAPL=10.5)
    rounds(3)
    assert (QuarantinedRow.objects.get().ended_at, len(notified_titles())) == (None, 1)
    fake.hold()
    rounds(4)
    fake.hold(AAPL=10.5)
    rounds(2 * 24 * 60)
    assert len(notified_titles()) == 2


@pytest.mark.parametrize("equity", ["NaN", "Infinity", "1e30", "much"])
def test_an_account_that_does_not_fit_is_not_written_and_the_rest_goes_on(
    fake: FakeBroker, equity: str
) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.worth(equity)
    rounds(1, 2)
    assert now(order).status == Status.FILLED
    assert not AccountSnapshot.objects.exists()
    assert Gate.objects.get().broker_error == ""
    assert QuarantinedRow.objects.get().kind == "account"
    assert len(notified_titles()) == 1


def test_a_broker_whose_module_fails_is_as_one_that_does_not_answer(
    fake: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = execution_rows.entry(status=Status.HELD, good_until=make.T0)
    fake.worth(1)
    fake.fail("executions", "deny")  # an empty answer with status 404, which this module cannot read
    rounds(1)
    assert Gate.objects.get().broker_error.startswith("Its answer could not be read: TypeError")
    assert now(order).status == Status.CANCELLED
