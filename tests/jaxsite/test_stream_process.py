"""`manage.py stream` as a process."""

import os
import signal
import subprocess
import sys

import pytest

from tests.jaxsite.processes import ROOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"STREAMING": "off"}, "STREAMING is off"),
        ({"DATA": "real"}, "no provider that is set up has a stream"),
    ],
)
def test_without_a_stream_it_waits_and_needs_no_database(given: dict[str, str], why: str) -> None:
    with subprocess.Popen(
        [sys.executable, "manage.py", "stream"],
        cwd=ROOT,
        env=environment(ROOT / os.devnull) | given,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert f"Nothing is streamed: {why}. Quotes come by the poll." in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
