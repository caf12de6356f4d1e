"""What the runner prints: the services' lines, each with the time and who says it."""

import os
import select
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

COLOURS = (36, 33, 32, 35, 34)  # as the terminal has them: cyan, yellow, green, magenta, blue


class Screen:
    """The terminal, pipe or file that we print to. It may vanish at any time, which is no error."""

    def __init__(self, names: Sequence[str]) -> None:
        self.width = max(map(len, names))
        self.colours = dict(zip(names, COLOURS * len(names), strict=False)) if sys.stdout.isatty() else {}
        self.is_gone = False
        self.poll = select.poll()
        with suppress(OSError, ValueError):  # no file: it cannot vanish
            self.poll.register(sys.stdout.fileno(), 0)

    def show(self, name: str, line: str) -> None:
        prefix = f"{time.strftime('%H:%M:%S')} {name:<{self.width}} | "
        if colour := self.colours.get(name):
            prefix = f"\033[0;{colour}m{prefix}\033[0m"
        try:
            sys.stdout.write(f"{prefix}{line}\n")
            sys.stdout.flush()
        except OSError:
            self.vanish()

    def look(self) -> None:
        """Notice that the other end was closed: only a session's first process gets a SIGHUP, and that can be
        make, which then waits for us."""
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in self.poll.poll(0)):
            self.vanish()

    def vanish(self) -> None:
        if not self.is_gone:
            self.is_gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
