"""The runner of `manage.py serve`, with services that are a line of shell or Python."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jaxsite.processes.runner.service import STARTING, Service
from tests.jaxsite.processes import ROOT, eventually, processes_of

pytestmark = pytest.mark.slow

RUN = """
import os, sys, tempfile
from pathlib import Path
from jaxsite.processes.runner.runner import Runner
with tempfile.TemporaryDirectory() as sockets:
    sys.exit(Runner(Path(sys.argv[1]), os.environ, Path(sockets), sys.argv[2:]).run())
"""
READY = f'{sys.executable} -c "from jaxsite.processes.notify import *; notify(READY)"'

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*names: str, **services: str) -> "subprocess.Popen[str]":
        procfile = tmp_path / "Procfile"
        procfile.write_text("".join(f"{name}: {command}\n" for name, command in services.items()))
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        runner = subprocess.Popen(
            [sys.executable, "-c", RUN, procfile, *names],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(runner)
        return runner

    yield start
    for runner in started:
        runner.kill()
        runner.wait()
        assert runner.stdout is not None
        runner.stdout.close()
    for process in processes_of(tmp_path):
        process.kill()


def read_until(runner: "subprocess.Popen[str]", text: str) -> list[str]:
    """The lines up to the first with this text in it."""
    assert runner.stdout is not None
    lines: list[str] = []
    while not lines or text not in lines[-1]:
        lines.append(runner.stdout.readline())
        assert lines[-1], "".join(lines)
    return lines


def test_every_line_says_when_and_by_whom(start: Start) -> None:
    runner = start(web="echo hello; printf unfinished; sleep 60", slow="sleep 60")
    assert read_until(runner, "hello")[-1][8:] == " web    | hello\n"


def test_only_those_that_were_named_are_started(start: Start) -> None:
    runner = start("slow", web="exit 3", slow=f"{READY}; echo hello; exit 4")
    printed = read_until(runner, "slow ended (exit 4) and is started again")
    assert not any("web" in line for line in printed)


def test_a_name_that_is_none_is_refused_with_those_there_are(start: Start) -> None:
    read_until(
        start("lsow", web="exit 3", slow="exit 4"), "No service lsow in Procfile. There are: web, slow"
    )


def test_a_line_without_an_end_is_shown_when_the_service_ends(start: Start) -> None:
    runner = start(web="printf unfinished")
    read_until(runner, "web    | unfinished\n")


def test_what_ends_is_started_again(start: Start) -> None:
    runner = start(web=f"{READY}; echo begins; exit 3", slow="sleep 60")
    printed = read_until(runner, "ended (exit 3) and is started again")
    printed += read_until(runner, "begins")
    read_until(runner, "ended (exit 3) and is started again")
    assert runner.poll() is None


def test_what_never_ran_is_tried_three_times_and_then_all_stops(start: Start, tmp_path: Path) -> None:
    runner = start(web="echo the setting is wrong; exit 4", slow="echo $$ > pid; sleep 60")
    printed = read_until(runner, "web cannot start (exit 4); what it said is above")
    assert sum("the setting is wrong" in line for line in printed) == 3
    assert runner.wait(timeout=60) == 4
    eventually(lambda: not processes_of(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_them_in_order(start: Start, number: signal.Signals, tmp_path: Path) -> None:
    tidy = "trap 'echo tidy; exit 0' TERM; echo on; while true; do sleep 0.1; done"
    runner = start(web=tidy, slow=tidy)
    read_until(runner, "on")
    read_until(runner, "on")
    runner.send_signal(number)
    printed, _ = runner.communicate(timeout=60)
    assert printed.count("tidy") == 2
    assert runner.returncode == 0
    eventually(lambda: not processes_of(tmp_path))


def test_asked_twice_it_stops_at_once(start: Start, tmp_path: Path) -> None:
    runner = start(web="trap '' TERM; echo on; while true; do sleep 0.1; done")
    read_until(runner, "on")
    runner.send_signal(signal.SIGINT)
    read_until(runner, "stopping")
    runner.send_signal(signal.SIGINT)
    assert runner.wait(timeout=60) == 0
    eventually(lambda: not processes_of(tmp_path))


def test_a_closed_pipe_stops_all_of_them(start: Start, tmp_path: Path) -> None:
    runner = start(web="sleep 60")
    read_until(runner, "started")
    assert runner.stdout is not None
    runner.stdout.close()
    assert runner.wait(timeout=60) == 0
    eventually(lambda: not processes_of(tmp_path))


@pytest.mark.long
def test_what_falls_silent_is_killed_and_started_again(start: Start) -> None:
    runner = start(web=f"{READY}; echo begins; sleep 600", slow="echo never says anything; sleep 600")
    read_until(runner, "web gives no sign of life and is killed")
    printed = read_until(runner, "begins")
    assert not any("slow" in line for line in printed)


def test_one_that_hangs_while_it_starts_is_silent_after_a_while(tmp_path: Path) -> None:
    service = Service("web", "exec sleep 600", tmp_path, tmp_path)
    service.start(os.environ, now=1000.0)
    assert service.process is not None
    try:
        assert not service.is_silent(1000.0 + STARTING, patience=30)
        assert service.is_silent(1000.0 + STARTING + 1, patience=30)
    finally:
        service.signal(signal.SIGKILL)
        service.process.wait()
        service.socket.close()
        assert service.process.stdout is not None
        service.process.stdout.close()
