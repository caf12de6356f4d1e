"""The brokers that there are, and the one that the setting BROKER names. Pure.

Adding one is a file with a SPEC and a line here; docs/extending/broker.md says how. BROKER may also be the
dotted path of a SPEC that is none of ours.
"""

import pkgutil
from collections.abc import Iterator
from contextlib import suppress

from approvals.brokers import alpaca, ib, paper
from approvals.brokers.base import BrokerSpec
from core.registry import registry

SPECS = registry(paper.SPEC, alpaca.SPEC, ib.SPEC)
NAMES = [spec.name for spec in SPECS]


class UnknownBroker(ValueError):
    """BROKER names neither one of SPECS nor a SPEC that can be imported."""


def spec_of(broker: str) -> BrokerSpec:
    """Return the spec with this name, or at a path as in `package.module:SPEC`. Raises UnknownBroker."""
    if broker in NAMES:
        return SPECS[NAMES.index(broker)]
    try:
        spec = pkgutil.resolve_name(broker)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownBroker(f"BROKER is {broker}, which cannot be imported: {error}") from error
    if not isinstance(spec, BrokerSpec):
        raise UnknownBroker(f"BROKER is {broker}, which is no BrokerSpec.")
    return spec


def specs_with(broker: str) -> Iterator[BrokerSpec]:
    """Yield all of SPECS, and that of BROKER where it is none of them and can be imported."""
    yield from SPECS
    if broker not in NAMES:
        with suppress(UnknownBroker):  # manage.py check says so
            yield spec_of(broker)
