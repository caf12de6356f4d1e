"""Whoever may approve may reject, as before the two were apart."""

from django.db import migrations

from approvals.roles import grant_alike


def let_who_approves_reject(apps, schema_editor):
    grant_alike(apps, "approvals.reject_signal", like="approvals.add_tradeapproval")


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0011_reject_signal"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(let_who_approves_reject, migrations.RunPython.noop)]
