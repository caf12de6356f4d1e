"""Waiting for somebody outside, and not longer than so many seconds, whatever he does."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

GRACE = 0.5  # seconds to hang up in


def within(seconds: float, work: Callable[[], Awaitable[T]]) -> T:
    """What `work` comes to. TimeoutError after so many seconds, however it dawdles.

    It gets an event loop in a thread of its own: the caller may have one that runs already, and the look-up
    of a host's name, which nothing can break off, must not hold the caller.
    """

    async def bounded() -> T:
        return await asyncio.wait_for(work(), seconds)

    pool = ThreadPoolExecutor(1, thread_name_prefix="within")
    try:
        return pool.submit(lambda: asyncio.run(bounded())).result(seconds + GRACE)
    finally:
        pool.shutdown(wait=False)
