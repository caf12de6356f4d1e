"""A long CSV file into candles, in a process of its own: how long that takes, and what it weighs at most."""

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import connection

from benchmarks.candles import walks
from benchmarks.measure import Result, seconds
from benchmarks.tables import execute
from market.models import Instrument
from market.prices import Bars, Timeframe

LARGEST = 400.0  # MB
AT = datetime(2030, 1, 1, tzinfo=UTC)

LOADER = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from datetime import datetime
from time import perf_counter
from django.conf import settings
from django.db import connection
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.DATA_KIND = "real"
from market.imports.candles import import_candles
from market.prices import Timeframe
begun = perf_counter()
with open(sys.argv[2], "rb") as file:
    result = import_candles(file, "AAPL", Timeframe.M1, None, {}, datetime.fromisoformat(sys.argv[3]))
took = perf_counter() - begun
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([result.written.new, took, int(status["VmHWM"].split()[0]) / 2**10]))
"""


def load(size: int) -> list[Result]:
    """`size` minutes of one symbol, against reading the same cells with Python alone."""
    execute("TRUNCATE candles, candle_imports")
    Instrument.objects.update_or_create(pk="AAPL", defaults={"calendar": "24/7"})
    with TemporaryDirectory() as folder:
        file = Path(folder, "AAPL_1m.csv")
        _write(walks(["AAPL"], size, Timeframe.M1)["AAPL"], file)
        raw = seconds(lambda: _read(file))
        connection.close()
        name = str(connection.settings_dict["NAME"])
        printed = subprocess.run(
            [sys.executable, "-c", LOADER, name, str(file), AT.isoformat()],
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    new, took, weight = json.loads(printed)
    if new != size:
        raise AssertionError(f"{new} of {size} bars were loaded.")
    execute("TRUNCATE candles, candle_imports")
    note = f"{size / took:,.0f} rows/s"
    return [
        Result("imports.load", took, raw, 12.0, note=note),
        Result("imports.load memory", weight, LARGEST, 1.0, "MB", f"{size:,} rows"),
    ]


def _write(bars: Bars, file: Path) -> None:
    columns = (bars.opened_at.astype(str), bars.open, bars.high, bars.low, bars.close, bars.volume)
    with file.open("w", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(["time", "open", "high", "low", "close", "volume"])
        for stamp, *values in zip(*(column.tolist() for column in columns), strict=True):
            rows.writerow([f"{stamp[:19]}Z", *(f"{value:.4f}" for value in values)])


def _read(file: Path) -> None:
    with file.open(newline="") as text:
        rows = csv.reader(text)
        next(rows)
        for stamp, *values in rows:
            datetime.fromisoformat(stamp)
            list(map(float, values))
