"""Kits that say whether a provider, an analyst or a broker keeps its contract.

By default each runs over its registry. An author runs one against a spec of their own:
`pytest tests/conformance/broker --broker my_broker:SPEC`.
"""

import pkgutil
from collections.abc import Sequence
from typing import Any

import pytest

KINDS = ("provider", "analyst", "broker")


def pytest_addoption(parser: pytest.Parser) -> None:
    for kind in KINDS:
        parser.addoption(
            f"--{kind}", action="append", metavar="MODULE:SPEC", help=f"Run the kit on this {kind}."
        )


def chosen(config: pytest.Config, kind: str, registered: Sequence[str]) -> list[Any]:
    """Return the specs that the command line names; without any, those at the `registered` paths."""
    paths = config.getoption(f"--{kind}", default=None) or registered
    return [pkgutil.resolve_name(path) for path in paths]
