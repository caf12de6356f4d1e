"""Every role may look at dividends that wait for a rate; operators give one."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant


def grant_waiting(apps, schema_editor):
    for role in (VIEWER, TRADER, OPERATOR):
        grant(apps, role, ["approvals.view_waitingdividend"])
    grant(apps, OPERATOR, ["approvals.change_waitingdividend"])


class Migration(migrations.Migration):
    dependencies = [("approvals", "0028_dividends_in_other_currencies")]
    operations = [migrations.RunPython(grant_waiting, migrations.RunPython.noop)]
