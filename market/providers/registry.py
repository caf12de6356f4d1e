"""The providers that Jax has, each with its spec in a file of its own. First choice first."""

from collections.abc import Mapping
from typing import Any

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


def processes(settings: object) -> list[str]:
    """Return the processes of vendors that are switched on, as the Procfile names them."""
    own = [spec.process for spec in SPECS if spec.process]
    return [process.name for process in own if getattr(settings, process.switch)]


def implied(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the settings of those processes say of other settings, which are not set themselves."""
    own = [spec.process for spec in SPECS if spec.process and values[spec.process.switch]]
    said = {name: value for process in own for name, value in process.implies(values).items()}
    return {name: value for name, value in said.items() if not values[name]}


def how_to_get_real_prices() -> str:
    """Return the settings that switch on a provider of real data: "A, or B and C"."""
    return ", or ".join(" and ".join(spec.required) for spec in REAL)
