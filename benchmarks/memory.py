"""What a worker's process weighs after many cycles, with everything loaded that a worker ever loads."""

import json
import subprocess
import sys

from django.conf import settings
from django.db import connection

from benchmarks.cycles import AT, watched
from benchmarks.measure import Result
from benchmarks.tables import instruments

LARGEST = 130.0  # MB
SYMBOLS = 10
SETTLED = 20  # cycles until everything is loaded and every buffer has its size

# A process of its own: this one carries what the other benchmarks left behind.
WORKER = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from datetime import datetime, timedelta
from django.conf import settings
from django.db import connection
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
import psutil
# TA-Lib looks for pandas and polars, and would load them.
sys.modules["pandas"] = sys.modules["polars"] = None
import talib
from market import tasks
from market.ingestion.cycle import ingest_candles, ingest_quotes
at, weights = datetime.fromisoformat(sys.argv[4]), []
for cycle in range(int(sys.argv[2])):
    run = ingest_quotes(at)
    assert run.stored == run.asked == int(sys.argv[3]), run.failures
    ingest_candles(at)
    at += timedelta(minutes=1)
    weights.append(psutil.Process().memory_info().rss / 2**20)
print(json.dumps(weights))
"""


def worker(cycles: int) -> list[Result]:
    """Resident size after `cycles` minutes of quotes and candles, against that after the first few."""
    name = str(connection.settings_dict["NAME"])
    symbols = instruments(SYMBOLS)
    command = [sys.executable, "-c", WORKER, name, str(cycles), str(SYMBOLS), AT.isoformat()]
    with watched(symbols):
        connection.close()
        printed = subprocess.run(
            command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        ).stdout
    weights: list[float] = json.loads(printed)
    note = f"{cycles} cycles"
    return [
        Result("memory.worker growth", weights[-1], weights[min(SETTLED, cycles) - 1], 1.05, "MB", note),
        Result("memory.worker", max(weights), LARGEST, 1.0, "MB", note),
    ]
