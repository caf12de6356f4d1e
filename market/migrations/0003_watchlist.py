from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

WATCHLIST = {
    "AAPL": "Apple",
    "MSFT": "Microsoft",
    "GOOGL": "Alphabet",
    "AMZN": "Amazon",
    "TSLA": "Tesla",
    "META": "Meta Platforms",
    "NVDA": "NVIDIA",
    "AMD": "Advanced Micro Devices",
    "NFLX": "Netflix",
    "SPY": "SPDR S&P 500 ETF",
}


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    instruments = apps.get_model("market", "Instrument").objects
    for symbol, name in WATCHLIST.items():
        instruments.create(symbol=symbol, name=name)


class Migration(migrations.Migration):
    dependencies = [("market", "0002_storage")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
