from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("market", "0012_quote_doubt")]

    operations = [
        migrations.AddField(
            model_name="candleimport",
            name="said",
            field=models.JSONField(default=dict, help_text="What was said of its columns and times."),
        ),
    ]
