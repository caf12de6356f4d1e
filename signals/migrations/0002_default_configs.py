from decimal import Decimal

from django.db import migrations

STRATEGIES = ("rsi_momentum_v1", "macd_crossover_v1", "ma_crossover_v1")
TIMEFRAMES = {
    "1d": {
        "minimum_confidence": Decimal("0.60"),
        "lifetime_bars": 1,
        "longest_holding_bars": 40,
        "flat_at_close": False,
    },
    "15m": {
        "minimum_confidence": Decimal("0.70"),
        "lifetime_bars": 8,
        "longest_holding_bars": 52,
        "flat_at_close": True,
    },
}


def switch_on(apps, schema_editor):
    configs = apps.get_model("signals", "StrategyConfig").objects
    for strategy in STRATEGIES:
        for timeframe, settings in TIMEFRAMES.items():
            configs.get_or_create(strategy_id=strategy, timeframe=timeframe, defaults=settings)


class Migration(migrations.Migration):
    dependencies = [("signals", "0001_initial")]
    operations = [migrations.RunPython(switch_on, migrations.RunPython.noop)]
