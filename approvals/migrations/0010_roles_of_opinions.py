from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant

READS = ["signals.view_orchestrationrun", "signals.view_memory"]
ASKS = ["signals.add_orchestrationrun", "signals.change_orchestrationrun"]


def add_to_roles(apps, schema_editor):
    grant(apps, VIEWER, READS)
    grant(apps, TRADER, [*READS, *ASKS])
    grant(apps, OPERATOR, [*READS, *ASKS])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0009_outcome_raced"),
        ("signals", "0003_opinions"),
    ]
    operations = [migrations.RunPython(add_to_roles, migrations.RunPython.noop)]
