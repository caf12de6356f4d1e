"""A gateway and clients that are connected to it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from tests.ib_gateway.client import PATIENCE, Client
from tests.vendors.ib_gateway import IBGateway

NOON = datetime(2024, 7, 2, 16, 0, tzinfo=UTC)


@pytest.fixture
def gateway() -> Iterator[IBGateway]:
    with IBGateway(now=NOON) as gateway:
        yield gateway
        assert gateway.misunderstood == []


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def connect(gateway: IBGateway, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[..., Client]]:
    with ExitStack() as clients:
        yield lambda client_id=7, timeout=PATIENCE: clients.enter_context(
            Client(gateway.port, loop, client_id)
        ).connect(timeout)


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()
