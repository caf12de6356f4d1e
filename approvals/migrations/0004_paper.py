"""The paper broker's rows. Its executions are a record, too."""

import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models


def kept(table: str, events: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER refuse_change BEFORE {events} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"DROP TRIGGER refuse_change ON {table}",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0002_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='PaperAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('start_equity', models.DecimalField(decimal_places=2, max_digits=18)),
                ('opened_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'paper_account',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='paper_account_is_one_row'), models.CheckConstraint(condition=models.Q(('start_equity__gt', 0)), name='paper_account_starts_with_money')],
            },
        ),
        migrations.CreateModel(
            name='PaperOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client_id', models.UUIDField(help_text='The id that whoever placed it chose.', unique=True)),
                ('symbol', models.CharField(db_collation='C', max_length=16)),
                ('side', models.CharField(choices=[('BUY', 'BUY'), ('SELL', 'SELL')], max_length=4)),
                ('quantity', models.PositiveIntegerField()),
                ('limit_price', models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ('stop_loss', models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ('take_profit', models.DecimalField(decimal_places=6, max_digits=18, null=True)),
                ('good_until', models.DateTimeField(null=True)),
                ('flat_at', models.DateTimeField(null=True)),
                ('placed_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('working', 'Working'), ('filled', 'Filled'), ('cancelled', 'Cancelled')], help_text='Of the entry, or of the closing.', max_length=9)),
                ('reason', models.TextField(blank=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('entered_at', models.DateTimeField(help_text='The time of the quote that filled the entry.', null=True)),
                ('covered', models.PositiveIntegerField(default=0, help_text='Shares that stop and target still wait to close, as of covered_at.')),
                ('covered_at', models.DateTimeField(null=True)),
                ('quotes_until', models.DateTimeField(help_text='When the bar of the fill closes: until then quotes work the exits.', null=True)),
                ('looked_until', models.DateTimeField(help_text='The close of the last bar that worked them.', null=True)),
            ],
            options={
                'db_table': 'paper_orders',
                'ordering': ['-pk'],
                'indexes': [models.Index(condition=models.Q(('state', 'working'), ('covered__gt', 0), _connector='OR'), fields=['id'], name='paper_order_live')],
                'constraints': [models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='paper_order_is_of_something'), models.CheckConstraint(condition=models.Q(models.Q(('covered', 0), ('good_until', None), ('limit_price', None), ('stop_loss', None), ('take_profit', None)), models.Q(('good_until__isnull', False), ('limit_price__gt', 0), ('stop_loss__gt', 0), ('take_profit__gt', 0)), _connector='OR'), name='paper_order_has_all_levels_or_none'), models.CheckConstraint(condition=models.Q(('covered', 0), models.Q(('covered_at__isnull', False), ('entered_at__isnull', False), ('state', 'filled')), _connector='OR'), name='paper_order_covers_what_was_filled'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('state', 'working')), models.Q(models.Q(('state', 'working'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='paper_order_ends_once'), models.CheckConstraint(condition=models.Q(models.Q(('looked_until', None), ('quotes_until', None)), ('looked_until__gte', models.F('quotes_until')), _connector='OR'), name='paper_order_looks_at_bars_after_its_fill')],
            },
        ),
        migrations.CreateModel(
            name='PaperFill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('execution_id', models.CharField(max_length=64, unique=True)),
                ('leg', models.CharField(choices=[('entry', 'Entry'), ('stop', 'Stop'), ('target', 'Target'), ('close', 'Close'), ('flat', 'Flat')], max_length=6)),
                ('symbol', models.CharField(db_collation='C', max_length=16)),
                ('side', models.CharField(choices=[('BUY', 'BUY'), ('SELL', 'SELL')], max_length=4)),
                ('quantity', models.PositiveIntegerField()),
                ('price', models.DecimalField(decimal_places=6, max_digits=18)),
                ('commission', models.DecimalField(decimal_places=4, default=Decimal('0'), max_digits=12)),
                ('executed_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(help_text='When it was found: an outage is caught up afterwards.')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='fills', to='approvals.paperorder')),
            ],
            options={
                'db_table': 'paper_fills',
                'ordering': ['-executed_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('commission__gte', 0), ('price__gt', 0), ('quantity__gt', 0)), name='paper_fill_is_of_something')],
            },
        ),
        kept("paper_fills", "UPDATE OR DELETE"),
        kept("paper_account", "UPDATE OR DELETE"),
        kept("paper_orders", "DELETE"),
    ]
