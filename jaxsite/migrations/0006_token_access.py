import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jaxsite', '0005_end_sessions'),
        ('knox', '0009_extend_authtoken_field'),
    ]

    operations = [
        migrations.CreateModel(
            name='TokenAccess',
            fields=[
                ('token', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='access', serialize=False, to='knox.authtoken')),
                ('scope', models.CharField(choices=[('read', 'read'), ('propose', 'propose'), ('decide', 'decide'), ('operate', 'operate')], default='read', max_length=7)),
                ('note', models.CharField(blank=True, max_length=60)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'db_table': 'token_access',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('scope__in', ['read', 'propose', 'decide', 'operate'])), name='token_scope_is_known')],
            },
        ),
    ]
