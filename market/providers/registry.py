"""The providers that Jax has, each with its spec in a file of its own. First choice first."""

from core.registry import registry
from market.providers import alpaca, ib_bridge, polygon, simulator

SPECS = registry(
    ib_bridge.SPEC,
    alpaca.SPEC,
    polygon.SPEC,
    simulator.SPEC,
)
NAMES = [spec.name for spec in SPECS]
REAL = [spec for spec in SPECS if not spec.is_simulated]
SIMULATED = [spec for spec in SPECS if spec.is_simulated]
BOUNDED = [spec.name for spec in SPECS if spec.is_bounded]
CONSOLIDATED = [spec.name for spec in SPECS if spec.is_consolidated]


def how_to_get_real_prices() -> str:
    """Return the settings that switch on a provider of real data: "A, or B and C"."""
    return ", or ".join(" and ".join(spec.required) for spec in REAL)
