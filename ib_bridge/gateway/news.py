"""Who waits for something to happen, and is woken by it."""

import asyncio


class News:
    """A counter of what happened, for any number of waiters in one event loop. `is_over`: none will come."""

    def __init__(self) -> None:
        self.count = 0
        self.is_over = False
        self._happened = asyncio.Event()

    def happened(self) -> None:
        self.count += 1
        self._happened.set()
        self._happened = asyncio.Event()

    def end(self) -> None:
        """Have nobody wait any more."""
        self.is_over = True
        self.happened()

    async def wait(self, seconds: float) -> bool:
        """Wait until something happens. Return whether it did within so many seconds."""
        try:
            await asyncio.wait_for(self._happened.wait(), seconds)
        except TimeoutError:
            return False
        return True
