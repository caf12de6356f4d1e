"""A corrected fill keeps the time at which its shares changed hands: the correction has one of its own."""

from django.db import migrations

AS_TOLD = """
CREATE OR REPLACE FUNCTION refuse_change_but_as_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY[
        'quantity', 'price', 'commission', 'commission_unknown', {time}
        'commission_rate', 'commission_rate_as_of', 'commission_rate_age'
    ];
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change AND EXISTS (
        SELECT FROM broker_executions AS told
        WHERE told.fill_id = OLD.id AND told.quantity = NEW.quantity AND told.price = NEW.price {same}
    )
    THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.symbol <> NEW.symbol
        AND to_jsonb(OLD) - 'symbol' = to_jsonb(NEW) - 'symbol'
        AND EXISTS (
            SELECT FROM symbol_changes AS changes
            WHERE changes.old = OLD.symbol AND changes.new = NEW.symbol
                AND (NOT changes.is_shared OR OLD.executed_at < changes.since)
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: its rows are a record.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""
NOW = AS_TOLD.format(time="", same="")
BEFORE = AS_TOLD.format(time="'executed_at',", same="AND told.executed_at = NEW.executed_at")


class Migration(migrations.Migration):
    dependencies = [("approvals", "0051_read_paper_changes")]
    operations = [migrations.RunSQL(NOW, BEFORE)]
