from django.db import migrations


class Migration(migrations.Migration):
    """Every cycle rewrites every quote: with room on its page a quote needs no new entry in the index.

    Django adds a second index to serve LIKE. Under the collation "C" the primary key does that.
    """

    dependencies = [("market", "0002_seed_watchlist")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE quotes SET (fillfactor = 50)", reverse_sql="ALTER TABLE quotes RESET (fillfactor)"
        ),
        migrations.RunSQL(
            "DROP INDEX IF EXISTS quotes_symbol_9395fa9c_like",
            reverse_sql="CREATE INDEX quotes_symbol_9395fa9c_like ON quotes (symbol varchar_pattern_ops)",
        ),
    ]
