"""Processes that end with the one that started them, even when that one is killed with -9 (on Linux)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
ASKED = "END_WITH_PARENT"  # set for the services that a runner starts, and by make for the runner


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process the signal when its parent dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def end_with_parent_if_asked() -> None:
    if os.environ.get(ASKED):
        end_with_parent(signal.SIGTERM)


def treat_hangup_as_terminate() -> None:
    """A closed terminal ends this process as tidily as SIGTERM does (and not at all under nohup)."""
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda signum, frame: os.kill(os.getpid(), signal.SIGTERM))


def forks_end_with_me() -> None:
    """From now on every fork (not a program started by `subprocess`) dies with the process it came from."""
    os.register_at_fork(after_in_child=lambda: end_with_parent(signal.SIGKILL))


def forks_leave_my_group() -> None:
    """From now on a signal to this process's group does not reach its forks: it tells them itself."""
    os.register_at_fork(after_in_child=lambda: os.setpgid(0, 0))


def name_process(name: str) -> None:
    """Show what this process is to `ps` and `top` (its first 15 bytes, on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
