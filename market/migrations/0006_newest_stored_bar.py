from django.db import migrations, models

FILL = """
UPDATE candle_progress AS progress SET newest_at = (
    SELECT max(opened_at) FROM candles
    WHERE candles.symbol = progress.symbol AND candles.timeframe = progress.timeframe AND is_final
)
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0005_faults")]

    operations = [
        migrations.AddField(
            model_name="candleprogress",
            name="newest_at",
            field=models.DateTimeField(
                help_text="The newest final bar stored after that answer (its opening).", null=True
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
