"""IB Gateway on loopback: speaks the text protocol of server version 176 to the real ib_async client.

    with IBGateway() as gateway:
        ... connect to 127.0.0.1:gateway.port, place a bracket with orderRef "7/entry" ...
        gateway.fill("7/entry", 4, "190.00")
        gateway.faults.arm("placeOrder", Break.BEFORE)
        gateway.restart(next_id=1)

By hand or as a process of its own: `python -m tests.vendors.ib_gateway`, with a port for the same commands.
It knows shares and the orders MKT, LMT and STP; nothing fills unless told. `book` holds what orders do at IB,
`screening` what is refused or remarked, `market` who sees which data, `history` the pace of bars.
"""

from tests.vendors.ib_gateway.control import command
from tests.vendors.ib_gateway.faults import Break
from tests.vendors.ib_gateway.gateway import IBGateway

__all__ = ["Break", "IBGateway", "command"]
