"""Loopback HTTP servers that answer as the vendors do, with faults to switch on.

    with IBBridge(latency=0.2, allows=(50, 1.0)) as bridge:
        bridge.fail(faults.status(503), on="/quotes/MSFT", times=2)
        ... bridge.url, bridge.visits ...

By hand: `python -m tests.vendors ib_bridge --port 8092`. The models of `python -m tests.vendors openai`
(LLM_BASE_URL with /v1 at its end) are "honest", "inventive" and those of openai.py.
"""

from tests.vendors.agent0 import Agent0
from tests.vendors.alpaca import Alpaca
from tests.vendors.alpaca_trading import AlpacaTrading
from tests.vendors.flex import Flex
from tests.vendors.hindsight import Hindsight
from tests.vendors.ib_bridge import IBBridge
from tests.vendors.openai import OpenAI
from tests.vendors.polygon import Polygon
from tests.vendors.server import Vendor, Visit

__all__ = [
    "Agent0",
    "Alpaca",
    "AlpacaTrading",
    "Flex",
    "Hindsight",
    "IBBridge",
    "OpenAI",
    "Polygon",
    "Vendor",
    "Visit",
]
