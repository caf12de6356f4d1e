"""Every role may look at the rows that do not fit."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_views(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["approvals.view_quarantinedrow"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0006_quarantined_rows"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(grant_views, migrations.RunPython.noop)]
