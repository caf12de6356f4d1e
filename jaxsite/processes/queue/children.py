"""Forks of the main process, which never waits for them."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable
from types import FrameType

from jaxsite.processes import process_group

logger = logging.getLogger(__name__)


class Child:
    """A fork that runs a function and ends. Only kill -9 is certain to end it sooner."""

    def __init__(self, name: str, run: Callable[[int], None]) -> None:
        """Start it. `run` is given the main process's id, which changes when that one dies."""
        self.name = name
        self.exit_code: int | None = None
        main = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_run(name, run, main))

    def has_ended(self) -> bool:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None

    def kill(self) -> None:
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)


def _run(name: str, run: Callable[[int], None], main: int) -> int:
    try:
        multiprocessing.current_process().name = name  # what django-q2 calls it in its log
        process_group.name_process(f"jax {name}")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _leave_it_to_main)
        if os.getppid() == main:  # else it died before the kernel was asked to tell
            run(main)
    except BaseException:  # whatever it is, this copy of the main process must not go on as one
        logger.exception("The %s ends", name)
        return 1
    return 0


def _leave_it_to_main(signum: int, frame: FrameType | None) -> None:
    """Ignore a signal that every process was sent: main tells us. (SIG_IGN would pass to programs.)"""
