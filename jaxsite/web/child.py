"""A child of the main process: forked, watched, ended."""

import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from ctypes import c_double, sizeof
from mmap import mmap
from types import FrameType
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

START_SECONDS = 120.0  # until it first answers, on a machine that is busy
SILENT_SECONDS = 45.0  # longer than a connection waits for a database that recovers
NEVER = -math.inf

Report = Callable[[], None]  # that a request could be answered now


class Child:
    """A process that serves, and the memory it shares with its parent: when it could last answer."""

    def __init__(self, serve: Callable[[Report], None]) -> None:
        self.serve = serve
        self.pid = 0  # none
        self.started = 0.0
        self.answered = c_double.from_buffer(mmap(-1, sizeof(c_double)))
        self.answered.value = NEVER

    def start(self) -> None:
        self.answered.value = NEVER
        self.started = time.monotonic()
        sys.stdout.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            self._run(parent)

    def _run(self, parent: int) -> NoReturn:
        """Serve, and never return into the parent's code."""
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it again once all requests are finished
            if os.getppid() == parent:  # it may have died before this process could ask to die with it
                self.serve(self._report)
            code = 0
        except SystemExit:
            code = 0
        except ImproperlyConfigured as reason:
            sys.stderr.write(f"{reason}\n")
        except BaseException:  # noqa: BLE001  there is no one above to print it
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _report(self) -> None:
        self.answered.value = time.monotonic()

    def answers(self, at: float) -> bool:
        return at - self.answered.value <= SILENT_SECONDS

    def is_silent(self, at: float) -> bool:
        """Return whether it has not answered for so long that it must be replaced."""
        if self.answered.value == NEVER:
            return at - self.started > START_SECONDS
        return not self.answers(at)

    def has_ended(self) -> bool:
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid, self.answered.value = 0, NEVER
        return not self.pid

    def send(self, number: signal.Signals) -> None:
        if not self.has_ended():
            os.kill(self.pid, number)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit()
