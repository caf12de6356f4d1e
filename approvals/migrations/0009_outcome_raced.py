from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0008_presence")]

    operations = [
        migrations.AddIndex(
            "outcome",
            models.Index(
                name="outcome_raced",
                fields=["strategy_id", "timeframe", "confidence"],
                include=["race"],
                condition=models.Q(ledger="signal", race__in=[1, 2]),
            ),
        ),
    ]
