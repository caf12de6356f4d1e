"""Notifications to people: stored in the transaction that each is about, and sent from there.

A message is sent at most once to each address. It is tried again only after a definite failure: when it is
not known whether it arrived, that is its state. Addresses hold secrets, so rows, logs and errors name them
by a keyed hash, and of what Apprise says only our own words are kept.
"""

from approvals.notify.delivery import send
from approvals.notify.faults import about_faults
from approvals.notify.hours import QuietHours
from approvals.notify.outbox import prune, put
from approvals.notify.signals import about_signals, about_strategies
from approvals.notify.targets import Target, targets
from approvals.notify.transport import recipients

__all__ = [
    "QuietHours",
    "Target",
    "about_faults",
    "about_signals",
    "about_strategies",
    "prune",
    "put",
    "recipients",
    "send",
    "targets",
]
