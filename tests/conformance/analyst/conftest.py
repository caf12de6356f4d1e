"""The kit for analysts.

    pytest tests/conformance/analyst
    pytest tests/conformance/analyst --analyst my_analyst:SPEC

The first tries every analyst of the registry, the second one of yours.
docs/extending/analyst.md has the steps.
"""

import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from opinions.analysts import registry
from opinions.analysts.base import AnalystSpec
from tests.conformance.analyst import counterpart as counterparts
from tests.conformance.analyst.counterpart import Counterpart

OURS: dict[str, Callable[[], AbstractContextManager[Counterpart]]] = {
    "rules": counterparts.rules,
    "agent0": counterparts.agent0,
    "llm": counterparts.llm,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--analyst", help="dotted path of an AnalystSpec: my_analyst:SPEC")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "spec" in metafunc.fixturenames:
        path = metafunc.config.getoption("--analyst", default=None)
        specs = [pkgutil.resolve_name(path)] if path else registry.SPECS
        metafunc.parametrize("spec", [pytest.param(spec, id=spec.name) for spec in specs])


@pytest.fixture
def behind(spec: AnalystSpec) -> Iterator[Counterpart]:
    """The analyst's counterpart: ours, or the function `counterpart` beside the SPEC."""
    bring = OURS.get(spec.name) or sys.modules[spec.build.__module__].counterpart
    with bring() as counterpart:
        yield counterpart
