"""Invented rates of currencies: of the size that they have, and never still."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from market.prices import Feed, QuoteTick
from market.providers.currencies import TYPICAL
from market.providers.random_walk import keyed
from market.providers.rates import Rates

SWING = 0.02  # as logarithm: how far a currency wanders
WAVES = ((11 * 86_400, 0.7), (7 * 3_600, 0.25), (1_740, 0.05))  # seconds, and the part of the swing
HALF_SPREAD = 0.0001


def rates(seed: int, pairs: Sequence[str], at: datetime) -> Rates:
    """Return a rate of each pair of known currencies. Those of three currencies agree."""
    answer = Rates([], Feed.SIMULATED)
    as_of = at.astimezone(UTC).replace(microsecond=0)
    for pair in pairs:
        base, _, term = pair.partition("/")
        if base not in TYPICAL or term not in TYPICAL:
            answer.failed[pair] = "not a pair that the simulator knows"
            continue
        price = _per_dollar(seed, term, as_of) / _per_dollar(seed, base, as_of)
        bid, ask = (round(price * side, 6) for side in (1 - HALF_SPREAD, 1 + HALF_SPREAD))
        answer.ticks.append(QuoteTick(pair, round(price, 6), as_of, bid=bid, ask=ask, exchange="SIM"))
    return answer


def _per_dollar(seed: int, currency: str, at: datetime) -> float:
    if currency == "USD":
        return 1.0
    phase = float(keyed([f"{seed} {currency} rate"])[0] % 360)
    moved = sum(
        part * math.sin(math.tau * at.timestamp() / length + phase * number)
        for number, (length, part) in enumerate(WAVES, 1)
    )
    return TYPICAL[currency] * math.exp(SWING * moved)
