from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("market", "0007_fault_names")]

    operations = [
        migrations.AlterField(
            model_name="candle",
            name="volume",
            field=models.BigIntegerField(help_text="Empty: its source gave none.", null=True),
        ),
    ]
