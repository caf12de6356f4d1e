"""Every role may look at what a second provider says differently."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_views(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_disagreement"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0014_answer_moves"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("market", "0014_disagreements"),
    ]
    operations = [migrations.RunPython(grant_views, migrations.RunPython.noop)]
