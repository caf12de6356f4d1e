from django.db import migrations

MARK = "UPDATE candles SET feed = 'imported' WHERE provider = 'import'"


class Migration(migrations.Migration):
    dependencies = [("market", "0015_imported_feed")]

    operations = [migrations.RunSQL(MARK, migrations.RunSQL.noop)]
