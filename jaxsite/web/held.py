"""What is held in memory for peers that send or read slowly: bounded in time and, all together, in size."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Held:
    """Bytes on their way in or out. When they are more than `most`, what has waited longest is given up.

    What was let in, as a file of a person who has logged in, is given up after all that others hold.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        self.sizes: dict[asyncio.Timeout, int] = {}  # the oldest first
        self.let_in: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def within(self, seconds: float, *, let_in: bool = False) -> AsyncIterator[Callable[[int], None]]:
        """Yield what to call with the size of each part that is held from now on.

        Raises TimeoutError inside once the seconds are over, or once the room is needed for others.
        """
        async with asyncio.timeout(seconds) as limit:
            self.sizes[limit] = 0
            if let_in:
                self.let_in.add(limit)
            try:
                yield lambda size: self._add(limit, size)
            finally:
                self._release(limit)

    def _add(self, limit: asyncio.Timeout, size: int) -> None:
        self.sizes[limit] = self.sizes.get(limit, 0) + size
        self.total += size
        while self.total > self.most:
            oldest = next((limit for limit in self.sizes if limit not in self.let_in), next(iter(self.sizes)))
            self._release(oldest)
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())

    def _release(self, limit: asyncio.Timeout) -> None:
        self.let_in.discard(limit)
        self.total -= self.sizes.pop(limit, 0)
