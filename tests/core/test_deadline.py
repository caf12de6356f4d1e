"""Waiting, but not longer than is said."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from core.deadline import within


async def at_once() -> str:
    return "here"


def test_what_comes_in_time_is_given() -> None:
    assert within(5, at_once) == "here"


def test_what_is_raised_is_raised() -> None:
    async def wrong() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        within(5, wrong)


@pytest.mark.parametrize("seconds", [0.1, 0, -3])
def test_what_waits_is_broken_off(seconds: float) -> None:
    hung_up = threading.Event()

    async def waits() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            hung_up.set()

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        within(seconds, waits)
    assert time.monotonic() - began < 2
    assert seconds <= 0 or hung_up.wait(2)


def test_what_cannot_be_broken_off_is_left_behind() -> None:
    release = threading.Event()

    async def holds() -> None:
        release.wait(30)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.1, holds)
    assert time.monotonic() - began < 2
    release.set()


def test_what_is_left_behind_does_not_hold_the_end_of_the_process() -> None:
    code = """
import contextlib, time
from core.deadline import within
async def holds(): time.sleep(30)
with contextlib.suppress(TimeoutError): within(0.1, holds)
"""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": "."})
    assert time.monotonic() - began < 15
