"""Legs of orders on paper are moved: where they stood is kept. Exits may stand alone, closings beside them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0048_protections'),
    ]

    operations = [
        migrations.CreateModel(
            name='PaperChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('change_id', models.UUIDField(help_text='The id that whoever asked for it chose: it is made once.')),
                ('leg', models.CharField(choices=[('entry', 'entry'), ('stop', 'stop'), ('target', 'target')], max_length=6)),
                ('level', models.DecimalField(decimal_places=6, help_text='On the share basis of that instant.', max_digits=18, null=True)),
                ('quantity', models.PositiveIntegerField(help_text='What the leg asks for. Empty: as before.', null=True)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'paper_changes',
                'ordering': ['pk'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='paperorder',
            name='paper_order_has_all_levels_or_none',
        ),
        migrations.RemoveConstraint(
            model_name='paperorder',
            name='paper_order_covers_what_was_filled',
        ),
        migrations.AddField(
            model_name='paperorder',
            name='guards',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list, help_text='The ids of the orders whose exits stay beside a closing.'),
        ),
        migrations.AddConstraint(
            model_name='paperorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('covered', 0), ('good_until', None), ('limit_price', None), ('stop_loss', None), ('take_profit', None)), models.Q(('good_until__isnull', False), ('limit_price__gt', 0), ('limit_price__isnull', False), ('settlement_price', None), ('stop_loss__gt', 0), ('stop_loss__isnull', False), ('take_profit__gt', 0), ('take_profit__isnull', False)), models.Q(models.Q(('stop_loss__isnull', False), ('take_profit__isnull', False), _connector='OR'), models.Q(('stop_loss', None), ('stop_loss__gt', 0), _connector='OR'), models.Q(('take_profit', None), ('take_profit__gt', 0), _connector='OR'), ('flat_at', None), ('good_until', None), ('limit_price', None), ('settlement_price', None)), _connector='OR'), name='paper_order_has_the_levels_of_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='paperorder',
            constraint=models.CheckConstraint(condition=models.Q(('covered', 0), models.Q(('covered_at__isnull', False), ('entered_at__isnull', False), ('filled__gt', 0)), models.Q(('covered_at__isnull', False), ('limit_price', None)), _connector='OR'), name='paper_order_covers_what_was_filled'),
        ),
        migrations.AddField(
            model_name='paperchange',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='approvals.paperorder'),
        ),
        migrations.AddConstraint(
            model_name='paperchange',
            constraint=models.UniqueConstraint(fields=('order', 'change_id'), name='paper_change_is_made_once'),
        ),
        migrations.AddConstraint(
            model_name='paperchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('level__isnull', False), ('quantity__isnull', False), _connector='OR'), models.Q(('level', None), ('level__gt', 0), _connector='OR'), models.Q(('quantity', None), ('quantity__gt', 0), _connector='OR')), name='paper_change_is_of_something'),
        ),
        migrations.RunSQL(
            "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON paper_changes "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER refuse_change ON paper_changes",
        ),
    ]
