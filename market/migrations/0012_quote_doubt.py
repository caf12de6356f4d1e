from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('market', '0011_unexplained_moves'),
    ]

    operations = [
        migrations.AddField(
            model_name='quote',
            name='doubt',
            field=models.CharField(blank=True, choices=[('outside_book', 'outside_book'), ('far_from_last', 'far_from_last')], db_default='', default='', max_length=16),
        ),
        migrations.AddField(
            model_name='quote',
            name='doubtful_as_of',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='quote',
            name='doubtful_price',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='quote',
            name='halt',
            field=models.CharField(blank=True, db_default='', default='', help_text='Why trading is halted.', max_length=64),
        ),
        migrations.AddField(
            model_name='quotehistory',
            name='doubt',
            field=models.CharField(blank=True, choices=[('outside_book', 'outside_book'), ('far_from_last', 'far_from_last')], db_default='', default='', max_length=16),
        ),
    ]
