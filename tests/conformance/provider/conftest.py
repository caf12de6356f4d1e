"""The kit for providers of market data.

    pytest tests/conformance/provider
    pytest tests/conformance/provider --provider my.module:SPEC --vendor my.counterpart:Vendor

The first tries every provider of the registry, the second one of your own. Without its vendor's counterpart
on loopback, its spec and its failures are tried, not its answers. docs/extending/provider.md has the steps.
"""

from collections.abc import Iterator

import pytest

from market.providers import registry
from tests.conformance.provider.candidates import SYMBOLS, Candidate, Silent, T, load, of
from tests.vendors.server import Vendor


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--provider", help="dotted path of a ProviderSpec: my.module:SPEC")
    parser.addoption("--vendor", help="dotted path of its counterpart on loopback: my.counterpart:Vendor")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "candidate" in metafunc.fixturenames:
        path = metafunc.config.getoption("--provider", default=None)
        vendor = metafunc.config.getoption("--vendor", default=None)
        candidates = [load(path, vendor)] if path else [of(spec) for spec in registry.SPECS]
        if "remote" in metafunc.fixturenames and not path:
            candidates = [candidate for candidate in candidates if candidate.is_remote]
        metafunc.parametrize("candidate", candidates, ids=[candidate.spec.name for candidate in candidates])


@pytest.fixture
def vendor(candidate: Candidate) -> Iterator[Vendor]:
    """The vendor's counterpart, at work."""
    with (candidate.vendor or Silent)(now=T, symbols=SYMBOLS) as server:
        yield server


@pytest.fixture
def answering(candidate: Candidate, vendor: Vendor) -> Vendor:
    """The counterpart of a provider, which answers as the vendor does."""
    if candidate.is_remote and candidate.vendor is None:
        pytest.skip("needs the vendor's counterpart: --vendor my.counterpart:Vendor")
    return vendor


@pytest.fixture
def remote(candidate: Candidate, vendor: Vendor) -> Vendor:
    """The counterpart of a provider that asks somewhere else."""
    if not candidate.is_remote:
        pytest.skip("asks no other host")
    return vendor
