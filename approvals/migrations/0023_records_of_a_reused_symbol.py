"""Where another company has a symbol since, only records from before the change may be filed under the new one."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change_but_of_symbol() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held jsonb := to_jsonb(OLD);
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.symbol <> NEW.symbol
        AND held - 'symbol' = to_jsonb(NEW) - 'symbol'
        AND EXISTS (
            SELECT FROM symbol_changes AS changes
            WHERE changes.old = OLD.symbol AND changes.new = NEW.symbol {condition}
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: its rows are a record.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""
BEFORE = """AND (
    NOT changes.is_shared
    OR coalesce(held ->> 'executed_at', held ->> 'ex_date')::timestamptz < changes.since
)"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0022_earnings_dates")]
    operations = [migrations.RunSQL(FUNCTION.format(condition=BEFORE), FUNCTION.format(condition=""))]
