"""Every role may look at the rates of currencies that are needed."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_rates(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_currencypair"])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0025_trades"),
        ("market", "0033_currency_pairs"),
    ]
    operations = [migrations.RunPython(grant_rates, migrations.RunPython.noop)]
