"""What IB allows of historical requests: 60 in ten minutes, six for one contract in two seconds. Pure."""

from collections import deque

WINDOW, MOST = 600.0, 58
SAME_CONTRACT, MOST_OF_ONE = 2.0, 5


class Pace:
    """Says when the next request may be sent. Times are those of a clock that never goes back."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, int]] = deque()

    def wait(self, contract: int, now: float) -> float:
        """Return the seconds until a request for the contract may be sent; 0: now, and it counts as sent."""
        while self._sent and now - self._sent[0][0] >= WINDOW:
            self._sent.popleft()
        of_one = [at for at, other in self._sent if other == contract and now - at < SAME_CONTRACT]
        if len(self._sent) >= MOST:
            return self._sent[len(self._sent) - MOST][0] + WINDOW - now
        if len(of_one) >= MOST_OF_ONE:
            return of_one[-MOST_OF_ONE] + SAME_CONTRACT - now
        self._sent.append((now, contract))
        return 0.0
