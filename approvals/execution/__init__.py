"""The only room that talks to a broker: it sends orders, asks what became of them and writes that down."""

from datetime import datetime
from uuid import UUID


def submit(pk: UUID, at: datetime) -> None:
    """Send an order that is about to be sent. One that is not any more stays as it is."""
    raise NotImplementedError


def cancel(pk: UUID, at: datetime) -> None:
    """Ask the broker to cancel whatever of an order still works."""
    raise NotImplementedError


def reconcile(at: datetime) -> None:
    """Make our rows say what the broker says, and move on what waits."""
    raise NotImplementedError
