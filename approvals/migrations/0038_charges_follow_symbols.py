"""Charges are filed under a new symbol like fills: a change of symbol would otherwise be refused as a whole."""

from django.db import migrations

REPLACE = """
DROP TRIGGER refuse_change ON charges;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON charges
FOR EACH ROW EXECUTE FUNCTION {function}();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0037_broker_tellings")]
    operations = [
        migrations.RunSQL(
            REPLACE.format(function="refuse_change_but_of_symbol"),
            REPLACE.format(function="refuse_change"),
        ),
    ]
