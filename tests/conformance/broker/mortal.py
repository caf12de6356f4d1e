"""A broker in whose calls the worker dies: what a process that is killed leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from approvals.brokers.base import Broker, BrokerSpec
from tests.conformance.broker import reference

PATH = f"{__name__}:SPEC"
SPEC = reference.SPEC  # what `kill_in` has put there last


class Killed(BaseException):
    """The worker is gone. No code of ours catches it."""


@dataclass
class Mortal:
    """The broker, but for one call: before it reaches the broker, or before its answer is seen, all ends."""

    broker: Broker
    call: str
    is_after: bool

    def __getattr__(self, name: str) -> Any:
        return self._die if name == self.call else getattr(self.broker, name)

    def _die(self, *args: Any, **options: Any) -> None:
        if self.is_after:
            getattr(self.broker, self.call)(*args, **options)
        raise Killed


def kill_in(spec: BrokerSpec, call: str, *, is_after: bool) -> None:
    """Have SPEC be the broker whose callers die in this call."""

    def build(values: Mapping[str, Any], at: datetime) -> Broker:
        return cast(Broker, Mortal(spec.build(values, at), call, is_after))

    global SPEC
    SPEC = replace(spec, build=build)
