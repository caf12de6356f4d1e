"""What waits for slow peers is bounded: in time, and all of it together in size."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from jaxsite.web.held import Held


async def hold(held: Held, size: int, seconds: float = 60, *, let_in: bool = False) -> str:
    try:
        async with held.within(seconds, let_in=let_in) as add:
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


def test_what_was_let_in_goes_after_all_that_others_hold() -> None:
    held = Held(100)
    work = [hold(held, 60, let_in=True), *[hold(held, 30) for _ in range(3)]]
    assert together(*work) == ["kept", "given up", "given up", "kept"]
    assert (held.total, held.sizes, held.let_in) == (0, {}, set())


def test_the_oldest_that_was_let_in_makes_room_for_another() -> None:
    held = Held(100)
    work = [hold(held, 60, let_in=True), hold(held, 60, let_in=True)]
    assert together(*work) == ["given up", "kept"]


def test_one_that_grows_too_large_is_given_up_itself() -> None:
    held = Held(100)
    assert together(hold(held, 101)) == ["given up"]
    assert held.total == 0


@pytest.mark.parametrize(("seconds", "outcome"), [(0.01, "given up"), (5, "kept")])
def test_time_is_bounded(seconds: float, outcome: str) -> None:
    assert together(hold(Held(100), 1, seconds)) == [outcome]
