"""A pace without a database: the same slots, for one process."""

import time
from collections import defaultdict
from collections.abc import Sequence

from market.providers.base import Limit


class Sliding:
    """Grants each limit's count in any of its windows, up to `longest` seconds ahead; notes what is asked."""

    def __init__(self, longest: float = 10.0) -> None:
        self.longest = longest
        self.asks: list[tuple[list[str], int, int]] = []
        self._given: dict[str, list[float]] = defaultdict(list)

    def reserve(self, limits: Sequence[Limit], wanted: int, *, spare: int = 0) -> list[float]:
        self.asks.append(([limit.name for limit in limits], wanted, spare))
        now = time.monotonic()
        granted: list[float] = []
        while len(granted) < wanted:
            moment = max([now, *(self._free(limit, spare) for limit in limits)])
            if moment > now + self.longest:
                break
            granted.append(moment)
            for limit in limits:
                self._given[limit.name].append(moment)
        return [moment - now for moment in granted]

    def _free(self, limit: Limit, spare: int) -> float:
        given, count = self._given[limit.name], max(limit.count - spare, 1)
        return given[-count] + limit.seconds if len(given) >= count else 0.0
