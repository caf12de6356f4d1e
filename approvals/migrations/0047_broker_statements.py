"""Statements of brokers, what differs from them, and how fetching does. No such row is deleted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from approvals.roles import OPERATOR, TRADER, VIEWER, grant, grant_alike


def grant_statements(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["approvals.view_brokerstatement", "approvals.view_statementdifference"])
    grant_alike(apps, "approvals.change_statementdifference", "approvals.change_order")
    grant_alike(apps, "approvals.add_brokerstatement", "approvals.change_order")


def guarded(table, when):
    return migrations.RunSQL(
        f"CREATE TRIGGER refuse_change BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"DROP TRIGGER refuse_change ON {table}",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0046_unknown_commissions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StatementBase',
            fields=[
                ('broker', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('account_id', models.CharField(blank=True, max_length=64)),
                ('at', models.DateTimeField(help_text='The end of the statement that said so.')),
                ('charged_from', models.DateField(help_text='Charges of that day and later are not in it.')),
                ('cash', models.JSONField(help_text='By currency. Empty: no statement with cash so far.', null=True)),
                ('holdings', models.JSONField(help_text='By symbol. Empty: no statement with positions so far.', null=True)),
            ],
            options={
                'db_table': 'statement_bases',
                'default_permissions': (),
            },
        ),
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.CharField(choices=[('signal_waiting', 'a signal waits'), ('signal_expiring', 'a signal is about to expire'), ('order_held', 'an order needs a new look'), ('order_filled', 'an order was filled'), ('order_failed', 'an order failed'), ('halt', 'trading was halted or resumed'), ('gate', 'the gate closed or opened'), ('feed', 'the feed went down or came back'), ('strategy_failed', 'a strategy fails'), ('broker_row', 'a row of the broker does not fit'), ('account', 'a new device, password or factor'), ('log_ins_failed', 'many log-ins failed'), ('symbol_failed', 'a symbol or the like fails, or does no more'), ('day_report', 'the report of a day'), ('statement', "the broker's statement differs, or does not come")], max_length=16),
        ),
        migrations.CreateModel(
            name='BrokerStatement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('broker', models.CharField(max_length=20)),
                ('account_id', models.CharField(blank=True, help_text="The account's number, where told.", max_length=64)),
                ('source', models.CharField(help_text='Where it came from.', max_length=200)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(help_text='What it says was so then.')),
                ('compared_at', models.DateTimeField()),
                ('executions', models.PositiveIntegerField(help_text='Empty: it has no trades.', null=True)),
                ('charges', models.PositiveIntegerField(help_text='Empty: it has no fees and dividends.', null=True)),
                ('holdings', models.JSONField(help_text='Shares at its end, by symbol. Empty: it has none.', null=True)),
                ('cash', models.JSONField(help_text='Money at its end, by currency. Empty: it has none.', null=True)),
                ('agreed', models.PositiveIntegerField(help_text='Executions, symbols and currencies that agree.')),
                ('differing', models.PositiveIntegerField()),
                ('taken_over', models.PositiveIntegerField(help_text='Corrections, commissions and charges taken over.')),
                ('not_compared', models.TextField(blank=True, help_text='What could not be compared, and why.')),
                ('uploaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'broker_statements',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='StatementDifference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('broker', models.CharField(max_length=20)),
                ('kind', models.CharField(choices=[('not here', 'executed, and not in our book'), ('not there', 'in our book, not in the statement'), ('differs', 'an execution with other figures'), ('cancelled', 'taken back by the broker'), ('sum', 'the trades of a day'), ('holding', 'a position'), ('cash', 'Cash'), ('unread', 'a row that could not be read')], max_length=9)),
                ('name', models.CharField(help_text='Execution, day, symbol or currency.', max_length=120)),
                ('ours', models.TextField(blank=True, help_text='What our book has. Empty: nothing.')),
                ('stated', models.TextField(blank=True, help_text='What the statement has. Empty: nothing.')),
                ('detail', models.TextField(help_text='What to do.')),
                ('happened_at', models.DateTimeField(blank=True, help_text="Of an execution. Empty: it is about the statement's end.", null=True)),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, help_text='Empty while it is open.', null=True)),
                ('why', models.CharField(blank=True, help_text='The reason that was given.', max_length=500)),
                ('answered_by', models.ForeignKey(blank=True, help_text='Empty once over: a later comparison agreed.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('statement', models.ForeignKey(help_text='The newest with it.', on_delete=django.db.models.deletion.PROTECT, related_name='differences', to='approvals.brokerstatement')),
            ],
            options={
                'verbose_name': 'difference to the statement',
                'verbose_name_plural': 'differences to the statement',
                'db_table': 'statement_differences',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='StatementFetch',
            fields=[
                ('broker', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('night', models.DateTimeField(help_text='The close of the last day that was compared.', null=True)),
                ('next_at', models.DateTimeField(help_text='Not tried again before.', null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0, help_text='In a row.')),
                ('failing_since', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True, help_text='Why it failed last, and what to do.')),
            ],
            options={
                'db_table': 'statement_fetches',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('failing_since', None), ('failures', 0)), models.Q(('failing_since__isnull', False), ('failures__gt', 0)), _connector='OR'), name='statement_fetch_fails_for_a_reason')],
            },
        ),
        migrations.AddIndex(
            model_name='brokerstatement',
            index=models.Index(fields=['broker', 'until'], name='broker_statement_end'),
        ),
        migrations.AddConstraint(
            model_name='brokerstatement',
            constraint=models.CheckConstraint(condition=models.Q(('until__gte', models.F('since'))), name='broker_statement_ends_later'),
        ),
        migrations.AddConstraint(
            model_name='statementdifference',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('broker', 'kind', 'name'), name='statement_difference_is_open_once'),
        ),
        migrations.AddConstraint(
            model_name='statementdifference',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_by', None), ('why', '')), models.Q(('answered_by__isnull', False), ('ended_at__isnull', False), models.Q(('why', ''), _negated=True)), _connector='OR'), name='statement_difference_is_answered_at_an_end'),
        ),
        guarded("broker_statements", "UPDATE OR DELETE"),
        guarded("statement_differences", "DELETE"),
        migrations.RunPython(grant_statements, migrations.RunPython.noop),
    ]
