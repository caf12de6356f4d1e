# A stop put back is an order of its own; an order may be of the shares of one entry.

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0047_broker_statements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='order',
            name='order_entry_has_an_approval',
        ),
        migrations.RemoveConstraint(
            model_name='order',
            name='order_levels_are_on_their_sides',
        ),
        migrations.AddField(
            model_name='order',
            name='shares_of',
            field=models.ForeignKey(blank=True, help_text='The order whose shares it guards or closes. Empty: of all that is held.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followers', to='approvals.order'),
        ),
        migrations.AlterField(
            model_name='order',
            name='kind',
            field=models.CharField(choices=[('entry', 'Entry'), ('close', 'Close'), ('protect', 'protection')], max_length=7),
        ),
        migrations.AlterField(
            model_name='orderdecision',
            name='action',
            field=models.CharField(choices=[('release', 'Release'), ('drop', 'Drop'), ('cancel', 'Cancel'), ('close', 'Close'), ('move', 'move stop or target'), ('trail', 'trail the stop'), ('untrail', 'end trailing'), ('protect', 'put a stop back')], max_length=7),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'entry'), _negated=True), ('approval__isnull', False), _connector='OR'), name='order_entry_has_an_approval'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'close'), ('limit_price', None), ('stop_loss', None), ('take_profit', None)), models.Q(('kind', 'entry'), ('side', 'BUY'), ('stop_loss__gt', 0), ('stop_loss__lt', models.F('limit_price')), ('take_profit__gt', models.F('limit_price'))), models.Q(('kind', 'entry'), ('side', 'SELL'), ('stop_loss__gt', models.F('limit_price')), ('take_profit__gt', 0), ('take_profit__lt', models.F('limit_price'))), models.Q(models.Q(('take_profit', None), ('take_profit__gt', models.F('stop_loss')), _connector='OR'), ('kind', 'protect'), ('limit_price', None), ('side', 'SELL'), ('stop_loss__gt', 0)), models.Q(models.Q(('take_profit', None), models.Q(('take_profit__gt', 0), ('take_profit__lt', models.F('stop_loss'))), _connector='OR'), ('kind', 'protect'), ('limit_price', None), ('side', 'BUY'), ('stop_loss__gt', 0)), _connector='OR'), name='order_levels_are_on_their_sides'),
        ),
    ]
