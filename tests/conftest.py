"""What all tests share."""

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more about the machine's other work than about ours.
settings.register_profile("jax", deadline=None)
settings.load_profile("jax")

# Files whose tests share something that takes long to make: one worker runs all of them.
TOGETHER = (
    "tests/browser/",
    "tests/jaxsite/test_embedded_backend.py",
    "tests/jaxsite/test_make_run.py",
    "tests/jaxsite/test_qcluster.py",
    "tests/signals/test_scan_faults.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with processes of their own first: they wait much, and beside them the others run."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Deals out tests one by one in their order, but some files whole."""

    def _split_scope(self, nodeid: str) -> str:
        return next((file for file in TOGETHER if nodeid.startswith(file)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)
