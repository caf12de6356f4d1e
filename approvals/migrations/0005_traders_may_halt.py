"""Whoever may trade may also stop all trading; resuming stays with operators."""

from django.db import migrations

from approvals.roles import TRADER, grant


def let_traders_halt(apps, schema_editor):
    grant(apps, TRADER, ["approvals.add_tradinghalt"])


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_strategy_failed")]
    operations = [migrations.RunPython(let_traders_halt, migrations.RunPython.noop)]
