"""Every role may look at the CSV files that were loaded."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_views(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_candleimport"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0007_view_quarantined_rows"),
        ("market", "0004_candle_imports"),
    ]
    operations = [migrations.RunPython(grant_views, migrations.RunPython.noop)]
