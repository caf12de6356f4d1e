"""Every role may look at the watchlists; traders and operators edit them."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant

EDITS = ["market.add_watchlist", "market.change_watchlist", "market.delete_watchlist"]


def grant_watchlists(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["market.view_watchlist"])
    for role in (TRADER, OPERATOR):
        grant(apps, role, EDITS)


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0018_paper_dividends"),
        ("market", "0023_watchlists"),
    ]
    operations = [migrations.RunPython(grant_watchlists, migrations.RunPython.noop)]
