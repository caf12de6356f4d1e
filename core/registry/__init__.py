"""What a vendor brings along: its name, its settings, which of them are secret. Pure.

A provider, an analyst and a broker each describe themselves by a `Spec` in their own file. Settings, checks,
the doctor, redaction and pages read the specs: adding a vendor is one file and one line in its registry.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from core.registry.kinds import KEY

S = TypeVar("S", bound="Spec")

VENDOR_NAME = re.compile(r"[a-z][a-z0-9_]{0,15}")  # the columns that hold it take 16 characters
SETTING_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


class InvalidSpec(ValueError):
    """A vendor's description contradicts itself or another one."""


@dataclass(frozen=True)
class Setting:
    """A setting that a vendor reads from the environment or `.env`.

    `cast` makes its value of the text there, and raises ValueError when that makes no sense: a kind with its
    range (`core.registry.kinds`), else str, int, Decimal, float or bool.
    """

    name: str
    cast: Callable[[Any], Any] = str
    default: Any = ""
    secret: bool = False  # never logged, shown or sent
    required: bool = False  # without it the vendor is not configured

    def __post_init__(self) -> None:
        if not SETTING_NAME.fullmatch(self.name):
            raise InvalidSpec(f"{self.name!r} is not a name of a setting: use capitals, digits and _.")
        if (self.secret or self.required) and self.default:
            raise InvalidSpec(f"{self.name} is secret or required, so that it cannot have a default.")
        if self.secret and self.cast not in (str, KEY):
            raise InvalidSpec(f"{self.name} is secret, so that it must be text: only text is redacted.")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A vendor's presence, apart from how it is built. `title`: its name as people write it."""

    name: str
    title: str
    settings: tuple[Setting, ...] = ()

    def __post_init__(self) -> None:
        if not VENDOR_NAME.fullmatch(self.name):
            raise InvalidSpec(f"{self.name!r} is not a vendor's name: up to 16 of a to z, 0 to 9 and _.")
        if not self.title:
            raise InvalidSpec(f"{self.name} has no title.")
        names = [setting.name for setting in self.settings]
        if len(names) != len(set(names)):
            raise InvalidSpec(f"{self.name} names a setting twice.")

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


def registry(*specs: S) -> tuple[S, ...]:
    """Return the specs in their order. Raises InvalidSpec when two share a name or differ about a setting."""
    names = [spec.name for spec in specs]
    if len(names) != len(set(names)):
        raise InvalidSpec(f"A name is taken twice: {', '.join(names)}.")
    declared: dict[str, Setting] = {}
    for setting in (setting for spec in specs for setting in spec.settings):
        if declared.setdefault(setting.name, setting) != setting:
            raise InvalidSpec(f"Two vendors declare {setting.name} differently.")
    return specs


def all_settings(specs: Iterable[Spec]) -> Iterator[Setting]:
    """Yield every setting of the specs, each name once."""
    names: set[str] = set()
    for spec in specs:
        for setting in spec.settings:
            if setting.name not in names:
                names.add(setting.name)
                yield setting


def secret_names(specs: Iterable[Spec]) -> list[str]:
    """Return the names of the settings that are secret."""
    return [setting.name for setting in all_settings(specs) if setting.secret]


def read_settings(specs: Iterable[Spec], read: Callable[..., Any]) -> dict[str, Any]:
    """Return the value of every setting by its name.

    `read(name, cast, default, secret=...)` looks one up, as `Environment.read` does.
    """
    return {
        setting.name: read(setting.name, setting.cast, setting.default, secret=setting.secret)
        for setting in all_settings(specs)
    }
