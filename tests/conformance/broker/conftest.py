"""The kit for brokers.

    pytest tests/conformance/broker
    pytest tests/conformance/broker --broker my_broker:SPEC

The first tries every broker of the registry and the tests' own, the second one of yours.
docs/extending/broker.md has the steps.
"""

import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from approvals.brokers import registry
from approvals.brokers.base import Broker, BrokerSpec
from tests.approvals.broker import client
from tests.conformance.broker import counterpart as counterparts
from tests.conformance.broker.counterpart import Counterpart
from tests.make import T0

OURS: dict[str, Callable[[], AbstractContextManager[Counterpart]]] = {
    "paper": counterparts.paper,
    "fake": counterparts.fake,
}
NEEDS = {"paper": [pytest.mark.django_db]}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--broker", help="dotted path of a BrokerSpec: my_broker:SPEC")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "spec" in metafunc.fixturenames:
        path = metafunc.config.getoption("--broker", default=None)
        specs = [pkgutil.resolve_name(path)] if path else [*registry.SPECS, client.SPEC]
        metafunc.parametrize(
            "spec", [pytest.param(spec, id=spec.name, marks=NEEDS.get(spec.name, ())) for spec in specs]
        )


@pytest.fixture
def behind(spec: BrokerSpec) -> Iterator[Counterpart]:
    """The broker's counterpart: ours, or the function `counterpart` beside the SPEC."""
    bring = OURS.get(spec.name) or sys.modules[spec.build.__module__].counterpart
    with bring() as counterpart:
        yield counterpart


@pytest.fixture
def at(spec: BrokerSpec, behind: Counterpart) -> Callable[[int], Broker]:
    """Build the broker as it is so many seconds after T0."""
    return lambda seconds: spec.build(behind.values, T0 + timedelta(seconds=seconds))
