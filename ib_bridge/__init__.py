"""The IB Bridge: one process between Jax and a TWS or an IB Gateway, HTTP on loopback. No Django.

docs/ib-bridge.md says what it answers. What IB's API client thinks of orders is not trusted: the journal
keeps what the gateway said, and how an order stands is derived from that.
"""

VERSION = "2.0.0"
