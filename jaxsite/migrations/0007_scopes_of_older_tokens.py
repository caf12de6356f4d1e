"""Tokens of before there were scopes go on doing all that their users may."""

from django.db import migrations


def keep(apps, schema_editor):
    access = apps.get_model("jaxsite", "TokenAccess")
    tokens = apps.get_model("knox", "AuthToken").objects.filter(access=None)
    note = "made before tokens had scopes"
    access.objects.bulk_create(access(token=token, scope="operate", note=note) for token in tokens)


class Migration(migrations.Migration):
    dependencies = [("jaxsite", "0006_token_access")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
