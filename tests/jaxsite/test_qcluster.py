"""The queue's worker as a real process, with an embedded server of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from jaxsite.embedded_postgres import server
from tests.jaxsite.processes import ROOT, environment, eventually, folder, manage, processes_of

pytestmark = [pytest.mark.slow, pytest.mark.long]

WHOLE = 1 + 1 + 3  # main process, clock, workers
CYCLES = "SELECT count(*) FROM ingestion_runs"


@pytest.fixture(scope="module")
def var(install: Callable[[Path], None]) -> Iterator[Path]:
    with folder() as path:
        install(path)
        yield path


@pytest.fixture
def cluster(var: Path) -> Iterator[psutil.Process]:
    """The main process of a cluster that runs in full, in a group of its own."""
    started = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=ROOT,
        env=environment(var),
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    main = psutil.Process(started.pid)
    eventually(lambda: len(members(main)) == WHOLE)
    yield main
    started.kill()
    started.communicate()


def members(main: psutil.Process) -> list[psutil.Process]:
    return [main, *main.children(recursive=True)]


def sql(var: Path, statement: str) -> list[str]:
    """What the server answers that the cluster runs."""
    psql = [str(server.programs() / "psql"), "--host", str(var / "postgres"), "--username", server.ROLE]
    command = [*psql, "-Atc", statement, "jax_simulated"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_first_cycle_runs_at_once_and_the_schedules_are_written(
    cluster: psutil.Process, var: Path
) -> None:
    eventually(lambda: sql(var, CYCLES) != ["0"])
    assert sql(var, "SELECT name, cluster FROM django_q_schedule ORDER BY name") == [
        "approvals.exchange_rates|",
        "approvals.notify|",
        "approvals.outcomes|slow",
        "approvals.prune|slow",
        "approvals.reconcile|",
        "approvals.remember|slow",
        "approvals.seal|",
        "approvals.statement|slow",
        "jaxsite.prune|slow",
        "market.candles|",
        "market.corporate_actions|slow",
        "market.cross_check|slow",
        "market.give_up_imports|slow",
        "market.ingest|",
        "market.prune|slow",
        "market.refresh_details|slow",
        "market.refresh_sessions|slow",
        "opinions.start|",
        "signals.prune|slow",
        "signals.records|slow",
        "signals.scan|",
        "signals.sweep|",
    ]


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_sigterm_to_the_process_or_its_group_ends_all_of_it_cleanly(
    cluster: psutil.Process, var: Path, send: Callable[[int, int], None]
) -> None:
    everyone = members(cluster)
    send(cluster.pid, signal.SIGTERM)
    assert cluster.wait(timeout=60) == 0
    assert not [process for process in everyone if process.is_running()]
    eventually(lambda: not processes_of(var))


def test_sigterm_to_every_process_at_once_ends_all_of_it_too(cluster: psutil.Process, var: Path) -> None:
    everyone = members(cluster)
    for process in everyone:
        with suppress(psutil.NoSuchProcess):  # the main process may have been quicker
            process.terminate()
    eventually(lambda: not any(is_alive(process) for process in everyone))


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_kill_9_of_the_main_process_leaves_no_worker(cluster: psutil.Process, var: Path) -> None:
    everyone = members(cluster)
    cluster.kill()
    eventually(lambda: not [process for process in everyone[1:] if process.is_running()])
    eventually(lambda: not processes_of(var))


def test_the_slow_cluster_writes_no_schedules(var: Path) -> None:
    manage(var, "dbshell", "--", "-c", "TRUNCATE django_q_schedule, django_q_ormq")
    slow = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=ROOT,
        env=environment(var) | {"Q_CLUSTER_NAME": "slow"},
        stderr=subprocess.PIPE,
        text=True,
    )
    main = psutil.Process(slow.pid)
    try:
        eventually(lambda: len(members(main)) == WHOLE)
        assert sql(var, "SELECT name FROM django_q_schedule") == []
    finally:
        slow.terminate()
        log = slow.communicate()[1]
    assert "Cluster slow takes tasks, workers: 3" in log
