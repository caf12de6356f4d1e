"""A gateway by hand: `python -m tests.vendors.ib_gateway --port 4002 --control 4999`."""

import argparse
import sys
import threading
from pathlib import Path

from tests.vendors import prices
from tests.vendors.ib_gateway.contracts import share
from tests.vendors.ib_gateway.control import ControlPort
from tests.vendors.ib_gateway.gateway import IBGateway


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.vendors.ib_gateway", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", type=int, default=0, help="port for commands, one JSON object a line")
    parser.add_argument("--account", default="DU123456")
    parser.add_argument(
        "--state", type=Path, help="file with the account and its orders, kept when the process dies"
    )
    parser.add_argument("--symbols", type=int, default=0, help="so many made-up symbols beside the usual")
    options = parser.parse_args()
    with (
        IBGateway(port=options.port, account=options.account, state=options.state) as gateway,
        ControlPort(gateway, options.control) as control,
    ):
        gateway.shares += tuple(map(share, prices.many(options.symbols)))
        threading.Thread(target=control.serve_forever, daemon=True).start()
        sys.stdout.write(f"gateway {gateway.port} control {control.server_address[1]}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
