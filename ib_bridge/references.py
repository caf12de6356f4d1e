"""`orderRef`, which IB carries for us: our client id and the leg. Pure."""

from uuid import UUID

ENTRY, STOP, TARGET, FLAT, CLOSE = "entry", "stop", "target", "flat", "close"
# A closing is an order for each OCA group that guards its shares: an order can be in one group only.
CLOSES = (CLOSE, *(f"{CLOSE}-{number}" for number in range(2, 10)))
LEGS = (ENTRY, *CLOSES, STOP, TARGET, FLAT)  # the first leg of an order first
EXITS = (STOP, TARGET, FLAT)
OCA_PREFIX = "jax-"
NOT_OURS = ("", "")


def reference(client_id: str, leg: str) -> str:
    return f"{client_id}/{leg}"


def parts(leg: str) -> tuple[str, ...]:
    """Return the legs at IB that a leg consists of."""
    return CLOSES if leg == CLOSE else (leg,)


def whole(leg: str) -> str:
    """Return the leg that a leg at IB is a part of."""
    return CLOSE if leg in CLOSES else leg


def read(text: str) -> tuple[str, str]:
    """Return client id and leg; two empty texts for what is not ours."""
    client_id, slash, leg = text.partition("/")
    if not slash or leg not in LEGS:
        return NOT_OURS
    try:
        return str(UUID(client_id)), leg
    except ValueError:
        return NOT_OURS
