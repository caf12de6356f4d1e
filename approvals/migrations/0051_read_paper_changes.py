"""Everybody who may look may read how orders on paper were changed."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_views(apps, schema_editor):
    for role in (TRADER, VIEWER, OPERATOR):
        grant(apps, role, ["approvals.view_paperchange"])


class Migration(migrations.Migration):
    dependencies = [("approvals", "0050_named_lots")]
    operations = [migrations.RunPython(grant_views, migrations.RunPython.noop)]
