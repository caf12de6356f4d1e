"""Lots that people name when they close. No row is edited or deleted."""

import django.db.models.deletion
from django.db import migrations, models

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_views(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["approvals.view_namedlot"])


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0049_paper_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='NamedLot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('shares', models.PositiveIntegerField(help_text='How many of them, in shares of the closing.')),
                ('opened', models.ForeignKey(help_text='What brought the shares.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.fill')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='named_lots', to='approvals.order')),
            ],
            options={
                'db_table': 'named_lots',
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('order', 'opened'), name='lot_is_named_once'), models.CheckConstraint(condition=models.Q(('shares__gt', 0)), name='lot_is_of_something')],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON named_lots "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER refuse_change ON named_lots",
        ),
        migrations.RunPython(grant_views, migrations.RunPython.noop),
    ]
