"""Runs in real processes: one is killed while its model says nothing, one overruns, two share a budget."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import vendors
from tests.jaxsite.processes import ROOT, environment, eventually, folder, manage_with
from tests.vendors import faults
from tests.vendors.server import Turn

pytestmark = [pytest.mark.slow, pytest.mark.long]

PATIENCE = 60
BUDGET_USD = 0.05
BEGIN = """
import json, sys
from datetime import timedelta
from decimal import Decimal
from approvals import decisions
from opinions import budget, queue, runs
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make
Trigger = OrchestrationRun.Trigger
"""
MARKET = """
make.only("AAPL", "MSFT")
make.july_2024()
make.rising("AAPL")
make.quote("AAPL", 185.60, make.T0 - timedelta(seconds=1))
"""
FORGET = """
OrchestrationRun.objects.all().delete()
Signal.objects.all().delete()
"""
ASK = """
signal = make.signal()
run, _ = queue.request("AAPL", make.T0, trigger=Trigger.SIGNAL, signal=signal)
print(json.dumps(decisions.etag_of(signal, make.T0)))
"""
ASK_ABOUT_ANOTHER = """
queue.request("MSFT", make.T0, trigger=Trigger.SCHEDULED)
print("true")
"""
ASK_MANY = """
for number in range(8):
    signal = make.signal(strategy_id=f"strategy_{number}")
    queue.request("AAPL", make.T0, trigger=Trigger.SIGNAL, signal=signal)
print("true")
"""
WORK = """
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
runs.work(make.T0, list)
"""
SWEEP = """
print(queue.sweep(make.T0 + timedelta(seconds={seconds}))["failed"])
"""
FOUND = """
runs = {run.symbol: [run.status, run.agent_suggestion, run.inputs is not None, run.error]
        for run in OrchestrationRun.objects.all()}
signal = Signal.objects.get()
etag = decisions.etag_of(signal, make.T0)
print(json.dumps({"runs": runs, "etag": etag, "has_opinion": signal.runs.newest().exists()}))
"""
SPENT = """
runs = OrchestrationRun.objects.values_list("status", "error", "cost_usd")
spent = str(budget.spent(make.T0)[1])
print(json.dumps({"runs": [[status, error, str(cost)] for status, error, cost in runs], "spent": spent}))
"""


class Site:
    """An installation of its own, whose model is on loopback."""

    def __init__(self, var: Path, model: vendors.OpenAI) -> None:
        self.model = model
        self.environment = environment(var) | {
            "DJANGO_SETTINGS_MODULE": "jaxsite.settings",
            "ANALYST": "llm",
            "LLM_BASE_URL": f"{model.url}/v1",
            "LLM_MODEL": "honest",
            "LLM_INPUT_PRICE": "1",
            "LLM_OUTPUT_PRICE": "1",
            "LLM_DAILY_BUDGET_USD": str(BUDGET_USD),
            "ANALYST_TIMEOUT_SECONDS": str(PATIENCE),
            "ORCHESTRATION_CONCURRENCY": "1",
        }

    def shell(self, program: str) -> Any:
        printed = manage_with(self.environment, "shell", "--no-imports", "-c", BEGIN + program)
        return json.loads(printed.splitlines()[-1]) if printed else None

    def sweep(self, after: timedelta) -> int:
        """How many are given up so long after they were begun."""
        failed: int = self.shell(SWEEP.format(seconds=after.total_seconds()))
        return failed

    @contextmanager
    def worker(self, **settings: str) -> Iterator["subprocess.Popen[str]"]:
        """A process that begins to work when it is told to."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", BEGIN + WORK],
            cwd=ROOT,
            env=self.environment | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
            process.communicate()


def tell(worker: "subprocess.Popen[str]") -> None:
    assert worker.stdin
    worker.stdin.write("begin\n")
    worker.stdin.flush()


@pytest.fixture(scope="module")
def installed(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as path, vendors.OpenAI() as model:
        install(path)
        site = Site(path, model)
        site.shell(MARKET)
        yield site


@pytest.fixture
def site(installed: Site) -> Site:
    installed.shell(FORGET)
    installed.model.heal()
    installed.model.visits.clear()
    return installed


def test_a_run_whose_worker_is_killed_gives_its_slot_back_at_once_and_fails_after_its_deadline(
    site: Site,
) -> None:
    site.model.fail(faults.never, times=1)
    etag = site.shell(ASK)
    with site.worker(ANALYST_TIMEOUT_SECONDS="900") as killed, site.worker() as other:
        tell(killed)
        eventually(lambda: len(site.model.visits) == 1)
        killed.kill()
        killed.communicate()
        site.shell(ASK_ABOUT_ANOTHER)
        tell(other)  # there is one slot only
        assert other.wait(60) == 0
    state = site.shell(FOUND)
    assert state["runs"]["AAPL"] == ["running", "", True, ""]
    assert state["runs"]["MSFT"] == ["completed", "HOLD", True, ""]
    assert [site.sweep(timedelta(seconds=959)), site.sweep(timedelta(seconds=970))] == [0, 1]
    assert site.sweep(timedelta(hours=1)) == 0
    state = site.shell(FOUND)
    assert state["runs"]["AAPL"][:2] == ["failed", ""]
    assert "died" in state["runs"]["AAPL"][3]
    assert (state["etag"], state["has_opinion"]) == (etag, False)
    assert len(site.model.visits) == 2  # one for each run


def test_what_a_worker_brings_after_its_run_was_given_up_is_not_recorded(site: Site) -> None:
    has_asked, go_on = threading.Event(), threading.Event()

    def late(turn: Turn) -> None:
        has_asked.set()
        go_on.wait(60)
        turn.send(turn.reply())

    site.model.fail(late, times=1)
    etag = site.shell(ASK)
    with site.worker(ANALYST_TIMEOUT_SECONDS="600") as worker:
        tell(worker)
        assert has_asked.wait(60)
        assert site.sweep(timedelta(hours=1)) == 1
        go_on.set()
        assert worker.wait(60) == 0
    state = site.shell(FOUND)
    assert state["runs"]["AAPL"][:2] == ["failed", ""]
    assert (state["etag"], state["has_opinion"]) == (etag, False)


def test_workers_at_once_never_pass_the_budget_of_the_day(site: Site) -> None:
    """There is room for two questions and a half: two workers wait for an answer, the third is refused."""
    site.model.fail(faults.never)
    site.shell(ASK_MANY)
    patient = {"ORCHESTRATION_CONCURRENCY": "3", "ANALYST_TIMEOUT_SECONDS": "600"}
    with ExitStack() as stack:
        workers = [stack.enter_context(site.worker(**patient)) for _ in range(3)]
        for worker in workers:
            tell(worker)
        eventually(lambda: [worker.poll() for worker in workers].count(0) == 1)
        state = site.shell(SPENT)
    reserved = [float(cost) for status, _, cost in state["runs"] if status == "running"]
    refused = [error for status, error, _ in state["runs"] if status == "failed"]
    assert (len(site.model.visits), len(reserved), len(refused)) == (2, 2, 6)
    assert BUDGET_USD - min(reserved) < float(state["spent"]) <= BUDGET_USD
    assert all("LLM_DAILY_BUDGET_USD" in error for error in refused)
