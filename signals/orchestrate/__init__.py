"""A signal, or an instrument, to an analyst: asked for, worked through, checked, recorded.

Rows are the queue: the strongest waits first. A worker takes one of a few slots (an advisory lock each, so a
dead worker gives its slot back), claims runs, stores the snapshot, asks, checks the answer against the
snapshot and records it. Nothing here can approve, order or change anything else: it reads, asks and writes
its own rows, and tells the signal which opinion is the newest.
"""

from signals.orchestrate.asking import (
    DIED,
    ENDED,
    LONGEST_CONTEXT,
    NotOpen,
    cancel,
    request,
    request_all,
    start,
    sweep,
)
from signals.orchestrate.working import work

__all__ = [
    "DIED",
    "ENDED",
    "LONGEST_CONTEXT",
    "NotOpen",
    "cancel",
    "request",
    "request_all",
    "start",
    "sweep",
    "work",
]
