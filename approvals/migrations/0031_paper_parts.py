"""Orders on paper fill in parts. Those of before have filled whole, once, and ended whole."""

from django.db import migrations, models


FILL = """
UPDATE paper_orders
SET
    filled = CASE WHEN state = 'filled' THEN quantity ELSE 0 END,
    exited = coalesce((
        SELECT sum(quantity) FROM paper_fills
        WHERE order_id = paper_orders.id AND leg IN ('stop', 'target', 'flat')
    ), 0),
    worked_until = entered_at
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0030_losses_that_halt'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='paperorder',
            name='paper_order_covers_what_was_filled',
        ),
        migrations.AddField(
            model_name='paperorder',
            name='exited',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Shares that stop and target have closed.'),
        ),
        migrations.AddField(
            model_name='paperorder',
            name='filled',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Shares of the entry, or of the closing as it was placed.'),
        ),
        migrations.AddField(
            model_name='paperorder',
            name='is_stopped',
            field=models.BooleanField(db_default=False, default=False, help_text='The stop was hit: what is left goes at the market.'),
        ),
        migrations.AddField(
            model_name='paperorder',
            name='worked_until',
            field=models.DateTimeField(help_text='What traded by then has done its part.', null=True),
        ),
        migrations.AlterField(
            model_name='paperorder',
            name='entered_at',
            field=models.DateTimeField(help_text='The time of the quote that first filled the entry.', null=True),
        ),
        migrations.AlterField(
            model_name='paperorder',
            name='quotes_until',
            field=models.DateTimeField(help_text='When the bar of the fill closes: later bars work the exits, too.', null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='paperorder',
            constraint=models.CheckConstraint(condition=models.Q(('covered', 0), models.Q(('covered_at__isnull', False), ('entered_at__isnull', False), ('filled__gt', 0)), _connector='OR'), name='paper_order_covers_what_was_filled'),
        ),
        migrations.AddConstraint(
            model_name='paperorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('filled', models.F('quantity')), ('state', 'filled')), models.Q(models.Q(('state', 'filled'), _negated=True), ('filled__lt', models.F('quantity'))), _connector='OR'), name='paper_order_is_filled_by_all_of_it'),
        ),
    ]
