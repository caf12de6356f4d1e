from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0010_notify_of_accounts'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='tradeapproval',
            options={'ordering': ['-approved_at', '-pk'], 'permissions': [('reject_signal', 'Can reject a signal')]},
        ),
    ]
