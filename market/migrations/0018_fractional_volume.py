from django.db import migrations, models

QUOTES, HISTORY = (
    f"ALTER TABLE {table} ALTER bid_size TYPE {{0}}, ALTER ask_size TYPE {{0}}, ALTER volume TYPE {{0}}"
    for table in ("quotes", "quote_history")
)
CANDLES = """
    ALTER TABLE candles DROP CONSTRAINT candle_volume_is_not_negative, ALTER volume TYPE {},
        ADD CONSTRAINT candle_volume_is_not_negative CHECK (volume >= 0{})
"""


class Migration(migrations.Migration):
    """Volumes and sizes in parts of a share, too. One statement for a table: each rewrites it, under a lock."""

    dependencies = [("market", "0017_instrument_details")]
    operations = [
        migrations.RunSQL(
            [QUOTES.format("float8"), HISTORY.format("float8")],
            [QUOTES.format("bigint"), HISTORY.format("bigint")],
            state_operations=[
                migrations.AlterField(model, field, models.FloatField(null=True))
                for model in ("quote", "quotehistory")
                for field in ("bid_size", "ask_size", "volume")
            ],
        ),
        migrations.RunSQL(
            CANDLES.format("float8", " AND volume < 'Infinity'"),
            CANDLES.format("bigint", ""),
            state_operations=[
                migrations.AlterField(
                    "candle", "volume", models.FloatField(help_text="Empty: its source gave none.", null=True)
                ),
                migrations.RemoveConstraint("candle", "candle_volume_is_not_negative"),
                migrations.AddConstraint(
                    "candle",
                    models.CheckConstraint(
                        condition=models.Q(volume__gte=0, volume__lt=float("inf")),
                        name="candle_volume_is_not_negative",
                    ),
                ),
            ],
        ),
    ]
