"""Records may be filed under a new symbol, once the change is recorded, and in nothing else be changed."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant

BUT_OF_SYMBOL = """
CREATE FUNCTION refuse_change_but_of_symbol() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.symbol <> NEW.symbol
        AND to_jsonb(OLD) - 'symbol' = to_jsonb(NEW) - 'symbol'
        AND EXISTS (
            SELECT FROM symbol_changes AS changes
            WHERE changes.old = OLD.symbol AND changes.new = NEW.symbol
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: its rows are a record.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""
OF_A_SYMBOL = ["fills", "paper_fills", "paper_dividends"]
REPLACE = """
DROP TRIGGER refuse_change ON {table};
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION {function}();
"""
CHANGES = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON symbol_changes
FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def replaced(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        REPLACE.format(table=table, function="refuse_change_but_of_symbol"),
        REPLACE.format(table=table, function="refuse_change"),
    )


def grant_views(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_symbolchange"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0020_view_detail_changes"),
        ("market", "0027_symbol_changes"),
    ]
    operations = [
        migrations.RunSQL(BUT_OF_SYMBOL, "DROP FUNCTION refuse_change_but_of_symbol()"),
        *[replaced(table) for table in OF_A_SYMBOL],
        migrations.RunSQL(CHANGES, "DROP TRIGGER refuse_change ON symbol_changes"),
        migrations.RunPython(grant_views, migrations.RunPython.noop),
    ]
