"""Every role may look at what providers changed of instruments."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_views(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_detailchange"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0019_edit_watchlists"),
        ("market", "0025_detail_changes"),
    ]
    operations = [migrations.RunPython(grant_views, migrations.RunPython.noop)]
