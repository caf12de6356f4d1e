"""Every role may look at earnings dates; operators record and withdraw them."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_earnings(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_earningsdate"])
    grant(apps, OPERATOR, ["market.add_earningsdate", "market.change_earningsdate"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0021_symbol_changes"),
        ("market", "0029_earnings_dates"),
    ]
    operations = [migrations.RunPython(grant_earnings, migrations.RunPython.noop)]
