"""Rows of the broker that do not fit, in a table of their own. They change, but none is ever deleted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0005_traders_may_halt'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.CharField(choices=[('signal_waiting', 'a signal waits'), ('signal_expiring', 'a signal is about to expire'), ('order_held', 'an order needs a new look'), ('order_filled', 'an order was filled'), ('order_failed', 'an order failed'), ('halt', 'trading was halted or resumed'), ('gate', 'the gate closed or opened'), ('feed', 'the feed went down or came back'), ('strategy_failed', 'a strategy fails'), ('broker_row', 'a row of the broker does not fit')], max_length=16),
        ),
        migrations.CreateModel(
            name='QuarantinedRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('broker', models.CharField(max_length=20)),
                ('kind', models.CharField(choices=[('execution', 'Execution'), ('order', 'how an order stands'), ('holding', 'what is held of a symbol'), ('account', 'what the account is worth')], max_length=9)),
                ('name', models.CharField(help_text="The broker's id or symbol of it, cut where longer.", max_length=200)),
                ('row', models.TextField(help_text='JSON; values of more than 1,000 characters are cut.')),
                ('reason', models.TextField(help_text='Why it does not fit.')),
                ('is_foreign', models.BooleanField(help_text='It says that none of our orders caused it.')),
                ('digest', models.CharField(help_text='Identifies it: SHA-256.', max_length=64, unique=True)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('times_seen', models.PositiveIntegerField(default=1)),
                ('ended_at', models.DateTimeField(blank=True, help_text='Empty while it is open.', null=True)),
                ('order', models.ForeignKey(blank=True, help_text='The order of ours that it names.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.order')),
            ],
            options={
                'verbose_name': 'quarantined broker row',
                'db_table': 'quarantined_rows',
                'ordering': ['-pk'],
                'indexes': [models.Index(condition=models.Q(('ended_at', None)), fields=['broker', 'kind'], name='quarantined_row_open')],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER refuse_change BEFORE DELETE ON quarantined_rows "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER refuse_change ON quarantined_rows",
        ),
    ]
