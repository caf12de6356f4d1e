"""The connection to TWS or IB Gateway: the only place that talks to ib_async."""
