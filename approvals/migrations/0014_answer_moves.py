"""Every role may look at moves that nothing explains; operators answer what they were."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_moves(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_unexplainedmove"])
    grant(apps, OPERATOR, ["market.change_unexplainedmove"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0013_symbol_failed"),
        ("market", "0011_unexplained_moves"),
    ]
    operations = [migrations.RunPython(grant_moves, migrations.RunPython.noop)]
