"""What the processes of a queue tell each other: plain shared memory, in which each field has one writer."""

import ctypes
import mmap
import time
from enum import IntEnum

SLOTS = 128
WORKERS_AT_MOST = 100  # fewer than slots: a dead one's slot is free when its task has been settled
INSTANCES = 8192
AWAKE = 0.5  # seconds since its last sign of life that a waiting worker may still be about to ask


class Phase(IntEnum):
    RUN = 0
    STOP = 1  # workers end after their task
    LEAVE = 2  # the workers are gone: the clock settles what they left, and ends


class Stage(IntEnum):
    """How far a worker is with a task. Until BEGUN nothing of it has happened, and it may be queued again."""

    WAITING = 0
    TAKEN = 1
    BEGUN = 2


class Ending(IntEnum):
    """Why a worker ended while it held a task."""

    NONE = 0
    DIED = 1
    OVERDUE = 2
    CUT = 3  # by a stop


class Slot(ctypes.Structure):
    """One worker. Times are those of `time.monotonic`, but for `began` and `finished`, which people read.

    The worker writes what is above `pid`, the main process the rest; once the worker is gone the clock
    settles its task and clears `claim` and `ending`.
    """

    beat: float  # the last sign of life while it waits
    patience: float  # seconds until the next one, at most
    deadline: float  # when its task must have ended; 0: it has none
    claim: int  # names the row that it takes or has taken (claims.py); 0: none
    stage: int
    began: float
    finished: float
    pid: int
    ending: int
    ended: float

    _fields_ = [
        ("beat", ctypes.c_double),
        ("patience", ctypes.c_double),
        ("deadline", ctypes.c_double),
        ("claim", ctypes.c_int64),
        ("stage", ctypes.c_int),
        ("began", ctypes.c_double),
        ("finished", ctypes.c_double),
        ("pid", ctypes.c_int),
        ("ending", ctypes.c_int),
        ("ended", ctypes.c_double),
    ]

    def show_life(self, patience: float) -> None:
        self.beat, self.patience = time.monotonic(), patience

    def is_silent(self, now: float) -> bool:
        return not self.deadline and now - self.beat > self.patience

    def is_overdue(self, now: float) -> bool:
        return 0 < self.deadline < now

    def is_awake(self, now: float) -> bool:
        """Return whether it waits for a task and can be relied on to ask for one."""
        return bool(self.pid) and self.stage == Stage.WAITING and now - self.beat < AWAKE

    def is_free(self) -> bool:
        return not self.pid and not self.ending

    def clear(self, patience: float) -> None:
        """Make it a new worker's. When the last task in it finished stays known."""
        self.claim, self.stage, self.deadline, self.began = 0, Stage.WAITING, 0.0, 0.0
        self.show_life(patience)


class Shared(ctypes.Structure):
    """The memory. The main process writes `phase` and, at the start, `instance`; the clock the others."""

    phase: int
    instance: int  # tells this cluster's claims from those of others of its name
    clock_beat: float
    clock_patience: float
    slots: "ctypes.Array[Slot]"

    _fields_ = [
        ("phase", ctypes.c_int),
        ("instance", ctypes.c_int),
        ("clock_beat", ctypes.c_double),
        ("clock_patience", ctypes.c_double),
        ("slots", Slot * SLOTS),
    ]

    @classmethod
    def create(cls, instance: int) -> "Shared":
        """Return memory that this process and its forks share."""
        shared = cls.from_buffer(mmap.mmap(-1, ctypes.sizeof(cls)))
        shared.instance = instance
        return shared

    def is_turn_of(self, index: int, now: float) -> bool:
        """Return whether this worker asks the database for all that wait: no other before it is awake."""
        return not any(self.slots[other].is_awake(now) for other in range(index))

    def claims(self) -> set[int]:
        return {slot.claim for slot in self.slots}
