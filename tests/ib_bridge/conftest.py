from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.ib_bridge import running
from tests.ib_bridge.running import Asked
from tests.vendors.ib_gateway.gateway import IBGateway


@pytest.fixture
def gateway() -> Iterator[IBGateway]:
    with IBGateway() as running_gateway:
        running_gateway.quote("AAPL", last=195, bid=194, ask=196)
        yield running_gateway


@pytest.fixture
def bridge(gateway: IBGateway, tmp_path: Path) -> Iterator[Asked]:
    with running.in_thread(gateway.port, tmp_path) as asked:
        yield asked


@pytest.fixture
def order() -> str:
    """An id as Jax gives one."""
    return str(uuid4())
