"""A deadline for a wait on another host, whatever that host does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

GRACE = 0.5  # seconds to hang up in


def within(seconds: float, work: Callable[[], Awaitable[T]]) -> T:
    """Return what `work` returns. Raises TimeoutError after so many seconds, however slow it is.

    It gets an event loop in a thread of its own: the caller may have one that runs already, and the look-up
    of a host's name, which nothing can break off, must hold neither the caller nor the end of the process.
    """
    outcome: Future[T] = Future()

    async def bounded() -> T:
        return await asyncio.wait_for(work(), seconds)

    def run() -> None:
        try:
            outcome.set_result(asyncio.run(bounded()))
        except BaseException as error:  # noqa: BLE001  # whatever it is, the caller gets it
            outcome.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    return outcome.result(seconds + GRACE)
