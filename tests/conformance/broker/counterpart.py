"""What stands behind a broker while the kit runs, and what the kit makes it do."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import pytest

from market.models import QuoteHistory
from market.prices import Feed
from tests import make
from tests.approvals.broker.process import FakeBroker, running

SYMBOL, PRICE = "AAPL", Decimal(100)


class Counterpart(Protocol):
    """An account with money and no position, in which SYMBOL trades at PRICE.

    A module with a SPEC brings a function `counterpart` that yields one, as a context manager. `values`: the
    settings that the broker is built with.
    """

    values: Mapping[str, Any]

    def fill(self, client_id: UUID, at: datetime) -> None:
        """Fill all of the order's first leg at PRICE."""
        ...

    def is_away(self) -> AbstractContextManager[None]:
        """Make the broker unreachable for a while. Raises NotImplementedError where that cannot be."""
        ...

    def lose_next_answer(self) -> None:
        """Lose the answer to the next entry, which arrives. Raises NotImplementedError likewise."""
        ...


@dataclass
class Paper:
    """The paper account over the tests' database: quotes fill its orders."""

    values: Mapping[str, Any] = field(
        default_factory=lambda: {"PAPER_EQUITY": Decimal(100_000), "PAPER_SLIPPAGE_BPS": Decimal(2)}
    )

    def fill(self, client_id: UUID, at: datetime) -> None:
        QuoteHistory.objects.create(
            symbol=SYMBOL,
            price=float(PRICE),
            as_of=at - timedelta(seconds=2),
            received_at=at - timedelta(seconds=1),
            provider="simulator",
            feed=Feed.SIMULATED,
        )

    def is_away(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def lose_next_answer(self) -> None:
        raise NotImplementedError


@dataclass
class Fake:
    """The tests' own broker, a process on loopback."""

    process: FakeBroker
    values: Mapping[str, Any] = field(default_factory=dict)

    def fill(self, client_id: UUID, at: datetime) -> None:
        order = self.process.order(client_id)
        leg = "entry" if "limit_price" in order else "close"
        self.process.fill(client_id, order["quantity"], leg, str(PRICE))

    @contextmanager
    def is_away(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TEST_BROKER_URL", "http://127.0.0.1:1")
            yield

    def lose_next_answer(self) -> None:
        self.process.fail("place", "drop")


@contextmanager
def paper() -> Iterator[Paper]:
    make.july_2024()
    make.instrument(SYMBOL)
    yield Paper()


@contextmanager
def fake() -> Iterator[Fake]:
    with running() as process, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_BROKER_URL", process.url)
        yield Fake(process)
