"""A worker that is killed at a CSV file: nothing of it is loaded, its row says so, an upload is taken up."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jaxsite.embedded_postgres import server
from tests.jaxsite.processes import ROOT, environment, eventually, folder, manage_with

pytestmark = [pytest.mark.slow, pytest.mark.long]

REQUEST = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from market.imports import jobs
from market.models import Instrument
from market.prices import Timeframe
at = timezone.now()
days = [f"{at - timedelta(days=day):%Y-%m-%d},100,102,99,101,1000" for day in range(2, 3_000)]
content = "\\n".join(["date,open,high,low,close,volume", *days]).encode()
Instrument.objects.create(symbol="ZZZ", calendar="24/7", watched=False)
by = User.objects.create_superuser("operator")
jobs.request(content, "ZZZ", Timeframe.D1, None, None, file_name="ZZZ.csv", by=by, at=at)
"""
BLOCKED = "BEGIN; LOCK TABLE candles IN EXCLUSIVE MODE; SELECT pg_sleep(300)"
STATE = "SELECT status, progress, content IS NULL, report FROM candle_imports"


@pytest.fixture(scope="module")
def var(install: Callable[[Path], None]) -> Iterator[Path]:
    with folder() as path:
        install(path)
        yield path


def psql(var: Path, statement: str) -> list[str]:
    program = [str(server.programs() / "psql"), "--host", str(var / "postgres"), "--username", server.ROLE]
    return [*program, "-Atc", statement, "jax"]


def ask(var: Path, statement: str) -> str:
    """Return the answer; nothing while the server starts."""
    return subprocess.run(psql(var, statement), capture_output=True, text=True, check=False).stdout.strip()


UPLOAD = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from market.imports import preparation, uploads
at = timezone.now()
days = [f"{at - timedelta(days=day):%Y-%m-%d},100,102,99,101,1000" for day in range(2, 3_000)]
content = "\\n".join(["date,open,high,low,close,volume", *days]).encode()
kept = uploads.keep(content, "YYY.csv", "YYY", User.objects.create_superuser("uploader"), at)
uploads.say(kept, {"timeframe": "1d"})
preparation.AT_ONCE = 1
preparation.start(kept, "looking", at)
"""
SPLITS_BLOCKED = "BEGIN; LOCK TABLE splits IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)"
UNBLOCK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
UPLOADS = "SELECT doing, attempts, begun_at IS NULL, jsonb_array_length(looks), failure FROM candle_uploads"
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
GIVE_UP = "from market.tasks import give_up_imports; give_up_imports()"


def test_nothing_is_loaded_and_the_row_says_why(var: Path) -> None:
    real = environment(var) | {"DATA": "real", "PROVIDERS": "", "Q_CLUSTER_NAME": "slow"}
    with subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", f"{REQUEST}\ninput()"],
        cwd=ROOT,
        env=real,
        stdin=subprocess.PIPE,
    ) as keeper:  # of the server, too
        eventually(lambda: "queued" in ask(var, STATE))
        with subprocess.Popen(psql(var, BLOCKED)) as other:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=real, start_new_session=True
            )
            eventually(lambda: "Storing 2,998 bars." in ask(var, STATE))
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            other.kill()
        eventually(lambda: ask(var, LOCKS) == "0")
        manage_with(real, "shell", "--no-imports", "-c", GIVE_UP)
        assert ask(var, "SELECT count(*) FROM candles WHERE symbol = 'ZZZ'") == "0"
        assert "killed" in ask(var, STATE)
        assert ask(var, STATE).startswith("failed||t|")
        keeper.communicate(b"\n")


def test_an_upload_is_taken_up_by_the_next_worker(var: Path) -> None:
    real = environment(var) | {"DATA": "real", "PROVIDERS": "", "Q_CLUSTER_NAME": "slow"}
    queue = [sys.executable, "manage.py", "qcluster"]
    with subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", f"{UPLOAD}\ninput()"],
        cwd=ROOT,
        env=real,
        stdin=subprocess.PIPE,
    ) as keeper:  # of the server, too
        eventually(lambda: ask(var, UPLOADS) == "looking|0|t|0|")
        with subprocess.Popen(psql(var, SPLITS_BLOCKED)):
            worker = subprocess.Popen(queue, cwd=ROOT, env=real, start_new_session=True)
            eventually(lambda: ask(var, UPLOADS) == "looking|1|f|0|")
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            ask(var, UNBLOCK)
        eventually(lambda: ask(var, LOCKS) == "0")
        manage_with(real, "shell", "--no-imports", "-c", GIVE_UP)
        assert ask(var, UPLOADS) == "looking|1|t|0|"
        worker = subprocess.Popen(queue, cwd=ROOT, env=real, start_new_session=True)
        eventually(lambda: ask(var, UPLOADS) == "|2|t|1|")
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        keeper.communicate(b"\n")
