from django.db import migrations


class Migration(migrations.Migration):
    """How PostgreSQL stores quotes and candles.

    Every cycle rewrites every quote: with room on its page a quote needs no new entry in the index. Django adds a
    second index to serve LIKE; under the collation "C" the primary key does that.

    The key of candles is unique: its only duplicates are old versions of a row, not worth packing. PostgreSQL tries
    to all the same, on every page that fills, which costs a tenth of a mass revision.
    """

    dependencies = [("market", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE quotes SET (fillfactor = 50)", reverse_sql="ALTER TABLE quotes RESET (fillfactor)"
        ),
        migrations.RunSQL(
            "DROP INDEX IF EXISTS quotes_symbol_9395fa9c_like",
            reverse_sql="CREATE INDEX quotes_symbol_9395fa9c_like ON quotes (symbol varchar_pattern_ops)",
        ),
        migrations.RunSQL(
            "ALTER INDEX candles_pkey SET (deduplicate_items = off)",
            reverse_sql="ALTER INDEX candles_pkey RESET (deduplicate_items)",
        ),
    ]
