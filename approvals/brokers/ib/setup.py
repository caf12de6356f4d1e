"""The walk through the gateway's settings, as they are here and as the bridge says that it stands."""

from approvals.brokers.ib import walkthrough
from approvals.brokers.ib.walkthrough import Health, Setup, Step
from core.http import Client, Patience, Request
from market.providers.ib_bridge import SPEC

# A page waits for it.
PATIENCE = Patience(connect=1.0, read=2.0, answer=2.5, fetch=3.0)


def configured(settings: object) -> Setup:
    values = SPEC.values(settings)
    return Setup(
        gateway=values["IB_GATEWAY"] or None,
        bridge_url=values["IB_BRIDGE_URL"],
        client_id=values["IB_CLIENT_ID"],
        live_account=getattr(settings, "LIVE_TRADING"),  # noqa: B009  of all settings
        broker=getattr(settings, "BROKER"),  # noqa: B009
    )


def is_switched_on(settings: object) -> bool:
    return walkthrough.is_switched_on(configured(settings))


def steps(settings: object) -> list[Step]:
    """Return the steps with what is seen now: the bridge is asked how it stands."""
    setup, health, trouble = configured(settings), None, ""
    if setup.bridge_url:
        health, trouble = _health(setup.bridge_url, SPEC.values(settings)["IB_BRIDGE_TOKEN"])
    return walkthrough.steps(setup, health, trouble)


def _health(url: str, token: str) -> tuple[Health | None, str]:
    """Return what the bridge says of itself, else why it does not."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = Client("IB Bridge", url.rstrip("/"), headers=headers, connections=1, patience=PATIENCE)
    fetched = client.fetch({"": Request("/health")}, attempts=1)
    if "" in fetched.answers:
        return fetched.answers[""].body, ""
    return None, str(fetched.failed.get("", "no answer"))
