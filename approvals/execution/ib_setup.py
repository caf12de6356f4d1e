"""The walk through the gateway's settings as it is here: for a page, and for the doctor."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from approvals.brokers.ib import walkthrough
from approvals.brokers.ib.walkthrough import Health, Setup, State, Step
from core.http import Client, Patience, Request
from market.doctor.findings import Finding
from market.providers.ib_bridge import SPEC

# A page waits for it.
PATIENCE = Patience(connect=1.0, read=2.0, answer=2.5, fetch=3.0)


def configured() -> Setup:
    values = SPEC.values(settings)
    return Setup(
        gateway=values["IB_GATEWAY"] or None,
        bridge_url=values["IB_BRIDGE_URL"],
        client_id=values["IB_CLIENT_ID"],
        live_account=settings.LIVE_TRADING,
        broker=settings.BROKER,
    )


def is_switched_on() -> bool:
    return walkthrough.is_switched_on(configured())


def steps() -> list[Step]:
    """Return the steps with what is seen now: the bridge is asked how it stands."""
    setup, health, trouble = configured(), None, ""
    if setup.bridge_url:
        health, trouble = _health(setup.bridge_url, SPEC.values(settings)["IB_BRIDGE_TOKEN"])
    return walkthrough.steps(setup, health, trouble)


def findings(at: datetime) -> Iterator[Finding]:
    """Yield the steps that are done or to do, once Interactive Brokers is switched on."""
    if not is_switched_on():
        return
    for step in steps():
        if step.state in (State.DONE, State.TODO):
            yield Finding(f"IB: {step.title}", step.seen, step.click if step.state is State.TODO else "")


def _health(url: str, token: str) -> tuple[Health | None, str]:
    """Return what the bridge says of itself, else why it does not."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = Client("IB Bridge", url.rstrip("/"), headers=headers, connections=1, patience=PATIENCE)
    fetched = client.fetch({"": Request("/health")}, attempts=1)
    if "" in fetched.answers:
        return fetched.answers[""].body, ""
    return None, str(fetched.failed.get("", "no answer"))
