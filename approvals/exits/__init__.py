"""People manage what is held: they get out, and move, trail or end the stops and targets that work."""

from approvals.execution.protect import Guard
from approvals.exits.leaving import ExitRefused, cancel, close, drop, shares_to_close
from approvals.exits.levels import (
    Changed,
    Managed,
    Trail,
    Wanted,
    break_even,
    move,
    offers,
    seen_as,
    stop_trailing,
    trail,
)
from approvals.exits.protecting import Bare, bare, put_back

__all__ = [
    "Bare",
    "Changed",
    "ExitRefused",
    "Guard",
    "Managed",
    "Trail",
    "Wanted",
    "bare",
    "break_even",
    "cancel",
    "close",
    "drop",
    "move",
    "offers",
    "put_back",
    "seen_as",
    "shares_to_close",
    "stop_trailing",
    "trail",
]
