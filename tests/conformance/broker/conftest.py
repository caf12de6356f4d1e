"""The kit for brokers.

    pytest tests/conformance/broker
    pytest tests/conformance/broker --broker my_broker:SPEC --broker-report report.md

The first tries every broker of the registry and the kit's own two, the second one of yours.
docs/extending/broker.md has the steps.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import pytest
from pytest_django import Settings

from approvals.brokers import registry
from approvals.brokers.base import BrokerSpec
from tests.conformance.broker import alpaca, ib, known, paper, reference, table
from tests.conformance.broker.bench import Bench
from tests.conformance.broker.counterpart import Counterpart
from tests.conformance.broker.jax import Jax

OURS: dict[str, Callable[[], AbstractContextManager[Counterpart]]] = {
    "paper": paper.counterpart,
    "alpaca": alpaca.counterpart,
    "ib": ib.counterpart,
    "reference": reference.counterpart,
    "sparse": reference.sparse_counterpart,
}
OWN = ("tests.conformance.broker.reference:SPEC", "tests.conformance.broker.reference:SPARSE")
# Each of these starts a bridge and a gateway; tests/approvals/brokers/test_ib.py has the quick ones.
NEEDS = {"paper": [pytest.mark.django_db], "ib": [pytest.mark.long]}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--broker", help="dotted path of a BrokerSpec: my_broker:SPEC")
    parser.addoption("--broker-report", help="write which cases passed to this file, as Markdown")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "setting" in metafunc.fixturenames:
        path = metafunc.config.getoption("--broker", default=None)
        specs = {name: registry.spec_of(name) for name in ([path] if path else [*registry.NAMES, *OWN])}
        metafunc.parametrize(
            ("setting", "spec"),
            [
                pytest.param(name, spec, id=spec.name, marks=_marks(spec, metafunc))
                for name, spec in specs.items()
            ],
        )


@pytest.hookimpl(tryfirst=True)
def _marks(spec: BrokerSpec, metafunc: pytest.Metafunc) -> list[pytest.MarkDecorator]:
    """Return what its cases need. Jax's own cases with Alpaca take seconds each, over many connections."""
    is_long = spec.name == "alpaca" and "jax" in metafunc.fixturenames
    return [*NEEDS.get(spec.name, ()), *([pytest.mark.long] if is_long else [])]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each case what the report says of it. A number is given once.

    Of the cases that drive Jax `make test` runs some with each broker, and `make test-long` the others.
    """
    names: dict[str, str] = {}
    for item in items:
        mark = item.get_closest_marker("case")
        if mark and isinstance(item, pytest.Function):
            number, broker = int(mark.args[0]), cast(BrokerSpec, item.callspec.params["spec"]).name
            label, name = table.label(number), table.name_of(item.originalname)
            if names.setdefault(label, name) != name:
                raise pytest.UsageError(f"{label} is both “{names[label]}” and “{name}”.")
            item.user_properties.append(("case", (broker, label, name)))
            if number >= table.OF_JAX and number not in table.EVERYWHERE:
                item.add_marker(pytest.mark.long)
            if why := known.KNOWN.get(broker, {}).get(number):
                item.add_marker(pytest.mark.xfail(reason=why, strict=True))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases passed, and write the report where one is asked for."""
    stats = terminalreporter.stats
    rows = table.lines(
        report
        for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        for report in stats.get(outcome, [])
        if isinstance(report, pytest.TestReport)
    )
    for line in table.summary(rows):
        terminalreporter.write_line(line)
    if path := terminalreporter.config.getoption("--broker-report", default=None):
        Path(path).write_text(table.document(rows))


@pytest.fixture
def behind(setting: str, spec: BrokerSpec, request: pytest.FixtureRequest) -> Iterator[Counterpart]:
    """The broker's counterpart: ours, or the function `counterpart` beside the SPEC."""
    mark = request.node.get_closest_marker("case")
    if mark and (lack := table.lacks(mark.args[1], spec.capabilities)):
        pytest.skip(lack)
    bring = OURS.get(spec.name) or sys.modules[spec.build.__module__].counterpart
    with bring() as counterpart:
        yield counterpart


@pytest.fixture
def bench(spec: BrokerSpec, behind: Counterpart) -> Bench:
    """The broker's adapter, at T0, with nothing placed."""
    return Bench(spec, behind)


@pytest.fixture
def jax(setting: str, bench: Bench, settings: Settings, db: None) -> Jax:
    """Jax with this broker, its gate open."""
    settings.BROKER = setting
    for name, value in bench.behind.values.items():
        setattr(settings, name, value)
    return Jax(bench, settings)
