"""Where the account holds other shares than our orders made; who may look and answer. No row is deleted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from approvals.roles import OPERATOR, TRADER, VIEWER, grant, grant_alike


def grant_drifts(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["approvals.view_drift"])
    grant_alike(apps, "approvals.change_drift", "approvals.change_order")


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0035_broker_streams'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Drift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbol', models.CharField(db_collation='C', max_length=16)),
                ('broker', models.CharField(max_length=20)),
                ('ours', models.IntegerField(help_text='The shares that our orders made; negative when short.')),
                ('held', models.IntegerField(help_text='The shares that the account holds.')),
                ('cause', models.CharField(choices=[('sold', 'sold at the broker'), ('bought', 'bought at the broker'), ('split', 'as by a share split'), ('renamed', 'as by a change of symbol'), ('unknown', 'nothing explains it')], max_length=7)),
                ('detail', models.TextField(blank=True, help_text='What it looks like, and what to do.')),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, help_text='Empty while it is open.', null=True)),
                ('answer', models.CharField(blank=True, choices=[('adopted', 'closed at what it was sold at'), ('assigned', 'closed at the price of an assignment or delivery'), ('written off', 'closed without proceeds'), ('not ours', "shares of the account's owner: they are left alone")], help_text='Empty once over: the account agreed again.', max_length=11)),
                ('price', models.DecimalField(blank=True, decimal_places=6, help_text='What the missing shares made.', max_digits=18, null=True)),
                ('why', models.CharField(blank=True, max_length=500)),
                ('exits_end', models.BooleanField(default=False, help_text='Stops and targets of what is gone still have to be ended at the broker.')),
                ('answered_by', models.ForeignKey(blank=True, help_text="Empty: the broker's executions answered it.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'drift of a position',
                'verbose_name_plural': 'drifts of positions',
                'db_table': 'drifts',
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('broker', 'symbol'), name='drift_is_open_once'), models.CheckConstraint(condition=models.Q(('answer__in', ['', 'adopted', 'assigned', 'written off', 'not ours'])), name='drift_answer_is_known'), models.CheckConstraint(condition=models.Q(('answer', ''), ('ended_at__isnull', False), _connector='OR'), name='drift_is_answered_at_an_end')],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER refuse_change BEFORE DELETE ON drifts "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER refuse_change ON drifts",
        ),
        migrations.RunPython(grant_drifts, migrations.RunPython.noop),
    ]
