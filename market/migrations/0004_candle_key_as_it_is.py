from django.db import migrations


class Migration(migrations.Migration):
    """The key of candles is unique: its only duplicates are old versions of a row, not worth packing.

    PostgreSQL tries to all the same, on every page that fills, which costs a tenth of a mass revision.
    """

    dependencies = [("market", "0003_quotes_in_place")]
    operations = [
        migrations.RunSQL(
            "ALTER INDEX candles_pkey SET (deduplicate_items = off)",
            reverse_sql="ALTER INDEX candles_pkey RESET (deduplicate_items)",
        ),
    ]
