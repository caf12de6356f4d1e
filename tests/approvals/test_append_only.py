"""What people did and what happened is never edited nor deleted, by any user and in any way."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, models
from django.db.models import ProtectedError
from django.test import Client

from tests import make
from tests.approvals import audit_rows
from tests.approvals.outcome_rows import outcome

pytestmark = pytest.mark.django_db

RECORDS: list[Callable[[], models.Model]] = [
    *[audit_rows.approval, audit_rows.order_decision, audit_rows.fill, audit_rows.event],
    *[audit_rows.paper_account, audit_rows.paper_fill, audit_rows.paper_dividend, audit_rows.symbol_change],
    *[audit_rows.broker_execution, audit_rows.charge, audit_rows.paper_change, make.broker_statement],
    audit_rows.named_lot,
    *[audit_rows.paper_charge, audit_rows.paper_transfer],
]
KEPT: list[Callable[[], models.Model]] = [
    audit_rows.closing,
    audit_rows.halt,
    outcome,
    audit_rows.paper_order,
    make.drift,
    make.quarantined_row,
    make.statement_difference,
]


def refused(what: str, row: models.Model) -> str:
    return f"{what} of {row._meta.db_table} is refused: its rows are a record"


def test_every_table_with_a_trigger_is_tested_here() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'refuse_change'")
        guarded = {table for (table,) in cursor}
    assert {made_row()._meta.db_table for made_row in [*KEPT, *RECORDS]} == guarded


@pytest.mark.parametrize("made_row", RECORDS)
def test_a_record_is_not_updated(made_row: Callable[[], models.Model]) -> None:
    row = made_row()
    with pytest.raises(IntegrityError, match=refused("UPDATE", row)):
        row.save(force_update=True)


@pytest.mark.parametrize("made_row", RECORDS)
def test_a_record_is_not_updated_by_sql(made_row: Callable[[], models.Model]) -> None:
    row = made_row()
    key = row._meta.pk.column
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match=refused("UPDATE", row)):
        cursor.execute(f"UPDATE {row._meta.db_table} SET {key} = {key}")


@pytest.mark.parametrize("made_row", [*RECORDS, *KEPT])
def test_what_is_kept_is_not_deleted(made_row: Callable[[], models.Model]) -> None:
    row = made_row()
    with pytest.raises(IntegrityError, match=refused("DELETE", row)):
        row.delete()


@pytest.mark.parametrize("made_row", [*RECORDS, *KEPT])
def test_what_is_kept_is_not_deleted_by_sql(made_row: Callable[[], models.Model]) -> None:
    row = made_row()
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match=refused("DELETE", row)):
        cursor.execute(f"DELETE FROM {row._meta.db_table}")


@pytest.mark.parametrize("made_row", KEPT)
def test_a_row_with_a_status_may_change(made_row: Callable[[], models.Model]) -> None:
    made_row().save(force_update=True)


def test_a_signal_with_a_decision_cannot_be_deleted() -> None:
    signal = audit_rows.approval().signal
    with pytest.raises(ProtectedError, match=r"TradeApproval\.signal"):
        signal.delete()


def test_a_user_with_decisions_cannot_be_deleted() -> None:
    audit_rows.approval()
    with pytest.raises(ProtectedError, match=r"TradeApproval\.approved_by"):
        audit_rows.user().delete()


def test_the_admin_says_why_a_user_with_decisions_stays(admin_client: Client) -> None:
    audit_rows.approval()
    address = f"/admin/auth/user/{audit_rows.user().pk}/delete/"
    shown = admin_client.post(address, {"post": "yes"}).content.decode()
    assert "Cannot delete" in shown
    assert "trade approval" in shown.lower()
    assert audit_rows.user().is_active
