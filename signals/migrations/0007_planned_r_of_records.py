"""Mean R of records is over the risk really taken; that over the planned risk stands beside it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signals", "0006_imported_feed")]
    operations = [
        migrations.AddField(
            model_name="strategyrecord",
            name="mean_planned_r",
            field=models.FloatField(
                help_text="The same over the planned risk, from the idea's entry to its stop.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="strategyrecord",
            name="mean_r",
            field=models.FloatField(
                help_text="Mean result over the risk really taken, from fill to stop, costs included.",
                null=True,
            ),
        ),
    ]
