"""The web server's processes: stopped, killed, stuck, too busy."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from jaxsite.models import Beat
from jaxsite.processes.notify import ALIVE, READY, STOPPING
from jaxsite.web.main import CHILDREN
from jaxsite.web.server import THREADS
from tests import make
from tests.jaxsite.processes import ROOT, environment, eventually, free_port
from tests.web import Web, running

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.django_db(transaction=True)]

CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""
DAY = "time,open,high,low,close,volume\n"


@pytest.fixture
def web() -> Iterator[Web]:
    with running() as started:
        yield started


def test_a_request_is_finished_before_a_stop(web: Web) -> None:
    with ThreadPoolExecutor(1) as pool:
        with log_ins_wait():
            answer = pool.submit(log_in, web)
            eventually(lambda: number(WAITING) == 1)
            web.process.terminate()
            eventually(lambda: refuses_connections(web))
            assert web.process.poll() is None
        assert answer.result() == 200
    assert web.process.wait(timeout=30) == 0


def test_a_request_that_never_ends_does_not_keep_it_from_stopping(web: Web) -> None:
    with ThreadPoolExecutor(1) as pool, log_ins_wait():
        answer = pool.submit(log_in, web)
        eventually(lambda: number(WAITING) == 1)
        assert web.stop() == 0
        assert answer.result() in (0, 500)


def test_kill_9_of_the_main_process_leaves_nothing(web: Web) -> None:
    children = web.children()
    assert len(children) == CHILDREN
    web.process.kill()
    web.process.wait()
    eventually(lambda: not any(map(is_alive, children)))


def test_a_child_that_dies_is_replaced(web: Web) -> None:
    first = web.children()
    for child in first:
        child.kill()
    eventually(lambda: len(web.children()) == CHILDREN and not {*first} & {*web.children()})
    eventually(web.answers)
    assert web.stop() == 0


@pytest.mark.long
def test_a_child_that_is_stopped_is_replaced(web: Web) -> None:
    stopped = web.children()[0]
    stopped.suspend()
    # Longer, when it had not answered yet.
    eventually(lambda: stopped not in web.children() and len(web.children()) == CHILDREN, seconds=200)
    eventually(web.answers)
    assert f"A web process ({stopped.pid}) has not answered for long." in web.log_text()


@pytest.mark.long
def test_a_child_without_a_free_thread_is_replaced(web: Web) -> None:
    first = {*web.children()}
    with ThreadPoolExecutor(40) as pool, log_ins_wait():
        for _ in range(40):
            pool.submit(log_in, web)
        eventually(lambda: first - {*web.children()})
    eventually(web.answers)


def test_it_tells_its_supervisor_while_a_child_answers(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(60)
        with running(NOTIFY_SOCKET=str(tmp_path / "notify")) as web:
            assert [supervisor.recv(100) for _ in range(3)] == [READY, ALIVE, ALIVE]
            web.stop()
            messages = [supervisor.recv(100)]
            while messages[-1] != STOPPING:
                messages.append(supervisor.recv(100))
            assert {*messages} <= {ALIVE, STOPPING}


def test_its_row_says_when_it_was_alive_and_that_it_ended_in_order(web: Web) -> None:
    eventually(Beat.objects.filter(service="web", stopped=False, beat_at__isnull=False).exists)
    assert web.stop() == 0
    assert Beat.objects.get(service="web").stopped


def test_it_does_not_begin_with_settings_that_contradict_each_other() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "jaxsite.web"],
        cwd=ROOT,
        env=environment(Path(os.devnull)) | {"PROVIDERS": "no-such-vendor", "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "PROVIDERS names no-such-vendor, which Jax does not know." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_ends_with_the_process_that_started_it_when_asked(tmp_path: Path) -> None:
    starter = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); input()"
    given = {
        "END_WITH_PARENT": "1",
        "PORT": str(free_port()),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    }
    with subprocess.Popen(
        [sys.executable, "-c", starter, sys.executable, "-m", "jaxsite.web"],
        cwd=ROOT,
        env=environment(tmp_path) | given,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        assert "Jax is on" in parent.stdout.readline()
        started = psutil.Process(parent.pid).children(recursive=True)
        assert len(started) == 1 + CHILDREN
        parent.kill()
        eventually(lambda: not any(map(is_alive, started)))


@pytest.mark.parametrize("path", ["/login/", "/health", "/metrics", "/status/"])
def test_connections_to_the_database_are_bounded(web: Web, path: str) -> None:
    most = []
    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(requests.get, f"{web.url}{path}", timeout=60) for _ in range(400)]
        while not all(answer.done() for answer in asked):
            most.append(number(CONNECTIONS))
    assert {answer.result().status_code for answer in asked} == {200}
    assert 1 <= max(most) <= CHILDREN * (THREADS + 2)


def test_its_beat_tells_when_it_last_answered(web: Web) -> None:
    requests.get(f"{web.url}/login/", timeout=60)
    eventually(lambda: Beat.objects.filter(service="web", finished_at__isnull=False).exists())


def test_an_operator_loads_a_file_that_is_larger_than_a_form(web: Web) -> None:
    make.instrument("AAPL", calendar="24/7")
    client = Client()
    client.force_login(User.objects.create_superuser("ann"))
    page = f"{web.url}/admin/market/instrument/AAPL/load/"
    session = requests.Session()
    session.cookies.update({name: morsel.value for name, morsel in client.cookies.items()})
    session.get(page, timeout=60)
    form = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    answer = session.post(page, form, files={"file": ("AAPL.csv", minutes(5000))}, timeout=60)
    assert "An imported file is real data" in answer.text  # it was read, and refused for that
    too_large = session.post(page, form, files={"file": ("AAPL.csv", b"x" * 65 * 2**20)}, timeout=60)
    assert (too_large.status_code, too_large.text) == (413, "The request has more than 65,600 kB.\n")


def minutes(count: int) -> str:
    first = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=count + 5)
    times = (first + timedelta(minutes=n) for n in range(count))
    return DAY + "\n".join(f"{at:%Y-%m-%d %H:%M},100,101,99,100.5,1000" for at in times)


@contextmanager
def log_ins_wait() -> Iterator[None]:
    """Log-ins wait for this test's lock."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('log-in', 0))")
        yield


def log_in(web: Web) -> int:
    """Return the answer's status; 0 without one."""
    session = requests.Session()
    try:
        session.get(f"{web.url}/login/", timeout=60)
        form = {"username": "ann", "password": "wrong", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        return session.post(f"{web.url}/login/", form, timeout=60).status_code
    except requests.RequestException:
        return 0


def refuses_connections(web: Web) -> bool:
    """One that comes when nobody accepts any more, and the socket is still open, gets no answer either."""
    try:
        requests.get(f"{web.url}/health", timeout=2)
    except requests.RequestException:
        return True
    return False


def number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
