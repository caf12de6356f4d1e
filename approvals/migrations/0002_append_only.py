"""Rows that record what people did and what happened are added and never touched again, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are a record.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""
RECORDS = ["trade_approvals", "order_decisions", "fills", "paper_fills", "paper_account", "audit_events"]
KEPT = ["orders", "paper_orders", "trading_halts", "outcomes"]  # they change, but none is ever deleted


def trigger(table: str, events: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER refuse_change BEFORE {events} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"DROP TRIGGER refuse_change ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION refuse_change()"),
        *[trigger(table, "UPDATE OR DELETE") for table in RECORDS],
        *[trigger(table, "DELETE") for table in KEPT],
    ]
