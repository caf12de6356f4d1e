"""The groups that people are put into. Permissions that a group has already are left to it."""

from django.db import migrations

from approvals.roles import OPERATOR, TRADER, VIEWER, grant, views

TRADES = [
    "approvals.add_tradeapproval",
    "approvals.change_order",
    "signals.change_signal",
    "signals.add_scan",
    "signals.add_backtest",
    "opinions.add_orchestrationrun",
    "opinions.change_orchestrationrun",
]
OPERATES = [
    "market.add_instrument",
    "market.change_instrument",
    "market.add_tradingsession",
    "market.change_tradingsession",
    "signals.add_strategyconfig",
    "signals.change_strategyconfig",
    "signals.add_scan",
    "signals.add_backtest",
    "opinions.add_orchestrationrun",
    "opinions.change_orchestrationrun",
    "approvals.add_tradinghalt",
    "approvals.change_tradinghalt",
]


def make_roles(apps, schema_editor):
    grant(apps, VIEWER, views(apps))
    grant(apps, TRADER, [*views(apps), *TRADES])
    grant(apps, OPERATOR, [*views(apps), *OPERATES])


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0002_append_only"),
        ("market", "0003_watchlist"),
        ("opinions", "0001_initial"),
        ("signals", "0002_default_configs"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
