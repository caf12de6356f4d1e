"""What waits for slow peers is bounded: in time, and all of it together in size."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from jaxsite.web.held import Held


async def hold(held: Held, size: int, seconds: float = 60) -> str:
    try:
        async with held.within(seconds) as add:
            add(size)
            await asyncio.sleep(0.2)
            return "kept"
    except TimeoutError:
        return "given up"


def together(*work: Coroutine[Any, Any, str]) -> list[str]:
    async def gather() -> list[str]:
        return await asyncio.gather(*work)

    return asyncio.run(gather())


def test_what_fits_is_kept() -> None:
    held = Held(100)
    assert together(hold(held, 60), hold(held, 40)) == ["kept", "kept"]
    assert (held.total, held.sizes) == (0, {})


def test_the_oldest_make_room() -> None:
    held = Held(100)
    assert together(*[hold(held, 40) for _ in range(4)]) == ["given up", "given up", "kept", "kept"]
    assert (held.total, held.sizes) == (0, {})


def test_one_that_grows_too_large_is_given_up_itself() -> None:
    held = Held(100)
    assert together(hold(held, 101)) == ["given up"]
    assert held.total == 0


@pytest.mark.parametrize(("seconds", "outcome"), [(0.01, "given up"), (5, "kept")])
def test_time_is_bounded(seconds: float, outcome: str) -> None:
    assert together(hold(Held(100), 1, seconds)) == [outcome]
