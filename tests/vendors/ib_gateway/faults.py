"""Connections that break at a chosen step."""

import threading
from dataclasses import dataclass, field
from enum import StrEnum


class Break(StrEnum):
    """When the connection ends: before the request is read, after it was carried out, or within the answer.

    `SILENCE` keeps the connection and answers nothing.
    """

    BEFORE = "before"
    AFTER = "after"
    WITHIN = "within"
    SILENCE = "silence"


@dataclass
class Fault:
    request: str
    how: Break
    skip: int
    times: int


@dataclass
class Faults:
    armed: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, request: str, how: Break = Break.AFTER, *, skip: int = 0, times: int = 1) -> None:
        """Break at the next requests of this name (`placeOrder`, `*`: any), after so many unharmed ones."""
        with self.lock:
            self.armed.append(Fault(request, Break(how), skip, times))

    def heal(self) -> None:
        with self.lock:
            self.armed.clear()

    def take(self, request: str) -> Break | None:
        with self.lock:
            for fault in self.armed:
                if fault.request in (request, "*") and fault.times > 0:
                    return self._spend(fault)
        return None

    @staticmethod
    def _spend(fault: Fault) -> Break | None:
        if fault.skip:
            fault.skip -= 1
            return None
        fault.times -= 1
        return fault.how
