"""Our ids at Alpaca, in 128 characters: whose order it is, which of its legs, and which change of it. Pure.

An order is placed as `jax-ID`, an id of ours with a mark: what a person orders on Alpaca's page is named by a
bare UUID, too. Alpaca names the legs of a bracket itself; what replaces one is named by us, as
`jax-ID/LEG/CHANGE`.
"""

from typing import NamedTuple
from uuid import UUID

from approvals.brokers.base import Leg

MARK, REST = "jax-", "rest"


class OwnId(NamedTuple):
    """`leg`: None for the order itself, as it was placed."""

    client_id: UUID
    leg: Leg | None = None
    change: str = ""

    @property
    def is_rest(self) -> bool:
        return self.change.startswith(REST)


def own(client_id: UUID) -> str:
    return f"{MARK}{client_id}"


def changed(client_id: UUID, leg: Leg, change: object) -> str:
    """Return the id of what replaces a leg, or of a further part of a closing."""
    return f"{MARK}{client_id}/{leg}/{change}"


def rest(client_id: UUID, number: int) -> str:
    """Return the id of a pair of exits that takes the place of those an order was placed with."""
    return changed(client_id, Leg.TARGET, f"{REST}{number}")


def read(text: object) -> OwnId | None:
    """Return what an id says; None where it is none of ours."""
    if not isinstance(text, str) or not text.startswith(MARK):
        return None
    number, *rest = text.removeprefix(MARK).split("/")
    try:
        if not rest:
            return OwnId(UUID(number))
        leg, change = rest
        return OwnId(UUID(number), Leg(leg), change)
    except ValueError:
        return None
