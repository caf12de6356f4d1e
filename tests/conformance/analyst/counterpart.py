"""What stands behind an analyst while the kit runs: the service that it asks, on loopback."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.registry import all_settings
from opinions.analysts import registry
from tests import vendors
from tests.vendors import faults

KEY = "sk-a-key-that-nobody-may-see"
DEFAULTS = {setting.name: setting.default for setting in all_settings(registry.SPECS)}


@dataclass(frozen=True)
class Counterpart:
    """A module with a SPEC brings a function `counterpart` that yields one, as a context manager.

    `values`: the settings that the analyst is built with. `stop` ends the service, `hang` makes it accept
    questions and answer none; None for an analyst that asks nothing outside.
    """

    values: Mapping[str, Any]
    stop: Callable[[], None] | None = None
    hang: Callable[[], None] | None = None


@contextmanager
def rules() -> Iterator[Counterpart]:
    yield Counterpart({})


@contextmanager
def agent0() -> Iterator[Counterpart]:
    with vendors.Agent0() as server:
        yield Counterpart(
            DEFAULTS | {"AGENT0_URL": server.url}, server.stop, lambda: server.fail(faults.never)
        )


@contextmanager
def llm() -> Iterator[Counterpart]:
    with vendors.OpenAI(key=KEY) as server:
        values = {"LLM_BASE_URL": f"{server.url}/v1", "LLM_MODEL": "honest", "LLM_API_KEY": KEY}
        yield Counterpart(DEFAULTS | values, server.stop, lambda: server.fail(faults.never))
