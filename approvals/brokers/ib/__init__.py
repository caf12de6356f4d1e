"""Interactive Brokers, through the IB Bridge, which holds the connection to TWS or IB Gateway."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from approvals.brokers.base import BrokerSpec, Capabilities
from approvals.brokers.ib import flex, stream, wire
from approvals.brokers.ib.broker import InteractiveBrokers
from core.registry import Setting
from core.registry.kinds import KEY, Url


def _build(values: Mapping[str, Any], at: datetime) -> InteractiveBrokers:
    api = wire.api(values["IB_BRIDGE_URL"], values["IB_BRIDGE_TOKEN"])
    return InteractiveBrokers(api, is_paper=api.is_paper())


SPEC = BrokerSpec(
    name=InteractiveBrokers.name,
    title="Interactive Brokers",
    settings=(
        Setting("IB_BRIDGE_URL", Url(), required=True),
        Setting("IB_BRIDGE_TOKEN", KEY, secret=True),
        Setting("IB_FLEX_TOKEN", KEY, secret=True),
        Setting("IB_FLEX_QUERY", KEY),
        Setting("IB_FLEX_URL", Url(), default=flex.URL),
    ),
    is_paper=True,
    build=_build,
    # IB tells executions since its midnight: what happened while the bridge was away for longer is lost.
    capabilities=Capabilities(fractions=True, what_if=True, executions_for=timedelta(0)),
    stream=stream.listen,
    notices=stream.notices,
    statement=flex.read,
    statement_after=timedelta(hours=10),  # IB makes them in the night
    statement_needs=("IB_FLEX_TOKEN", "IB_FLEX_QUERY"),
)
