"""What a vendor brings along: its name, its settings, which of them are secret. Pure.

A provider, an analyst and a broker each describe themselves by a `Spec` in their own file. Settings, checks,
the doctor, redaction and pages read the specs: adding a vendor is one file and one line in its registry.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A setting that a vendor reads from the environment or `.env`."""

    name: str
    cast: Callable[[Any], Any] = str  # from the text of the environment
    default: Any = ""
    secret: bool = False  # never logged, shown or sent
    required: bool = False  # without it the vendor is not configured


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A vendor's presence, apart from how it is built. `title`: its name as people write it."""

    name: str
    title: str
    settings: tuple[Setting, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Return the names of the settings that switch it on; empty when it needs none."""
        return tuple(setting.name for setting in self.settings if setting.required)

    @property
    def how_to_configure(self) -> str:
        """Return what to do to switch it on: "Set A and B."; empty when it needs nothing."""
        return f"Set {' and '.join(self.required)}." if self.required else ""

    def is_configured(self, values: Mapping[str, Any]) -> bool:
        """Return whether all of its required settings have a value."""
        return all(values.get(name) for name in self.required)

    def values(self, settings: object) -> dict[str, Any]:
        """Return the value of each of its settings, read as attributes of `settings`."""
        return {setting.name: getattr(settings, setting.name) for setting in self.settings}


def all_settings(specs: Iterable[Spec]) -> Iterator[Setting]:
    """Yield every setting of the specs, each name once."""
    seen: set[str] = set()
    for spec in specs:
        for setting in spec.settings:
            if setting.name not in seen:
                seen.add(setting.name)
                yield setting


def secret_names(specs: Iterable[Spec]) -> list[str]:
    """Return the names of the settings that are secret."""
    return [setting.name for setting in all_settings(specs) if setting.secret]
