"""R is over the risk really taken; that over the planned risk stands beside it.

Outcomes are converted as they are: the bars that old ones were played on may be gone. Trades are computed
again by the next reconciliation.
"""

from django.db import migrations, models

# The levels that were played, in shares of the day on which the outcome was computed.
CONVERT = """
WITH levels AS (
    SELECT
        outcomes.id, outcomes.entry, CASE signal_type WHEN 'BUY' THEN 1 ELSE -1 END AS side,
        entry_price, stop_loss,
        CASE WHEN ledger = 'decision' AND outcomes."group" = 'approved' THEN decided END AS decided,
        take_profit, coalesce(
            (
                SELECT exp(sum(ln(ratio))) FROM splits
                WHERE splits.symbol = signals.symbol AND date::timestamp AT TIME ZONE 'UTC' > bar_opened_at
                    AND splits.recorded_at BETWEEN signals.created_at AND outcomes.computed_at
            ), 1
        ) AS factor
    FROM outcomes
    JOIN strategy_signals AS signals ON signals.id = outcomes.signal_id
    LEFT JOIN trade_approvals ON trade_approvals.id = outcomes.approval_id
    WHERE outcomes.r IS NOT NULL
), wanted AS (
    SELECT
        levels.*, coalesce((decided ->> 'limit_price')::numeric, entry_price) AS limit_price,
        coalesce((decided ->> 'stop_loss')::numeric, stop_loss) AS stop,
        coalesce((decided ->> 'take_profit')::numeric, take_profit) AS target
    FROM levels
), played AS (
    SELECT id, side, entry, factor, CASE WHEN is_possible THEN limit_price ELSE entry_price END AS planned,
        CASE WHEN is_possible THEN stop ELSE stop_loss END AS stop
    FROM wanted CROSS JOIN LATERAL (
        SELECT side * (limit_price - stop) > 0 AND side * (target - limit_price) > 0 AS is_possible
    ) AS checked
), risks AS (
    SELECT id, abs(planned - stop) / factor AS planned, side * (entry - stop / factor) AS taken FROM played
)
UPDATE outcomes
SET planned_r = r, r = CASE WHEN taken > 0 THEN r * risks.planned / taken ELSE r END
FROM risks WHERE risks.id = outcomes.id
"""


def compute_trades_again(apps, schema_editor):
    """Have the next reconciliation compute them with the stops of then."""
    apps.get_model("approvals", "Trade").objects.update(computed_at=models.F("closed_at"))


class Migration(migrations.Migration):
    dependencies = [("approvals", "0038_charges_follow_symbols"), ("signals", "0007_planned_r_of_records")]
    operations = [
        migrations.AddField(
            model_name="outcome",
            name="planned_r",
            field=models.FloatField(
                help_text="The same over the planned risk, from the entry that was wanted.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="outcome",
            name="r",
            field=models.FloatField(
                help_text="The result over the risk really taken, from its entry to its stop, with costs.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="trade",
            name="no_risk",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no_stop", "no R: an entry had no stop"),
                    ("beyond_stop", "no R: an entry was filled beyond its stop"),
                ],
                default="",
                help_text="Why that is not known. Empty: it is.",
                max_length=11,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="trade",
            name="risk",
            field=models.DecimalField(
                decimal_places=6,
                help_text="Really taken: from the price of each entry to its stop then.",
                max_digits=20,
                null=True,
            ),
        ),
        migrations.RunSQL(CONVERT, migrations.RunSQL.noop),
        migrations.RunPython(compute_trades_again, migrations.RunPython.noop),
    ]
