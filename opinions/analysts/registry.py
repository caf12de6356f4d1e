"""The analysts that Jax has, each with its spec in a file of its own. The last choice comes first."""

from collections.abc import Mapping
from typing import Any

from core.registry import registry
from opinions.analysts import agent0, llm, rules
from opinions.analysts.base import Analyst, AnalystSpec, NotConfigured

SPECS = registry(
    rules.SPEC,
    agent0.SPEC,
    llm.SPEC,
)
NAMES = [spec.name for spec in SPECS]
TITLES = {spec.name: spec.title for spec in SPECS}


def spec_of(name: str) -> AnalystSpec:
    """Return the analyst's spec. Raises NotConfigured when there is none of that name."""
    for spec in SPECS:
        if spec.name == name:
            return spec
    raise NotConfigured(f"There is no analyst {name!r}. Known are {', '.join(NAMES)}.")


def default_name(values: Mapping[str, Any]) -> str:
    """Return whom to ask unless ANALYST names one: the last whose first required setting has a value."""
    begun = [spec.name for spec in SPECS if not spec.required or values.get(spec.required[0])]
    return begun[-1]


def configured(settings: object) -> list[AnalystSpec]:
    """Return the analysts that can be asked."""
    return [spec for spec in SPECS if spec.is_configured(spec.values(settings))]


def build(name: str, settings: object) -> Analyst:
    """Return the analyst, set up by the settings. Raises NotConfigured."""
    spec = spec_of(name)
    values = spec.values(settings)
    if not spec.is_configured(values):
        raise NotConfigured(f"There is no analyst {name!r}. {spec.how_to_configure}")
    return spec.build(values)
