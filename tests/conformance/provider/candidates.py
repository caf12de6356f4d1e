"""What is tried: a provider's spec and its vendor's counterpart on loopback."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from core.http import Patience
from market.providers.base import Limit, Pace, Provider, ProviderSpec, Unpaced
from tests.vendors.server import Reply, Vendor, Visit

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)  # a Wednesday, 11:00 in New York
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE")
SYMBOLS = ("AAPL", "MSFT", "SPY")
ONCE = Patience(attempts=1, pause=0.01)
BRIEF = Patience(connect=0.5, read=0.3, answer=0.6, fetch=1.5, attempts=1, pause=0.01)


class Silent(Vendor):
    """A vendor that has nothing to say: for providers whose counterpart is not known."""

    def answer(self, visit: Visit) -> Reply:
        return Reply.json({"nothing": "." * 100})


class Closed:
    """A pace that allows no request."""

    def reserve(self, limits: Sequence[Limit], wanted: int, *, spare: int = 0) -> list[float]:
        return []


@dataclass(frozen=True)
class Candidate:
    spec: ProviderSpec
    vendor: type[Vendor] | None

    @property
    def build_module(self) -> str:
        """Return the name of the module that builds it."""
        return str(getattr(self.spec.build, "__module__", ""))

    @property
    def is_remote(self) -> bool:
        """Return whether it asks a host: one of its settings is then an address."""
        return any(setting.name.endswith("_URL") for setting in self.spec.settings)

    def values(self, vendor: Vendor) -> dict[str, Any]:
        """Return its settings: defaults, the vendor's address, a key for each key, the vendor's own."""
        values = {setting.name: setting.default for setting in self.spec.settings}
        values |= {name: vendor.url for name in values if name.endswith("_URL")}
        values |= {name: f"k3y-{name}" for name in values if SECRET.search(name)}
        return values | vendor.settings

    def secrets(self, vendor: Vendor) -> list[str]:
        """Return the values that no text may hold, also of settings that forgot to say so."""
        values, settings = self.values(vendor), self.spec.settings
        return [values[each.name] for each in settings if each.secret or SECRET.search(each.name)]

    def build(self, vendor: Vendor, pace: Pace | None = None, patience: Patience = ONCE) -> Provider:
        return self.spec.build(self.values(vendor), pace or Unpaced(), patience)


def of(spec: ProviderSpec) -> Candidate:
    """Return a spec with the counterpart of `tests/vendors/<name>.py`, if there is one."""
    path = f"tests.vendors.{spec.name}"
    if find_spec(path) is None:
        return Candidate(spec, None)
    classes = [value for value in vars(import_module(path)).values() if isinstance(value, type)]
    return Candidate(
        spec, next(each for each in classes if issubclass(each, Vendor) and each.__module__ == path)
    )


def load(spec_path: str, vendor_path: str | None) -> Candidate:
    """Return what the command names."""
    spec = _imported(spec_path)
    assert isinstance(spec, ProviderSpec), f"{spec_path} is not a ProviderSpec"
    return Candidate(spec, _imported(vendor_path)) if vendor_path else of(spec)


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
