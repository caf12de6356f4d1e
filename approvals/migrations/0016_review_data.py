"""Every role may look at the data that waits for a person; operators decide about it."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant

READ = ["market.view_reviewitem", "market.view_barverdict", "market.view_refusedrow", "market.view_refetch"]


def grant_review(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, READ)
    grant(apps, OPERATOR, ["market.change_reviewitem"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0015_view_disagreements"),
        ("market", "0020_data_to_review"),
    ]
    operations = [migrations.RunPython(grant_review, migrations.RunPython.noop)]
