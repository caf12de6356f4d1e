from django.db import migrations

# The calendars with a break for lunch are filled in again once they end too soon: with the worker's next cycle.
SHORTEN = """
DELETE FROM trading_sessions
WHERE calendar IN ('XTKS', 'JPX', 'XHKG', 'HKEX', 'XSHG', 'SSE') AND date > CURRENT_DATE + 200 AND NOT closed
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0009_session_breaks")]

    operations = [migrations.RunSQL(SHORTEN, migrations.RunSQL.noop)]
