"""What the doctor says of the gateway's settings, once Interactive Brokers is switched on."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from approvals.brokers.ib import setup
from approvals.brokers.ib.walkthrough import State
from market.doctor.findings import Finding


def findings(at: datetime) -> Iterator[Finding]:
    """Yield the steps that are done or to do."""
    if not setup.is_switched_on(settings):
        return
    for step in setup.steps(settings):
        if step.state in (State.DONE, State.TODO):
            yield Finding(f"IB: {step.title}", step.seen, step.click if step.state is State.TODO else "")
