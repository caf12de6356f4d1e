"""Every role may look at corporate actions; operators record and withdraw them."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_actions(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_corporateaction"])
    grant(apps, OPERATOR, ["market.add_corporateaction", "market.change_corporateaction"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0016_review_data"),
        ("market", "0021_corporate_actions"),
    ]
    operations = [migrations.RunPython(grant_actions, migrations.RunPython.noop)]
