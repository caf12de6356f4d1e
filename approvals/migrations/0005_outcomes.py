import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TIMEFRAMES = [(name, name) for name in ("1m", "5m", "15m", "1h", "1d", "1w")]
ENDS = [
    (-2, "missed"),
    (-1, "void"),
    (0, "open"),
    (1, "target"),
    (2, "stop"),
    (3, "opposite"),
    (4, "timeout"),
    (5, "session close"),
]
LONG_AGO = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def added(name, field):
    """No outcome is stored yet; the defaults are there for the form."""
    return migrations.AddField("outcome", name, field, preserve_default=field.null)


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_paper"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.RemoveIndex("outcome", "outcome_unfinished"),
        migrations.AlterField("outcome", "end", models.SmallIntegerField(choices=ENDS)),
        added("symbol", models.CharField(max_length=16, db_collation="C", default="")),
        added("strategy_id", models.CharField("strategy", max_length=40, db_collation="C", default="")),
        added(
            "timeframe",
            models.CharField(max_length=3, choices=TIMEFRAMES, db_collation="C", default="1d"),
        ),
        added("confidence", models.DecimalField(max_digits=5, decimal_places=4, default=0)),
        added("generated_at", models.DateTimeField(default=LONG_AGO)),
        added(
            "decided_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        added(
            "played_on",
            models.CharField(
                max_length=3,
                choices=TIMEFRAMES,
                db_collation="C",
                help_text="The bars it is played on.",
                default="1d",
            ),
        ),
        added(
            "race",
            models.SmallIntegerField(
                choices=ENDS,
                help_text="What came first of target and stop, also after an opposite event ended it.",
                default=0,
            ),
        ),
        migrations.AddField("outcome", "is_race_final", models.BooleanField(default=False)),
        added(
            "luck",
            models.FloatField(
                help_text="Share of targets that chance gives: stop over stop plus target.", default=0.5
            ),
        ),
        added(
            "candles_version",
            models.BigIntegerField(help_text="Of the candles that it stands on.", default=0),
        ),
        migrations.AddConstraint(
            "outcome",
            models.CheckConstraint(
                name="outcome_has_a_result_when_it_ended",
                condition=models.Q(end__gt=0, r__gt=float("-inf"), r__lt=float("inf"))
                | models.Q(end__lte=0, r=None),
            ),
        ),
        migrations.AddConstraint(
            "outcome",
            models.CheckConstraint(
                name="outcome_luck_is_a_share", condition=models.Q(luck__gt=0, luck__lt=1)
            ),
        ),
        migrations.AddIndex(
            "outcome",
            models.Index(
                name="outcome_unfinished",
                fields=["ledger", "since"],
                condition=models.Q(is_final=False) | models.Q(is_race_final=False),
            ),
        ),
        migrations.AddIndex("outcome", models.Index(name="outcome_by_time", fields=["-since", "id"])),
    ]
